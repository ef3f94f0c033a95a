// Package fleet keeps the gates of all configured merchants: it makes them
// from a configuration, and replaces one configuration by another without
// forgetting what is known of merchants that are in both.
package fleet

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// Options is what a Fleet gives to each of its clients and gates.
type Options struct {
	// Settings hold for all gates; MinInterval comes from the configuration.
	Settings collector.Settings
	// Transport carries the requests of all clients.
	Transport http.RoundTripper
	// Referer and UserAgent are sent with every request, unless empty.
	Referer, UserAgent string
	// Observe is told of every request.
	Observe func(hub.Exchange)
}

// identity is what makes a merchant the same one in two configurations: whom
// the hub is asked for. A new name, other thresholds or another key change
// nothing of that.
type identity struct{ cstID, hubURL string }

// member is a merchant, as long as anything is kept of it.
type member struct {
	gate      *collector.Gate
	session   *hub.Session
	keySource string
}

// Fleet is the merchants that are watched now.
type Fleet struct {
	options Options
	current atomic.Pointer[collector.Collector]

	mu      sync.Mutex // held by Apply
	clients map[string]*hub.Client
	// members are the merchants of the configuration, and those who left it
	// and whose gates are resting: if they come back soon, the hub must not be
	// asked for them sooner than if they had stayed.
	members map[identity]*member
}

// New returns a fleet of no merchants.
func New(options Options) *Fleet {
	f := &Fleet{
		options: options,
		clients: make(map[string]*hub.Client),
		members: make(map[identity]*member),
	}
	f.current.Store(collector.New(options.Settings, nil))
	return f
}

// Collector returns the merchants as they are configured now. Scrapes that
// hold an older one finish with it.
func (f *Fleet) Collector() *collector.Collector { return f.current.Load() }

// Apply replaces the configuration. Merchants that are in the new one too keep
// their figures, backoff and counters, and their token unless the key comes
// from elsewhere now.
func (f *Fleet) Apply(next config.Config) {
	f.mu.Lock()
	defer f.mu.Unlock()
	settings := f.options.Settings
	settings.MinInterval = next.MinInterval
	members := make(map[identity]*member, len(next.Merchants))
	watched := make([]collector.Watched, 0, len(next.Merchants))
	for _, m := range next.Merchants {
		id := identity{m.CstID, m.Hub.URL}
		members[id] = f.member(id, m, settings)
		watched = append(watched, collector.Watched{
			Merchant: collector.Merchant{Name: m.Name, CstID: m.CstID, Hub: m.Hub.Label, Thresholds: m.Thresholds},
			Gate:     members[id].gate,
		})
	}
	for id, gone := range f.members {
		if _, stays := members[id]; !stays && gone.gate.Resting() {
			members[id] = gone
		}
	}
	f.members = members
	f.forgetClients()
	f.current.Store(collector.New(settings, watched))
}

// member returns the member that there is, with what the configuration changes
// of it, or a new one.
func (f *Fleet) member(id identity, m config.Merchant, settings collector.Settings) *member {
	known, found := f.members[id]
	if !found {
		session := hub.NewSession(f.client(m.Hub.URL), m.CstID, m.Key)
		return &member{collector.NewGate(m.Name, session, settings), session, m.Key.Source()}
	}
	known.gate.Configure(m.Name, settings.MinInterval)
	if source := m.Key.Source(); source != known.keySource {
		known.session.SetKey(m.Key)
		known.keySource = source
	}
	return known
}

// forgetClients drops the clients of hubs that no member asks any more.
func (f *Fleet) forgetClients() {
	used := make(map[string]bool, len(f.clients))
	for id := range f.members {
		used[id.hubURL] = true
	}
	maps.DeleteFunc(f.clients, func(url string, _ *hub.Client) bool { return !used[url] })
}

// client returns the one client of a hub.
func (f *Fleet) client(url string) *hub.Client {
	client, known := f.clients[url]
	if !known {
		client = hub.NewClient(hub.Options{
			URL: url, Transport: f.options.Transport, Now: f.options.Settings.Now,
			Referer: f.options.Referer, UserAgent: f.options.UserAgent, Observe: f.options.Observe,
		})
		f.clients[url] = client
	}
	return client
}
