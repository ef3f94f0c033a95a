package collector

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

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
	watched    []Watched
	identities []*identity    // one for each of watched
	places     map[string]int // of each name in watched
	metrics    []shownMetric  // sorted by name
	// spare and spareOfOne are each a table that no scrape uses now: of all
	// merchants, and of one alone. One is enough for scrapes that follow each
	// other; a sync.Pool would keep one for every processor.
	spare, spareOfOne *atomic.Pointer[table]
}

// New returns a collector of these merchants.
func New(settings Settings, watched []Watched) *Collector {
	c := &Collector{
		watched: watched, places: make(map[string]int, len(watched)), metrics: shownMetrics(settings),
		spare: &atomic.Pointer[table]{}, spareOfOne: &atomic.Pointer[table]{},
	}
	slices.SortFunc(c.metrics, func(a, b shownMetric) int { return strings.Compare(a.Name, b.Name) })
	shared := newSharedPairs()
	for i, m := range watched {
		c.identities = append(c.identities, newIdentity(m.Merchant, shared))
		c.places[m.Name] = i
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
	for i := range visits {
		visits[i] = visits[i].again(ctx)
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
	at, found := c.places[name]
	if !found {
		return nil, false
	}
	one := *c
	one.watched, one.identities = c.watched[at:at+1], c.identities[at:at+1]
	one.places = map[string]int{name: 0}
	one.spare = c.spareOfOne
	return &one, true
}

// Merchants returns all merchants in the order of configuration.
func (c *Collector) Merchants() []Merchant {
	merchants := make([]Merchant, len(c.watched))
	for i, watched := range c.watched {
		merchants[i] = watched.Merchant
	}
	return merchants
}
