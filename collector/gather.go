package collector

import (
	"context"

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
	tellers := make([]teller, len(s.of.metrics))
	for i := range s.of.metrics {
		metric := &s.of.metrics[i].Metric
		desc := metric.desc()
		tellers[i] = func(value float64, labels []*dto.LabelPair) {
			metrics <- prometheus.MustNewConstMetric(desc, metric.Type, value, metric.values(labels)...)
		}
	}
	s.tell(tellers)
}

// Gather implements [prometheus.Gatherer]. It gives what a registry with this
// collector would give, but checks and sorts no samples: labels are right by
// construction, which tests hold against a registry, and merchants keep the
// order of configuration. So its cost grows with the number of merchants and
// not faster, as a registry's does.
func (s Scrape) Gather() ([]*dto.MetricFamily, error) { return s.fill(s.of.newTable()), nil }

// Transaction returns a gatherer that says when its metrics have been read, so
// that the next scrape can have their memory.
func (s Scrape) Transaction() prometheus.TransactionalGatherer { return transaction{s} }

type transaction struct{ Scrape }

// Gather implements [prometheus.TransactionalGatherer].
func (t transaction) Gather() ([]*dto.MetricFamily, func(), error) {
	used := t.of.spare.Swap(nil)
	if used == nil {
		used = t.of.newTable()
	}
	return t.fill(used), func() { t.of.spare.Store(used) }, nil
}

// table is the columns of one scrape, one for each of a collector's metrics.
type table struct {
	columns []*column
	tellers []teller
}

func (c *Collector) newTable() *table {
	t := &table{}
	for i := range c.metrics {
		column := newColumn(&c.metrics[i].Metric, len(c.watched))
		t.columns = append(t.columns, column)
		t.tellers = append(t.tellers, column.add)
	}
	return t
}

// fill asks for all merchants and writes what is known into t.
func (s Scrape) fill(t *table) []*dto.MetricFamily {
	for _, column := range t.columns {
		column.empty()
	}
	s.tell(t.tellers)
	gathered := make([]*dto.MetricFamily, 0, len(t.columns))
	for _, column := range t.columns {
		if len(column.family.Metric) > 0 {
			gathered = append(gathered, column.family)
		}
	}
	return gathered
}

// tell asks for all merchants and tells all samples, metric by metric.
func (s Scrape) tell(tellers []teller) {
	snapshots := s.of.Snapshots(s.ctx)
	for i := range s.of.metrics {
		s.of.metrics[i].show(snapshots, s.of.identities, tellers[i])
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
