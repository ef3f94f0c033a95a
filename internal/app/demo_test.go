package app

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/web"
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

// demoOn is the page of a demo on a clock.
func demoOn(t *testing.T, clock *simulator.Clock) http.Handler {
	t.Helper()
	server, err := simulator.Start(simulator.New(simulator.Options{Now: clock.Now}, demoPartners()...), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := hub.NewTransport(8)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	merchants := collector.New(collector.Options{
		Settings:  collector.Settings{MaxAge: 5 * time.Minute, Timeout: 20 * time.Second, Now: clock.Now, Limiter: collector.NewLimiter(8, 0)},
		Transport: transport,
	})
	merchants.Apply(demoConfig(server.URL, 10*time.Second, config.DefaultLevels()))
	return web.New(web.Options{
		Collector: merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1,
		PageWait: 20 * time.Second, Demo: true, Now: clock.Now,
	})
}
