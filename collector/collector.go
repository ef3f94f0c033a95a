package collector

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
)

// Options is what a Collector is made of.
type Options struct {
	// Settings hold for all merchants; MinInterval comes from the configuration.
	Settings Settings
	// Transport carries the requests to all hubs.
	Transport http.RoundTripper
	// Referer and UserAgent are sent with every request, unless empty.
	Referer, UserAgent string
	// Observe is called with every exchange with a hub; nil means nobody is.
	Observe func(hub.Exchange)
	// NewQuerier returns what asks for a merchant; nil means a [hub.Session].
	NewQuerier func(config.Merchant) Querier
}

// Interface check: a session of package hub can stand behind a gate.
var _ Querier = (*hub.Session)(nil)

// Merchant is how a merchant is labelled and measured.
type Merchant struct {
	Name  string // label merchant
	CstID string // label cst_id
	Hub   string // label hub: real, test, demo, or a host
	// Thresholds are exposed for alert rules to compare with.
	Thresholds config.Levels
	Contact    string // label contact: who can raise the limit; may be empty

	labels *labelSets // set by a Collector
}

// Collector keeps a gate for each configured merchant, and turns what the
// gates know into metrics. It is safe for use by many goroutines.
type Collector struct {
	options Options
	inForce atomic.Pointer[view]

	mu      sync.Mutex // held by Apply
	clients map[string]*hub.Client
	// gates are those of the merchants in force, and of merchants who left the
	// configuration and are resting: if they come back soon, the hub must not
	// be asked for them sooner than if they had stayed.
	gates map[account]*gate
}

// account is whom the hub is asked for. Two configurations that name the same
// account mean the same merchant, whatever its name, thresholds and key.
type account struct{ cstID, hubURL string }

// New returns a collector without merchants.
func New(options Options) *Collector {
	c := &Collector{options: options, clients: make(map[string]*hub.Client), gates: make(map[account]*gate)}
	c.inForce.Store(newView(options.Settings, nil, nil))
	return c
}

// Apply puts a configuration in force. Merchants that were in force before keep
// their figures, backoff and counters, and their token unless the key comes
// from elsewhere now. Scrapes under way finish with the merchants that they
// began with.
func (c *Collector) Apply(next config.Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	settings := c.options.Settings
	settings.MinInterval = next.MinInterval
	kept := make(map[account]*gate, len(next.Merchants))
	gates := make([]*gate, len(next.Merchants))
	for i, m := range next.Merchants {
		id := account{m.CstID, m.Hub.URL}
		known, found := c.gates[id]
		if found {
			known.configure(m, next.MinInterval)
		} else {
			known = newGate(m, c.newQuerier(m), settings)
		}
		kept[id], gates[i] = known, known
	}
	for id, gone := range c.gates {
		if _, stays := kept[id]; !stays && gone.resting() {
			kept[id] = gone
		}
	}
	c.gates = kept
	c.forgetClients()
	for _, client := range c.clients {
		client.Trust(next.Roots)
	}
	c.inForce.Store(newView(settings, next.Merchants, gates))
}

// newQuerier returns what asks for a merchant. Sessions of one hub share a
// client.
func (c *Collector) newQuerier(m config.Merchant) Querier {
	if c.options.NewQuerier != nil {
		return c.options.NewQuerier(m)
	}
	client, known := c.clients[m.Hub.URL]
	if !known {
		client = hub.NewClient(hub.Options{
			URL: m.Hub.URL, Transport: c.options.Transport, Now: c.options.Settings.Now,
			Referer: c.options.Referer, UserAgent: c.options.UserAgent, Observe: c.options.Observe,
		})
		c.clients[m.Hub.URL] = client
	}
	return hub.NewSession(client, m.CstID, m.Key)
}

// forgetClients drops the clients of hubs that no gate asks any more.
func (c *Collector) forgetClients() {
	used := make(map[string]bool, len(c.clients))
	for id := range c.gates {
		used[id.hubURL] = true
	}
	maps.DeleteFunc(c.clients, func(url string, _ *hub.Client) bool { return !used[url] })
}

