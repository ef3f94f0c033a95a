package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Scrape is a Collector for one scrape. It can be registered, or gathered from
// directly: see Gather.
type Scrape struct {
	of *Collector
	// A prometheus.Collector is not handed a context, so it has to carry the
	// one of the scrape that it lives for.
	ctx context.Context //nolint:containedctx // see above
}

var (
	_ prometheus.Collector = Scrape{}
	_ prometheus.Gatherer  = Scrape{}
)

// Bind returns the collector for one scrape, which must be answered before ctx
// ends.
func (c *Collector) Bind(ctx context.Context) Scrape { return Scrape{c, ctx} }

// Describe implements [prometheus.Collector].
func (s Scrape) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		descs <- s.of.descs[m.Name]
	}
}

// Collect implements [prometheus.Collector].
func (s Scrape) Collect(metrics chan<- prometheus.Metric) {
	s.each(func(one sample) { metrics <- one.Metric })
}

// Gather implements [prometheus.Gatherer]. It gives what a registry with this
// collector would give, but checks and sorts nothing: metrics are checked when
// they are made, merchants keep the order of configuration, and what has not
// changed since the last scrape is handed out again. So its cost grows with
// the number of merchants and not faster, as a registry's does.
func (s Scrape) Gather() ([]*dto.MetricFamily, error) {
	families := make(map[string]*dto.MetricFamily)
	for _, m := range Metrics() {
		family := &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: dto.MetricType_GAUGE.Enum()}
		if m.Type == prometheus.CounterValue {
			family.Type = dto.MetricType_COUNTER.Enum()
		}
		family.Metric = make([]*dto.Metric, 0, len(s.of.watched))
		families[m.Name] = family
	}
	s.each(func(one sample) {
		family := families[one.name]
		family.Metric = append(family.Metric, one.written)
	})
	gathered := make([]*dto.MetricFamily, 0, len(families))
	for _, family := range families {
		if len(family.Metric) > 0 {
			gathered = append(gathered, family)
		}
	}
	slices.SortFunc(gathered, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return gathered, nil
}

// each asks for all merchants and tells all samples.
func (s Scrape) each(tell func(sample)) {
	tell(s.of.sample(NameMinInterval, s.of.settings.MinInterval.Seconds()))
	tell(s.of.sample(NameMaxAge, s.of.settings.MaxAge.Seconds()))
	for i, snapshot := range s.of.Snapshots(s.ctx) {
		kept, counts := s.of.renderers[i].render(s.of.sample, snapshot)
		for _, one := range kept {
			tell(one)
		}
		for _, one := range counts {
			tell(one)
		}
	}
}

// sample makes one sample. It panics where a name and its labels do not belong
// together, which only a mistake in this package can bring about.
func (c *Collector) sample(name string, value float64, labels ...string) sample {
	metric := prometheus.MustNewConstMetric(c.descs[name], c.types[name], value, labels...)
	written := &dto.Metric{}
	if err := metric.Write(written); err != nil {
		panic(fmt.Sprintf("writing %s: %v", name, err))
	}
	return sample{Metric: metric, name: name, written: written}
}
