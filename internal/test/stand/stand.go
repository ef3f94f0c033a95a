// Package stand is the whole exporter but for its command line, on a clock that
// a test moves, in front of a simulated hub.
package stand

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/web"
)

// CustKey is the key of every partner.
const CustKey = "abcd1234567890"

// Stand is an exporter under test.
type Stand struct {
	Clock     *simulator.Clock
	Hub       *simulator.Hub
	URL       string // of the hub
	Merchants *collector.Collector
	Handler   http.Handler
}

// New returns an exporter that watches these partners, all with the same figures.
func New(t *testing.T, partners ...string) *Stand {
	t.Helper()
	return NewWithTimeout(t, 8*time.Second, partners...)
}

// NewWithTimeout is for tests in which the hub never answers.
func NewWithTimeout(t *testing.T, timeout time.Duration, partners ...string) *Stand {
	t.Helper()
	var accounts []simulator.Partner
	for _, id := range partners {
		accounts = append(accounts, simulator.Partner{CstID: id, CustKey: CustKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000},
		}})
	}
	s := Start(t, &simulator.Clock{}, timeout, accounts...)
	s.Merchants.Apply(s.Config(partners...))
	s.Serve(statuspage.Options{})
	return s
}

// Start starts the simulated hub, and an exporter that watches nobody yet and
// has no handler.
func Start(t *testing.T, clock *simulator.Clock, timeout time.Duration, partners ...simulator.Partner) *Stand {
	t.Helper()
	s := &Stand{Clock: clock}
	s.Hub = NewHub(t, simulator.Options{Now: s.Clock.Now}, partners...)
	s.URL = ServeHub(t, s.Hub).URL
	transport := hub.NewTransport(32)
	t.Cleanup(transport.CloseIdleConnections)
	s.Merchants = collector.New(collector.Options{
		Settings: collector.Settings{
			MaxAge: 5 * time.Minute, Timeout: timeout, Now: s.Clock.Now, Limiter: collector.NewLimiter(32, 0),
			Jitter: func() float64 { return 0 },
		},
		Transport: transport,
	})
	return s
}

// Serve makes the handler of the exporter, with a page of these options.
func (s *Stand) Serve(page statuspage.Options) {
	page.Now = s.Clock.Now
	s.Handler = Handler(s.Merchants, page)
}

// Handler is the exporter's handler over the merchants of a collector.
func Handler(merchants *collector.Collector, page statuspage.Options) http.Handler {
	page.Collector, page.MetricsPath = merchants, "/metrics"
	return web.New(web.Options{
		Collector: merchants, Own: prometheus.NewRegistry(), TelemetryPath: page.MetricsPath,
		TimeoutOffset: 500 * time.Millisecond, MaxRequests: 64, Page: statuspage.New(page), Status: statuspage.NewStatus(page, 8*time.Second), Runbooks: statuspage.NewRunbooks(page.Version),
	})
}

// Config watches these partners on the simulated hub.
func (s *Stand) Config(partners ...string) config.Config {
	c := config.Config{MinInterval: 10 * time.Second}
	for _, id := range partners {
		c.Merchants = append(c.Merchants, config.Merchant{
			Name: id, CstID: id, Key: hub.FixedKey(hub.NewSecret(CustKey), "test"), Hub: config.Hub{Label: "test", URL: s.URL},
		})
	}
	return c
}

// Reply is an answer of the handler.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Get asks the handler; header is names and values in turn.
func (s *Stand) Get(t *testing.T, target string, header ...string) Reply {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	s.Handler.ServeHTTP(recorder, request)
	return Reply{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// Scrape returns all samples of an exposition by name and labels.
func (s *Stand) Scrape(t *testing.T, target string) map[string]float64 {
	t.Helper()
	response := s.Get(t, target)
	if response.Status != http.StatusOK {
		t.Fatalf("%s answers %d", target, response.Status)
	}
	return Parse(t, strings.NewReader(response.Body))
}

// Parse reads an exposition in text form.
func Parse(tb testing.TB, text io.Reader) map[string]float64 {
	tb.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		tb.Fatalf("the exposition does not parse: %v", err)
	}
	samples := make(map[string]float64)
	for name, family := range families {
		for _, metric := range family.Metric {
			var labels []string
			for _, label := range metric.Label {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			samples[name+"{"+strings.Join(labels, ",")+"}"] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return samples
}

// Instant is a Querier that answers at once, so that benchmarks measure this
// side of the network alone.
type Instant struct{}

// Remain implements the collector's Querier.
func (Instant) Remain(context.Context) (hub.Limit, error) {
	return hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000, HubTime: time.Now()}, nil
}

// SetKey implements the collector's Querier.
func (Instant) SetKey(hub.Key) {}

// KeyChanged implements the collector's Querier.
func (Instant) KeyChanged(context.Context) bool { return false }

// Needs implements the collector's Querier.
func (Instant) Needs(context.Context) int { return 1 }

// Sent implements the collector's Querier.
func (Instant) Sent() uint64 { return 0 }

// Discard sends one GET and throws the answer away.
func Discard(handler http.Handler, target string) {
	handler.ServeHTTP(discard{make(http.Header)}, httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, http.NoBody))
}

// discard is a client that reads everything and keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
