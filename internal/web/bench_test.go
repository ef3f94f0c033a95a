package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
	"payple_exporter/internal/web"
)

// remembering is a handler whose merchants have all been asked, and are not
// asked again.
func remembering(tb testing.TB, merchants int) http.Handler {
	tb.Helper()
	all := asked(tb, merchants)
	return web.New(web.Options{
		Collector: all, Own: prometheus.NewRegistry(),
		TelemetryPath: "/metrics", TimeoutOffset: 500 * time.Millisecond, MaxRequests: 40,
	})
}

// asked is a collector whose merchants have all been asked once.
func asked(tb testing.TB, merchants int) *collector.Collector {
	tb.Helper()
	configured := config.Config{MinInterval: time.Hour, Merchants: make([]config.Merchant, merchants)}
	for i := range configured.Merchants {
		name := fmt.Sprintf("merchant-%05d", i)
		configured.Merchants[i] = config.Merchant{
			Name: name, CstID: name, Key: hub.FixedKey(hub.NewSecret(stand.CustKey), "test"), Hub: config.Hub{Label: "real"}, Thresholds: config.DefaultLevels(),
		}
	}
	all := collector.New(collector.Options{
		Settings:   collector.Settings{MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Limiter: collector.NewLimiter(32, 0)},
		NewQuerier: func(config.Merchant) collector.Querier { return stand.Instant{} },
	})
	all.Apply(configured)
	all.Snapshots(tb.Context())
	return all
}

// bare is promhttp alone over as many series, with names and labels of the
// same kind: what a scrape costs at the least.
func bare(tb testing.TB, merchants int) http.Handler {
	tb.Helper()
	registry := prometheus.NewRegistry()
	like := remembering(tb, 1)
	for name, series := range countSeries(tb, like) {
		labels := []string{"merchant"}
		if series > 1 {
			labels = append(labels, "kind")
		}
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: "As many series, and nothing else."}, labels)
		registry.MustRegister(vec)
		for i := range merchants {
			for kind := range series {
				values := []string{fmt.Sprintf("merchant-%05d", i), fmt.Sprint(kind)}
				vec.WithLabelValues(values[:len(labels)]...).Set(9_944_000)
			}
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// countSeries returns how many series each metric of one merchant has.
func countSeries(tb testing.TB, handler http.Handler) map[string]int {
	tb.Helper()
	counts := make(map[string]int)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for sample := range stand.Parse(tb, recorder.Body) {
		for i, c := range sample {
			if c == '{' {
				counts[sample[:i]]++
				break
			}
		}
	}
	return counts
}

func merchantCounts() []int { return []int{1, 10, 100, 1000, 10_000} }

// BenchmarkScrape measures a scrape from memory of so many merchants, beside a
// bare promhttp handler over as many series in the same run. Compare ours with
// bare, and ns/merchant from size to size.
func BenchmarkScrape(b *testing.B) {
	for _, n := range merchantCounts() {
		beside(b, fmt.Sprintf("merchants=%d", n), n, remembering(b, n), "/metrics", bare(b, n))
	}
}

// BenchmarkProbe measures a probe of one merchant among so many, from memory,
// beside a bare promhttp handler over as many series.
func BenchmarkProbe(b *testing.B) {
	for _, n := range merchantCounts() {
		target := fmt.Sprintf("/probe?merchant=merchant-%05d", n-1)
		beside(b, fmt.Sprintf("among=%d", n), 1, remembering(b, n), target, bare(b, 1))
	}
}

// beside measures ours and bare: the handlers alone, and over HTTP with a
// connection that is kept.
func beside(b *testing.B, name string, merchants int, ours http.Handler, target string, bare http.Handler) {
	b.Helper()
	for _, way := range []string{"handler", "http"} {
		for _, side := range []struct {
			name, target string
			handler      http.Handler
		}{{"ours", target, ours}, {"bare", "/metrics", bare}} {
			b.Run(fmt.Sprintf("%s/%s/%s", name, way, side.name), func(b *testing.B) {
				scrape := stand.Discard
				if way == "http" {
					scrape = overHTTP(b, side.handler)
				}
				scrape(side.handler, side.target) // the first makes what the others find
				b.ReportAllocs()
				for b.Loop() {
					scrape(side.handler, side.target)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(merchants), "ns/merchant")
			})
		}
	}
}

// overHTTP returns what scrapes a handler through a real connection.
func overHTTP(b *testing.B, handler http.Handler) func(http.Handler, string) {
	b.Helper()
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	b.Cleanup(client.CloseIdleConnections)
	return func(_ http.Handler, target string) {
		response, err := client.Get(server.URL + target)
		must.Do(b, err)
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("HTTP %d, %v", response.StatusCode, err)
		}
		response.Body.Close()
	}
}

