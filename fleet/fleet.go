// Package fleet keeps the gates of all configured merchants: it makes them
// from a configuration, and replaces one configuration by another without
// forgetting what is known of merchants that are in both.
package fleet

import (
	"net/http"
	"sync"
	"sync/atomic"

	"payple_exporter/collector"
	"payple_exporter/config"
	"payple_exporter/hub"
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

// identity is what makes a merchant the same one in two configurations. A new
// name, other thresholds, or another key behind the same source change nothing.
type identity struct{ cstID, hubURL, keySource string }

// Fleet is the merchants that are watched now.
type Fleet struct {
	options Options
	current atomic.Pointer[collector.Collector]

	mu      sync.Mutex // held by Apply
	clients map[string]*hub.Client
	gates   map[identity]*collector.Gate
}

// New returns a fleet of no merchants.
func New(options Options) *Fleet {
	f := &Fleet{
		options: options,
		clients: make(map[string]*hub.Client),
		gates:   make(map[identity]*collector.Gate),
	}
	f.current.Store(collector.New(options.Settings, nil))
	return f
}

// Collector returns the merchants as they are configured now. Scrapes that
// hold an older one finish with it.
func (f *Fleet) Collector() *collector.Collector { return f.current.Load() }

// Apply replaces the configuration. Merchants that are in the new one too keep
// their figures, token, backoff and counters.
func (f *Fleet) Apply(next config.Config) {
	f.mu.Lock()
	defer f.mu.Unlock()
	settings := f.options.Settings
	settings.MinInterval = next.MinInterval
	gates := make(map[identity]*collector.Gate, len(next.Merchants))
	watched := make([]collector.Watched, 0, len(next.Merchants))
	for _, m := range next.Merchants {
		id := identity{m.CstID, m.Hub.URL, m.Key.Source()}
		gate, known := f.gates[id]
		if known {
			gate.Configure(m.Name, next.MinInterval)
		} else {
			gate = collector.NewGate(m.Name, hub.NewSession(f.client(m.Hub.URL), m.CstID, m.Key), settings)
		}
		gates[id] = gate
		watched = append(watched, collector.Watched{
			Merchant: collector.Merchant{Name: m.Name, CstID: m.CstID, Hub: m.Hub.Label, Thresholds: m.Thresholds},
			Gate:     gate,
		})
	}
	f.gates = gates
	f.current.Store(collector.New(settings, watched))
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
