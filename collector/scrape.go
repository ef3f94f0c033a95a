package collector

import (
	"context"
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
		descs <- m.desc()
	}
}

// Collect implements [prometheus.Collector].
func (s Scrape) Collect(metrics chan<- prometheus.Metric) {
	s.each(func(m *Metric) teller {
		desc := m.desc()
		return func(value float64, labels []*dto.LabelPair) {
			metrics <- prometheus.MustNewConstMetric(desc, m.Type, value, m.values(labels)...)
		}
	})
}

// Gather implements [prometheus.Gatherer]. It gives what a registry with this
// collector would give, but checks and sorts no samples: labels are right by
// construction, which tests hold against a registry, and merchants keep the
// order of configuration. So its cost grows with the number of merchants and
// not faster, as a registry's does.
func (s Scrape) Gather() ([]*dto.MetricFamily, error) {
	var columns []*column
	s.each(func(m *Metric) teller {
		next := newColumn(m, len(s.of.watched))
		columns = append(columns, next)
		return next.add
	})
	gathered := make([]*dto.MetricFamily, 0, len(columns))
	for _, column := range columns {
		if len(column.family.Metric) > 0 {
			gathered = append(gathered, column.family)
		}
	}
	slices.SortFunc(gathered, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return gathered, nil
}

// each asks for all merchants and tells all samples, metric by metric.
func (s Scrape) each(teller func(*Metric) teller) {
	snapshots := s.of.Snapshots(s.ctx)
	for i := range s.of.settings {
		setting := &s.of.settings[i]
		teller(&setting.Metric)(setting.value.Seconds(), nil)
	}
	for i := range s.of.metrics {
		metric := &s.of.metrics[i]
		tell := teller(&metric.Metric)
		for j := range snapshots {
			metric.show(&snapshots[j], s.of.identities[j], tell)
		}
	}
}

func (m *Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// values returns the values of the metric's labels, in their order.
func (m *Metric) values(labels []*dto.LabelPair) []string {
	values := make([]string, len(m.Labels))
	for i, name := range m.Labels {
		for _, pair := range labels {
			if pair.GetName() == name {
				values[i] = pair.GetValue()
			}
		}
	}
	return values
}