// MinInterval returns how often a merchant is asked at most.
func (c *Collector) MinInterval() time.Duration { return c.inForce.Load().minInterval }

// Merchants returns all merchants in force, in the order of configuration.
func (c *Collector) Merchants() []Merchant { return slices.Clone(c.inForce.Load().merchants) }

// Snapshots asks for all merchants at once and returns what is known of each,
// in the order of configuration, when the last has answered or ctx ends.
func (c *Collector) Snapshots(ctx context.Context) []Snapshot {
	return c.inForce.Load().snapshots(ctx)
}

// History returns what the figures of a merchant in force have been, oldest
// first.
func (c *Collector) History(name string) []history.Point {
	return read(c, name, func(g *gate) []history.Point { return g.history.Points() })
}

// Outflow returns how fast a merchant in force pays out.
func (c *Collector) Outflow(name string) history.Outflow {
	return read(c, name, func(g *gate) history.Outflow { return g.history.Outflow() })
}

// LastFigures returns what the hub last said of a merchant in force, and when;
// zero before its first answer. However old it is, it is history: only a
// Snapshot says what may be taken as known.
func (c *Collector) LastFigures(name string) (hub.Limit, time.Time) {
	last := read(c, name, func(g *gate) memory { return g.memory })
	return last.limit, last.lastSuccess
}

// read returns what a function finds in a merchant's gate while its mutex is
// held; nothing if no merchant in force has that name.
func read[T any](c *Collector, name string, find func(*gate) T) (found T) {
	v := c.inForce.Load()
	at, known := v.places[name]
	if !known {
		return found
	}
	g := v.gates[at]
	g.mu.Lock()
	defer g.mu.Unlock()
	return find(g)
}

// view is the merchants of one configuration. None is changed once it is in
// force.
type view struct {
	minInterval time.Duration
	merchants   []Merchant
	gates       []*gate         // one for each of merchants
	places      map[string]int  // of each name in merchants
	metrics     []sampledMetric // sorted by name
	// spare and spareOfOne are each a buffer that no scrape uses now: of all
	// merchants, and of one alone. One is enough for scrapes that follow each
	// other; a sync.Pool would keep one for every processor.
	spare, spareOfOne *atomic.Pointer[scrapeBuffer]
}

func newView(settings Settings, configured []config.Merchant, gates []*gate) *view {
	v := &view{
		minInterval: settings.MinInterval, gates: gates, places: make(map[string]int, len(gates)), metrics: sampledMetrics(settings),
		spare: &atomic.Pointer[scrapeBuffer]{}, spareOfOne: &atomic.Pointer[scrapeBuffer]{},
	}
	slices.SortFunc(v.metrics, func(a, b sampledMetric) int { return strings.Compare(a.Name, b.Name) })
	shared := newSharedPairs()
	for i, m := range configured {
		merchant := Merchant{Name: m.Name, CstID: m.CstID, Hub: m.Hub.Label, Thresholds: m.Thresholds, Contact: m.Contact}
		merchant.labels = newLabelSets(&merchant, shared)
		merchant.labels.began = timestamppb.New(gates[i].began)
		v.merchants = append(v.merchants, merchant)
		v.places[m.Name] = i
	}
	return v
}

// only returns a view of one merchant alone, and whether there is one of that
// name.
func (v *view) only(name string) (*view, bool) {
	at, found := v.places[name]
	if !found {
		return nil, false
	}
	one := *v
	one.merchants, one.gates = v.merchants[at:at+1], v.gates[at:at+1]
	one.places = map[string]int{name: 0}
	one.spare = v.spareOfOne
	return &one, true
}

// snapshots enters all gates before it waits at any.
func (v *view) snapshots(ctx context.Context) []Snapshot {
	visits := make([]visit, len(v.gates))
	for i, gate := range v.gates {
		visits[i] = gate.enter(ctx)
	}
	for i := range visits {
		visits[i] = visits[i].retry(ctx)
	}
	snapshots := make([]Snapshot, len(visits))
	for i, visit := range visits {
		snapshots[i] = visit.snapshot(ctx)
		snapshots[i].Merchant = v.merchants[i]
	}
	return snapshots
}
