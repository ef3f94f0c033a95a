package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
	"payple_exporter/internal/web"
)

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
	s := stand.New(t, "store")
	for range 3 {
		expectFigures(t, s.Scrape(t, "/metrics"))
		s.Clock.Advance(18 * time.Second)
	}
	token, remain := s.Hub.Requests("store", hub.EndpointToken), s.Hub.Requests("store", hub.EndpointRemain)
	if token != 1 || remain != 3 {
		t.Errorf("%d token and %d remain requests, want 1 and 3", token, remain)
	}
}

// One merchant that hangs, one that is refused, one without a usable answer
// and one whose key is gone change nothing for the others.
func TestOneMerchantsFailureTouchesNoOther(t *testing.T) {
	t.Parallel()
	s := stand.NewWithTimeout(t, time.Second, "hanging", "refused", "garbled", "store", "keyless")
	for id, fault := range map[string]string{"hanging": "hang", "refused": "result=T0300", "garbled": "half-json"} {
		must.Do(t, s.Hub.Apply(id, "", fault))
	}
	watched := s.Config("hanging", "refused", "garbled", "store", "keyless")
	watched.Merchants[4].Key = hub.FileKey("/nowhere/key")
	s.Merchants.Apply(watched)
	for range 3 {
		got := s.Scrape(t, "/metrics")
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
		s.Clock.Advance(10 * time.Second)
	}
	if n := s.Hub.Requests("store", hub.EndpointRemain); n != 3 {
		t.Errorf("the healthy one was asked %d times, want 3", n)
	}
}

// A probe asks for one merchant alone, and names what it cannot do.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "first", "second")
	got := s.Scrape(t, "/probe?merchant=second")
	if got["payple_transfer_remain_amount{merchant=second}"] != 9_944_000 {
		t.Errorf("got %v", got)
	}
	for sample := range got {
		if strings.Contains(sample, "first") || strings.HasPrefix(sample, "go_") || strings.HasPrefix(sample, "payple_exporter_") || strings.HasPrefix(sample, "payple_hub_") {
			t.Errorf("not this merchant's: %s", sample)
		}
	}
	if n := s.Hub.Requests("first", hub.EndpointRemain); n != 0 {
		t.Errorf("the other merchant was asked %d times", n)
	}
	for target, want := range map[string]int{
		"/probe": 400, "/probe?merchant=": 400, "/probe?merchant=first&merchant=second": 400,
		"/probe?merchant=nobody": 404, "/probe?merchant=%3Cscript%3E": 404, "/nowhere": 404, "/metrics/": 404,
	} {
		response := s.Get(t, target)
		if response.Status != want || strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s answers %d %s: %s, want %d as plain text", target, response.Status, response.Header.Get("Content-Type"), response.Body, want)
		}
	}
}

// The exporter's own metrics can be had without asking the hub for anybody.
func TestCollectExporterAlone(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	if response := s.Get(t, "/metrics?collect[]=exporter"); response.Status != http.StatusOK {
		t.Errorf("answers %d", response.Status)
	}
	if response := s.Get(t, "/metrics?collect[]=merchants"); response.Status != http.StatusBadRequest {
		t.Errorf("nonsense answers %d", response.Status)
	}
	if n := s.Hub.Requests("store", hub.EndpointToken); n != 0 {
		t.Errorf("the hub was asked %d times", n)
	}
}

// Service discovery names one target for each merchant, with what Prometheus
// needs to probe it.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "first", "second")
	want := `[{"targets":["exporter:10911"],"labels":{"__metrics_path__":"/probe","__param_merchant":"first","merchant":"first"}},` +
		`{"targets":["exporter:10911"],"labels":{"__metrics_path__":"/probe","__param_merchant":"second","merchant":"second"}}]` + "\n"
	response := s.Get(t, "http://exporter:10911/sd")
	if response.Body != want || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s", response.Body)
	}
	none := stand.New(t)
	if body := none.Get(t, "/sd").Body; strings.TrimSpace(body) != "[]" {
		t.Errorf("nobody is %s, want an empty list", body)
	}
	elsewhere := web.New(web.Options{
		Collector: s.Merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1, SDAddress: "outside:443",
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
	s := stand.New(t, "store")
	s.Handler = web.New(web.Options{
		Collector: s.Merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1,
	})
	must.Do(t, s.Hub.Apply("store", "", "hang"))
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
		s.Handler.ServeHTTP(httptest.NewRecorder(), request)
	}()
	// The first scrape holds its slot from before it asks the hub.
	for s.Hub.Requests("store", hub.EndpointToken) == 0 {
		time.Sleep(time.Millisecond) // the request crosses a real network
	}
	if response := s.Get(t, "/probe?merchant=store"); response.Status != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("one too many answers %d", response.Status)
	}
	if response := s.Get(t, "/-/healthy"); response.Status != http.StatusOK {
		t.Errorf("health answers %d while scrapes wait", response.Status)
	}
	leave()
	<-left
	if response := s.Get(t, "/probe?merchant=store"); response.Status != http.StatusOK {
		t.Errorf("room again, and still %d", response.Status)
	}
}

