package web

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"payple_exporter/collector"
)

// Options is what a Server is made of.
type Options struct {
	// Collector asks for the merchants that are configured.
	Collector *collector.Collector
	// Own gathers the exporter's own metrics. They are on the metrics page and
	// not in probes.
	Own *prometheus.Registry
	// Instrument adds metrics of the metrics page itself to Own.
	Instrument bool
	// Reload reads the configuration anew; nil answers that it is switched off.
	Reload func(context.Context) error
	// TelemetryPath is where the metrics are, such as /metrics.
	TelemetryPath string
	// TimeoutOffset is taken off a scrape's own time-out, so that the answer
	// is there before Prometheus gives up.
	TimeoutOffset time.Duration
	// MaxRequests is how many scrapes, probes and pages are answered at once.
	MaxRequests int
	// SDAddress is the address that service discovery names; empty means the
	// one that it was asked under.
	SDAddress string
	// Demo says on the page that nothing here is real.
	Demo bool
	// Version is shown on the page.
	Version string
	// PageWait is how long the page waits for the hub before it shows what is
	// known; 0 means one second.
	PageWait time.Duration
	Logger   log.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Server answers the exporter's HTTP requests.
type Server struct {
	options Options
	slots   chan struct{}
	status  statusPage
}

// New returns the handler of all paths.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = log.NewNopLogger()
	}
	s := &Server{options: options, slots: make(chan struct{}, options.MaxRequests), status: newStatusPage()}
	metrics := http.Handler(http.HandlerFunc(s.metrics))
	if options.Instrument {
		metrics = promhttp.InstrumentMetricHandler(options.Own, metrics)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+options.TelemetryPath, s.limited(metrics))
	mux.Handle("GET /probe", s.limited(http.HandlerFunc(s.probe)))
	mux.HandleFunc("GET /sd", s.discovery)
	mux.Handle("GET /{$}", s.limited(http.HandlerFunc(s.page)))
	mux.HandleFunc("GET /-/healthy", ok("payple_exporter is healthy\n"))
	mux.HandleFunc("GET /-/ready", ok("payple_exporter is ready\n"))
	reload := sameSite(http.HandlerFunc(s.reload))
	mux.Handle("POST /-/reload", reload)
	mux.Handle("PUT /-/reload", reload)
	return secure(mended(options.Logger, mux))
}

// FreePath tells whether the metrics may be at metrics: it begins with a slash,
// is none of the other paths, holds nothing with a meaning of its own, and is in
// the one spelling that requests are answered under, not in one with ., // or %
// that may stand for another path.
func FreePath(metrics string) bool {
	switch metrics {
	case "/", "/probe", "/sd":
		return false
	}
	return strings.HasPrefix(metrics, "/") && !strings.HasPrefix(metrics, "/-/") && path.Clean(metrics) == metrics &&
		!strings.ContainsAny(metrics, `%{} ?#:\`) && !strings.ContainsFunc(metrics, unprintable)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// limited answers 503 while too many requests are being answered, so that a
// crowd of scrapers cannot fill the memory.
func (s *Server) limited(next http.Handler) http.Handler {
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

// ok answers 200 whatever the hub does: the exporter is well even when the hub
// is not, and restarting it would help nobody.
func ok(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text)) // the client may be gone: its business
	}
}
