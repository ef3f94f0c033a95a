package web_test

import (
	"context"
	"encoding/json"
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
	"payple_exporter/internal/web"
)

const custKey = "abcd1234567890"

// stand is the whole exporter but for its command line, on a clock that a test
// moves, in front of a simulated hub.
type stand struct {
	clock     *simulator.Clock
	hub       *simulator.Hub
	url       string // of the hub
	merchants *collector.Collector
	handler   http.Handler
}

func newStand(t *testing.T, partners ...string) *stand {
	t.Helper()
	return newStandWithTimeout(t, 8*time.Second, partners...)
}

// newStandWithTimeout is for tests in which the hub never answers.
func newStandWithTimeout(t *testing.T, timeout time.Duration, partners ...string) *stand {
	t.Helper()
	var accounts []simulator.Partner
	for _, id := range partners {
		accounts = append(accounts, simulator.Partner{CstID: id, CustKey: custKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000},
		}})
	}
	s := startStand(t, &simulator.Clock{}, timeout, accounts...)
	s.merchants.Apply(s.config(partners...))
	s.handler = web.New(web.Options{
		Collector: s.merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics",
		TimeoutOffset: 500 * time.Millisecond, MaxRequests: 64, Now: s.clock.Now,
	})
	return s
}

// startStand starts the simulated hub, and a collector that watches nobody yet.
func startStand(t *testing.T, clock *simulator.Clock, timeout time.Duration, partners ...simulator.Partner) *stand {
	t.Helper()
	s := &stand{clock: clock}
	s.hub = simulator.New(simulator.Options{Now: s.clock.Now}, partners...)
	server, err := simulator.Start(s.hub, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := hub.NewTransport(32)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s.url = server.URL
	s.merchants = collector.New(collector.Options{
		Settings: collector.Settings{
			MaxAge: 5 * time.Minute, Timeout: timeout, Now: s.clock.Now, Limiter: collector.NewLimiter(32, 0),
			Jitter: func() float64 { return 0 },
		},
		Transport: transport,
	})
	return s
}

// config watches these partners on the simulated hub.
func (s *stand) config(partners ...string) config.Config {
	c := config.Config{MinInterval: 10 * time.Second}
	for _, id := range partners {
		c.Merchants = append(c.Merchants, config.Merchant{
			Name: id, CstID: id, Key: hub.FixedKey(hub.NewSecret(custKey), "test"), Hub: config.Hub{Label: "test", URL: s.url},
		})
	}
	return c
}

// reply is an answer of the handler.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *stand) get(t *testing.T, target string, header ...string) reply {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	s.handler.ServeHTTP(recorder, request)
	return reply{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// scrape returns all samples of an exposition by name and labels.
func (s *stand) scrape(t *testing.T, target string) map[string]float64 {
	t.Helper()
	response := s.get(t, target)
	if response.status != http.StatusOK {
		t.Fatalf("%s answers %d", target, response.status)
	}
	return parse(t, strings.NewReader(response.body))
}

// samplesOf returns all samples of a handler's metrics page.
func samplesOf(tb testing.TB, handler http.Handler) map[string]float64 {
	tb.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return parse(tb, recorder.Body)
}

// parse reads an exposition in text form.
func parse(tb testing.TB, text io.Reader) map[string]float64 {
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

func expectFigures(t *testing.T, got map[string]float64) {
	t.Helper()
	if got["payple_up{merchant=store}"] != 1 {
		t.Error("payple_up is not 1")
	}
	for sample, want := range goodFigures() {
		if value, there := got[sample]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, value, there, want)
		}
	}
	for sample := range got {
		if strings.HasPrefix(sample, "payple_failure{") {
			t.Errorf("still there: %s", sample)
		}
	}
}

func goodFigures() map[string]float64 {
	return map[string]float64{
		"payple_transfer_remain_amount{merchant=store}": 9_944_000,
		"total_account_amt{merchant=store}":             10_000_000,
		"total_transfer_amt{merchant=store}":            56_000,
	}
}

// Three queries within the life of a token take one token, and the hub counts
// them.
func TestThreeQueriesTakeOneToken(t *testing.T) {
	t.Parallel()
	s := newStand(t, "store")
	for range 3 {
		expectFigures(t, s.scrape(t, "/metrics"))
		s.clock.Advance(18 * time.Second)
	}
	token, remain := s.hub.Requests("store", hub.EndpointToken), s.hub.Requests("store", hub.EndpointRemain)
	if token != 1 || remain != 3 {
		t.Errorf("%d token and %d remain requests, want 1 and 3", token, remain)
	}
	if violations := s.hub.Violations(); len(violations) > 0 {
		t.Errorf("departures from the documented protocol: %q", violations)
	}
}

// One merchant that hangs, one that is refused, one without a usable answer
// and one whose key is gone change nothing for the others.
func TestOneMerchantsFailureTouchesNoOther(t *testing.T) {
	t.Parallel()
	s := newStandWithTimeout(t, time.Second, "hanging", "refused", "garbled", "store", "keyless")
	for id, fault := range map[string]string{"hanging": "hang", "refused": "result=T0300", "garbled": "half-json"} {
		if err := s.hub.Apply(id, "", fault); err != nil {
			t.Fatal(err)
		}
	}
	watched := s.config("hanging", "refused", "garbled", "store", "keyless")
	watched.Merchants[4].Key = hub.FileKey("/nowhere/key")
	s.merchants.Apply(watched)
	for range 3 {
		got := s.scrape(t, "/metrics")
		for sample, want := range map[string]float64{
			"payple_failure{merchant=hanging,reason=timeout}":          1,
			"payple_failure{merchant=refused,reason=auth}":             1,
			"payple_failure{merchant=garbled,reason=invalid_response}": 1,
			"payple_failure{merchant=keyless,reason=config}":           1,
			"payple_up{merchant=store}":                                1,
			"payple_transfer_remain_amount{merchant=store}":            9_944_000,
		} {
			if value, there := got[sample]; !there || value != want {
				t.Errorf("%s is %v (there: %v), want %v", sample, value, there, want)
			}
		}
		s.clock.Advance(10 * time.Second)
	}
	if n := s.hub.Requests("store", hub.EndpointRemain); n != 3 {
		t.Errorf("the healthy one was asked %d times, want 3", n)
	}
}

// A probe asks for one merchant alone, and names what it cannot do.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := newStand(t, "first", "second")
	got := s.scrape(t, "/probe?merchant=second")
	if got["payple_transfer_remain_amount{merchant=second}"] != 9_944_000 {
		t.Errorf("got %v", got)
	}
	for sample := range got {
		if strings.Contains(sample, "first") || strings.HasPrefix(sample, "go_") || strings.HasPrefix(sample, "payple_exporter_") || strings.HasPrefix(sample, "payple_hub_") {
			t.Errorf("not this merchant's: %s", sample)
		}
	}
	if n := s.hub.Requests("first", hub.EndpointRemain); n != 0 {
		t.Errorf("the other merchant was asked %d times", n)
	}
	for target, want := range map[string]int{
		"/probe": 400, "/probe?merchant=": 400, "/probe?merchant=first&merchant=second": 400,
		"/probe?merchant=nobody": 404, "/probe?merchant=%3Cscript%3E": 404, "/nowhere": 404, "/metrics/": 404,
	} {
		response := s.get(t, target)
		if response.status != want || strings.HasPrefix(response.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s answers %d %s: %s, want %d as plain text", target, response.status, response.header.Get("Content-Type"), response.body, want)
		}
	}
}

