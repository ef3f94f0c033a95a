// Package web serves the exporter over HTTP: metrics, probes, service discovery,
// health and reload, within limits. The status page is handed to it.
package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"payple_exporter/collector"
)

// Options is what the server is made of.
type Options struct {
	// Collector asks for the merchants that are configured.
	Collector *collector.Collector
	// Own gathers the exporter's own metrics. They are at TelemetryPath and not
	// in probes.
	Own *prometheus.Registry
	// Instrument adds metrics of TelemetryPath's handler itself to Own.
	Instrument bool
	// Reload reads the configuration again; nil: it is switched off.
	Reload func(context.Context) error
	// External is where people and Prometheus reach the exporter; nil if that is
	// not known.
	External *url.URL
	// Prefix is what all paths here begin with, such as /payple; empty for none.
	Prefix string
	// TelemetryPath is where the metrics are, below Prefix, such as /metrics.
	TelemetryPath string
	// TimeoutOffset is taken off a scrape's own time-out, so that the answer
	// is there before Prometheus gives up.
	TimeoutOffset time.Duration
	// MaxRequests is how many scrapes, probes and pages are answered at once.
	MaxRequests int
	// SDAddress is the address that service discovery names, where Prometheus does
	// not take the way of External; empty means External's, else the one that it
	// was asked under.
	SDAddress string
	// Page answers for people, at /; nil leaves it out.
	Page http.Handler
	// Status is the page for programs, at /status.json; nil leaves it out.
	Status http.Handler
	// Runbooks answers below /runbooks/, with the alert's name as the value
	// "alert"; nil leaves it out.
	Runbooks http.Handler
	Logger   log.Logger
}

// server answers the exporter's HTTP requests.
type server struct {
	options Options
	slots   chan struct{}
	rhythm  rhythm
}

// New returns the handler of all paths.
func New(options Options) http.Handler {
	if options.Logger == nil {
		options.Logger = log.NewNopLogger()
	}
	s := &server{
		options: options, slots: make(chan struct{}, options.MaxRequests),
		rhythm: rhythm{logger: options.Logger, scrapers: make(map[string]*pauses)},
	}
	metrics := http.Handler(http.HandlerFunc(s.metrics))
	if options.Instrument {
		metrics = promhttp.InstrumentMetricHandler(options.Own, metrics)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+options.TelemetryPath, s.limited(metrics))
	mux.Handle("GET /probe", s.limited(http.HandlerFunc(s.probe)))
	mux.HandleFunc("GET /sd", s.discovery)
	if options.Page != nil {
		mux.Handle("GET /{$}", s.limited(compressed(options.Page)))
	}
	if options.Status != nil {
		mux.Handle("GET /status.json", s.limited(compressed(options.Status)))
	}
	if options.Runbooks != nil {
		mux.Handle("GET /runbooks", redirect("runbooks/"))
		mux.Handle("GET /runbooks/{$}", compressed(options.Runbooks))
		mux.Handle("GET /runbooks/{alert}", compressed(options.Runbooks))
	}
	for _, state := range []string{"healthy", "ready"} {
		mux.HandleFunc("GET /-/"+state, func(w http.ResponseWriter, _ *http.Request) {
			// Whatever the hub does: a restart would not help.
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte("payple_exporter is " + state + "\n")) // the client may be gone: its business
		})
	}
	reload := sameSite(http.HandlerFunc(s.reload))
	mux.Handle("POST /-/reload", reload)
	mux.Handle("PUT /-/reload", reload)
	return securityHeaders(recoverer(options.Logger, plainPaths(answersOptions(below(options.Prefix, mux)))))
}

// How long a client may take. None holds a connection for more than half a minute
// by being slow; the time that the hub takes is not the client's.
const (
	headerTimeout  = 5 * time.Second  // from its first byte
	requestTimeout = 10 * time.Second // with its body
	// idleTimeout is also for the first bytes of a connection's next request. A
	// Prometheus that comes later opens another connection.
	idleTimeout = 20 * time.Second
	// answerTimeout is for reading an answer, from its first byte.
	answerTimeout = 20 * time.Second
	// totalTimeout is for waiting for the hub and reading the answer.
	totalTimeout = 2 * time.Minute
)

// NewServer returns a server that hangs up on slow clients.
func NewServer(handler http.Handler) *http.Server {
	// No scraper needs HTTP/2, and a frame that arrives a byte at a time is under
	// none of these time-outs.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           answerInTime(handler),
		Protocols:         &protocols,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      totalTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    32 << 10,
		ConnState:         NewConnections(DefaultConnections()).Track,
	}
}

// limited answers 503 while too many requests are being answered, so that a
// crowd of scrapers cannot fill the memory.
func (s *server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests at once (--web.max-requests)", http.StatusServiceUnavailable)
		}
	})
}

// reload reads the configuration again.
func (s *server) reload(w http.ResponseWriter, r *http.Request) {
	if s.options.Reload == nil {
		http.Error(w, "reload over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	if err := s.options.Reload(r.Context()); err != nil {
		http.Error(w, "the last good configuration stays: "+err.Error(), http.StatusInternalServerError)
		return
	}
	_ = level.Debug(s.options.Logger).Log("msg", "reloaded over HTTP")
	_, _ = w.Write([]byte("reloaded\n")) // the client may be gone: its business
}
