package e2e

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
)

// Who looks at the demo for forty minutes, with the settings it has by
// default, sees each merchant in the states that it is there for, in their
// order, and between them every state that a figure can be in.
func TestDemoShowsEveryState(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"healthy":          {"OK"},
		"draining":         {"OK", "Warning", "Critical", "Unknown – was low", "Critical", "Exhausted"},
		"running-low":      {"Warning"},
		"nearly-empty":     {"Critical"},
		"empty":            {"Exhausted"},
		"key-refused":      {"Refused"},
		"bank-maintenance": {"OK", "From memory", "Unknown", "OK", "From memory", "Unknown"},
	}
	var clock simulator.Clock
	page := demoOn(t, &clock)
	seen := make(map[string][]string)
	row := regexp.MustCompile(`<span class="badge">([^<]*)</span><span class="name">([^<]*)</span>`)
	for range 40 * 4 {
		recorder := httptest.NewRecorder()
		page.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?lang=en", http.NoBody))
		for _, match := range row.FindAllStringSubmatch(recorder.Body.String(), -1) {
			badge, name := match[1], match[2]
			if past := seen[name]; len(past) == 0 || past[len(past)-1] != badge {
				seen[name] = append(past, badge)
			}
		}
		clock.Advance(15 * time.Second)
	}
	if len(seen) != len(want) {
		t.Errorf("merchants %v", seen)
	}
	for name, states := range want {
		if got := seen[name]; !slices.Equal(got, states) {
			t.Errorf("%s is %q, want %q", name, got, states)
		}
	}
}

// demoOn is the page of a demo on a clock, opened after a scrape: a scrape waits
// longer for the hub.
func demoOn(t *testing.T, clock *simulator.Clock) http.Handler {
	t.Helper()
	demo := harness.Handler(t, clock.Now, "--demo", "--payple.timeout=20s")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scrape := r.Clone(r.Context())
		scrape.URL.Path = "/metrics"
		demo.ServeHTTP(httptest.NewRecorder(), scrape)
		demo.ServeHTTP(w, r)
	})
}