// The exporter's own metrics can be had without asking the hub for anybody.
func TestCollectExporterAlone(t *testing.T) {
	t.Parallel()
	s := newStand(t, "store")
	if response := s.get(t, "/metrics?collect[]=exporter"); response.status != http.StatusOK {
		t.Errorf("answers %d", response.status)
	}
	if response := s.get(t, "/metrics?collect[]=merchants"); response.status != http.StatusBadRequest {
		t.Errorf("nonsense answers %d", response.status)
	}
	if n := s.hub.Requests("store", hub.EndpointToken); n != 0 {
		t.Errorf("the hub was asked %d times", n)
	}
}

// Service discovery names one target for each merchant, with what Prometheus
// needs to probe it.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := newStand(t, "first", "second")
	want := `[{"targets":["exporter:10911"],"labels":{"__metrics_path__":"/probe","__param_merchant":"first","merchant":"first"}},` +
		`{"targets":["exporter:10911"],"labels":{"__metrics_path__":"/probe","__param_merchant":"second","merchant":"second"}}]` + "\n"
	response := s.get(t, "http://exporter:10911/sd")
	if response.body != want || response.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s", response.body)
	}
	none := newStand(t)
	if body := none.get(t, "/sd").body; strings.TrimSpace(body) != "[]" {
		t.Errorf("nobody is %s, want an empty list", body)
	}
	elsewhere := web.New(web.Options{
		Collector: s.merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1, SDAddress: "outside:443",
	})
	recorder := httptest.NewRecorder()
	elsewhere.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/sd", nil))
	var groups []struct{ Targets []string }
	if err := json.Unmarshal(recorder.Body.Bytes(), &groups); err != nil || len(groups) != 2 || groups[0].Targets[0] != "outside:443" {
		t.Errorf("%v: %s", err, recorder.Body)
	}
}