// BenchmarkOwnMetrics measures what the exporter's own metrics add to a
// scrape: none, the Go runtime's, and the process's.
func BenchmarkOwnMetrics(b *testing.B) {
	for _, c := range []struct {
		name string
		own  []prometheus.Collector
	}{
		{"none", nil},
		{"go", []prometheus.Collector{collectors.NewGoCollector()}},
		{"process", []prometheus.Collector{collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}},
	} {
		b.Run(c.name, func(b *testing.B) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(c.own...)
			all := asked(b, 1)
			handler := web.New(web.Options{
				Collector: all, Own: registry,
				TelemetryPath: "/metrics", TimeoutOffset: 500 * time.Millisecond, MaxRequests: 40,
			})
			b.ReportAllocs()
			for b.Loop() {
				stand.Discard(handler, "/metrics")
			}
		})
	}
}

// BenchmarkCompressed measures a scrape that is compressed, and how much less
// of it goes over the network.
func BenchmarkCompressed(b *testing.B) {
	for _, n := range merchantCounts() {
		handler := remembering(b, n)
		for _, encoding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("merchants=%d/%s", n, encoding), func(b *testing.B) {
				size := 0
				for b.Loop() {
					request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
					request.Header.Set("Accept-Encoding", encoding)
					written := counted{make(http.Header), &size}
					size = 0
					handler.ServeHTTP(written, request)
				}
				b.ReportMetric(float64(size)/1000, "kB/scrape")
			})
		}
	}
}

// counted is a client that counts what it is sent.
type counted struct {
	header http.Header
	size   *int
}

func (c counted) Header() http.Header         { return c.header }
func (c counted) Write(p []byte) (int, error) { *c.size += len(p); return len(p), nil }
func (counted) WriteHeader(int)               {}

// BenchmarkGather measures the exporter's own part of such a scrape: gates,
// snapshots and metrics, without the client library's writing of the text.
func BenchmarkGather(b *testing.B) {
	for _, n := range merchantCounts() {
		b.Run(fmt.Sprintf("merchants=%d", n), func(b *testing.B) {
			all := asked(b, n)
			gather := func() {
				_, done, err := all.Bind(b.Context()).Gather()
				if err != nil {
					b.Fatal(err)
				}
				done()
			}
			gather() // the first makes what the others find
			b.ReportAllocs()
			for b.Loop() {
				gather()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/merchant")
		})
	}
}

// A scrape from memory allocates hardly more for a thousand merchants than for
// ten, whatever the machine: what grows with them is kept and used again. (The
// race detector throws some of it away on purpose.)
func TestScrapeAllocatesLittle(t *testing.T) {
	allocations := func(merchants int) float64 {
		handler := remembering(t, merchants)
		return testing.AllocsPerRun(20, func() { stand.Discard(handler, "/metrics") })
	}
	if few, many := allocations(10), allocations(1000); many > few+8*1000 {
		t.Errorf("%.0f allocations with 10 merchants, %.0f with 1000", few, many)
	}
}

// A collection of a scrape's garbage leaves little behind: what the exporter
// keeps for a thousand merchants is bounded.
func TestMemoryOfAThousandMerchants(t *testing.T) {
	handler := remembering(t, 1000)
	for range 5 {
		stand.Discard(handler, "/metrics")
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if mib := stats.HeapAlloc >> 20; mib > 24 {
		t.Errorf("%d MiB live on the heap, want at most 24", mib)
	}
	runtime.KeepAlive(handler)
}
