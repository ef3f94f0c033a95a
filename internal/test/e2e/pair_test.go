package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/stand"
)

// With the flags' defaults, two Prometheus servers with the usual interval of
// 30 s, however far apart their scrapes are, and people and programs that look at
// the page in between, cost the hub one query in an interval.
func TestAPairCostsOneQueryInAnInterval(t *testing.T) {
	t.Parallel()
	const minInterval, scrapeInterval, lasts = 25 * time.Second, 30 * time.Second, 10 * time.Minute
	for _, apart := range []time.Duration{0, time.Second, 10 * time.Second, 15 * time.Second, 26 * time.Second, 29 * time.Second} {
		t.Run(apart.String(), func(t *testing.T) {
			t.Parallel()
			clock := &simulator.Clock{}
			sim := stand.NewHub(t, simulator.Options{Now: clock.Now}, simulator.Partner{CstID: "store", CustKey: testKey, Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000}}})
			exporter := harness.Handler(t, clock.Now, flagsOf(t, stand.ServeHub(t, sim).URL)...)
			asked := func(pages bool) int {
				before := sim.Requests("store", hub.EndpointRemain)
				for second := time.Duration(0); second < lasts; second += time.Second {
					var paths []string
					if second%scrapeInterval == 0 {
						paths = append(paths, "/metrics")
					}
					if second%scrapeInterval == apart {
						paths = append(paths, "/metrics", "/probe?merchant=store")
					}
					if pages && second%(7*time.Second) == 0 {
						paths = append(paths, "/", "/status.json")
					}
					for _, path := range paths {
						answer := httptest.NewRecorder()
						exporter.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
						if path != "/status.json" && answer.Code != http.StatusOK {
							t.Fatalf("%s answers %d", path, answer.Code)
						}
					}
					clock.Advance(time.Second)
				}
				return sim.Requests("store", hub.EndpointRemain) - before
			}
			if got, want := asked(false), int(lasts/scrapeInterval)+1; got > want {
				t.Errorf("a pair made %d queries, want at most %d", got, want)
			}
			if got, want := asked(true), int(lasts/minInterval)+1; got > want {
				t.Errorf("a pair and the page made %d queries, want at most %d", got, want)
			}
		})
	}
}