// More scrapes at once than allowed are refused with 503, and room comes back.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	s := newStand(t, "store")
	s.handler = web.New(web.Options{
		Collector: s.merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1,
	})
	if err := s.hub.Apply("store", "", "hang"); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		s.handler.ServeHTTP(httptest.NewRecorder(), request)
	}()
	// The first scrape holds its slot from before it asks the hub.
	for s.hub.Requests("store", hub.EndpointToken) == 0 {
		time.Sleep(time.Millisecond) // the request crosses a real network
	}
	if response := s.get(t, "/probe?merchant=store"); response.status != http.StatusServiceUnavailable || response.header.Get("Retry-After") == "" {
		t.Errorf("one too many answers %d", response.status)
	}
	if response := s.get(t, "/-/healthy"); response.status != http.StatusOK {
		t.Errorf("health answers %d while scrapes wait", response.status)
	}
	leave()
	<-left
	if response := s.get(t, "/probe?merchant=store"); response.status != http.StatusOK {
		t.Errorf("room again, and still %d", response.status)
	}
}

// Prometheus' own format is spoken to whoever asks for it, and ends as it must.
func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	s := newStand(t, "store")
	response := s.get(t, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(response.header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(response.body, "# EOF\n") {
		t.Errorf("%s: …%s", response.header.Get("Content-Type"), response.body[max(0, len(response.body)-100):])
	}
	if strings.Contains(response.body, "# UNIT") {
		t.Error("a unit on a gauge of ours makes the whole scrape fail")
	}
}

// A merchant's name is shown as text, whatever it holds.
func TestPageEscapesNames(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	hostile := s.config("store")
	hostile.Merchants[0].Name = `<script>alert("x")</script>`
	s.merchants.Apply(hostile)
	response := s.get(t, "/")
	if strings.Contains(response.body, "<script") || !strings.Contains(response.body, "&lt;script&gt;") {
		t.Errorf("the page holds\n%s", response.body)
	}
	if policy := response.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
}

func TestScrapeTimeout(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"10": 9500 * time.Millisecond, "2": 1500 * time.Millisecond, "0.6": 300 * time.Millisecond, "0.5": 250 * time.Millisecond,
		"": 9500 * time.Millisecond, "x": 9500 * time.Millisecond, "-3": 9500 * time.Millisecond, "NaN": 9500 * time.Millisecond,
		"Inf": 9500 * time.Millisecond, "3600": 99500 * time.Millisecond,
	} {
		if got := web.ScrapeTimeout(header, 500*time.Millisecond); got != want {
			t.Errorf("header %q: %s, want %s", header, got, want)
		}
	}
}

func mustFault(t *testing.T, name string) simulator.Fault {
	t.Helper()
	fault, err := simulator.ParseFault(name)
	if err != nil {
		t.Fatal(err)
	}
	return fault
}