// Prometheus' own format is given to clients that ask for it, and ends as it must.
func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	response := s.Get(t, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(response.Body, "# EOF\n") {
		t.Errorf("%s: …%s", response.Header.Get("Content-Type"), response.Body[max(0, len(response.Body)-100):])
	}
	if strings.Contains(response.Body, "# UNIT") {
		t.Error("a unit on a gauge of ours makes the whole scrape fail")
	}
}

func mustFault(t *testing.T, name string) simulator.Fault {
	t.Helper()
	fault := must.Get(simulator.ParseFault(name))(t)
	return fault
}

// leaver is a client that is gone when its answer comes.
type leaver struct{ *httptest.ResponseRecorder }

func (leaver) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// What a client does is its own business: that it left is one line for
// debugging, and the compression it wishes for, none. What fails in the
// exporter is an error.
func TestAClientsOwnDoingIsNoError(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		encoding    string
		left, fails bool
		want        string // beginnings of the lines
	}{
		"leaves":                        {left: true, want: "level=debug"},
		"leaves, and wishes for gzip":   {encoding: "gzip", left: true, want: "level=debug"},
		"wishes for zstd":               {encoding: "zstd"},
		"wishes for what nobody writes": {encoding: "br;q=1.0, compress;q=abc, ;;"},
		"refuses all":                   {encoding: "identity;q=0, *;q=0", want: "level=debug"},
		"a collector fails":             {fails: true, want: "level=error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			own := prometheus.NewRegistry()
			own.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "one"}, func() float64 { return 1 }))
			if tt.fails {
				own.MustRegister(broken{})
			}
			handler := web.New(web.Options{
				Collector: stand.New(t, "store").Merchants, Own: own, TelemetryPath: "/metrics", MaxRequests: 1, Logger: log.NewLogfmtLogger(&text),
			})
			request, recorder := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody), httptest.NewRecorder()
			request.Header.Set("Accept-Encoding", tt.encoding)
			if tt.left {
				handler.ServeHTTP(leaver{recorder}, request)
			} else if handler.ServeHTTP(recorder, request); !strings.Contains(recorder.Body.String(), "\none 1\n") {
				t.Errorf("answers %d: %s", recorder.Code, recorder.Body)
			}
			if got := text.String(); !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") || strings.Count(got, "\n") > 1 {
				t.Errorf("the log says:\n%s", got)
			}
		})
	}
}

// broken is a collector that fails.
type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}

func (broken) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "help", nil, nil), errors.New("it cannot be read"))
}

// No two families have one name in OpenMetrics, where a counter's is without
// _total: a strict parser takes the second for a mistake, and the page with it.
func TestFamiliesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	own := prometheus.NewRegistry()
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector.NewHubMetrics())
	handler := web.New(web.Options{
		Collector: stand.New(t, "store").Merchants, Own: own, Instrument: true, TelemetryPath: "/metrics", MaxRequests: 1,
	})
	request, recorder := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody), httptest.NewRecorder()
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	handler.ServeHTTP(recorder, request)
	seen := make(map[string]bool)
	for line := range strings.Lines(recorder.Body.String()) {
		if name, found := strings.CutPrefix(line, "# TYPE "); found {
			name, _, _ = strings.Cut(name, " ")
			if seen[name] {
				t.Errorf("two families are called %s", name)
			}
			seen[name] = true
		}
	}
	for _, want := range []string{"go_memstats_alloc_bytes", "go_memstats_heap_alloc_bytes", "payple_up", "payple_queries"} {
		if !seen[want] {
			t.Errorf("no family %s", want)
		}
	}
}
