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
