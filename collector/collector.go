package collector

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/hub"
)

// Watched is a merchant and the gate to ask for it. The labels are not the
// gate's, so that a change of them leaves the gate as it is.
type Watched struct {
	Merchant

	Gate *Gate
}

// Collector turns what gates know into metrics.
type Collector struct {
	watched   []Watched
	renderers []*renderer // one for each of watched
	settings  Settings
	descs     map[string]*prometheus.Desc
	types     map[string]prometheus.ValueType
}

// New returns a collector of these merchants.
func New(settings Settings, watched []Watched) *Collector {
	c := &Collector{
		watched: watched, settings: settings,
		descs: make(map[string]*prometheus.Desc), types: make(map[string]prometheus.ValueType),
	}
	for range watched {
		c.renderers = append(c.renderers, &renderer{})
	}
	for _, m := range Metrics() {
		c.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		c.types[m.Name] = m.Type
	}
	return c
}

// Snapshots asks for all merchants at once and returns what is known of each,
// in the order of configuration, when the last has answered or ctx ends.
func (c *Collector) Snapshots(ctx context.Context) []Snapshot {
	visits := make([]visit, len(c.watched))
	for i, watched := range c.watched {
		visits[i] = watched.Gate.enter(ctx)
	}
	snapshots := make([]Snapshot, len(visits))
	for i, visit := range visits {
		snapshots[i] = visit.snapshot(ctx)
		snapshots[i].Merchant = c.watched[i].Merchant
	}
	return snapshots
}

// Bind returns a prometheus.Collector for one scrape, which must be answered
// before ctx ends.
func (c *Collector) Bind(ctx context.Context) prometheus.Collector { return bound{c, ctx} }

// bound is a Collector and the context of the one scrape that it lives for.
// A prometheus.Collector is not handed a context, so it has to carry it.
type bound struct {
	*Collector
	ctx context.Context //nolint:containedctx // see above
}

// Describe implements [prometheus.Collector].
func (b bound) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		descs <- b.descs[m.Name]
	}
}

// Collect implements [prometheus.Collector].
func (b bound) Collect(metrics chan<- prometheus.Metric) {
	metrics <- b.metric(NameMinInterval, b.settings.MinInterval.Seconds())
	metrics <- b.metric(NameMaxAge, b.settings.MaxAge.Seconds())
	for i, snapshot := range b.Snapshots(b.ctx) {
		b.renderers[i].render(b.metric, snapshot, metrics)
	}
}

// metric returns one sample.
func (c *Collector) metric(name string, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(c.descs[name], c.types[name], value, labels...)
}

// Interface check: a session of package hub can stand behind a gate.
var _ Querier = (*hub.Session)(nil)

// Only returns a collector of one merchant alone, and whether there is one of
// that name.
func (c *Collector) Only(name string) (*Collector, bool) {
	for i, watched := range c.watched {
		if watched.Name == name {
			one := *c
			one.watched, one.renderers = []Watched{watched}, []*renderer{c.renderers[i]}
			return &one, true
		}
	}
	return nil, false
}

// Merchants returns all merchants in the order of configuration.
func (c *Collector) Merchants() []Merchant {
	merchants := make([]Merchant, len(c.watched))
	for i, watched := range c.watched {
		merchants[i] = watched.Merchant
	}
	return merchants
}
