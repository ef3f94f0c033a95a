package web_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/collector"
	"payple_exporter/internal/config"
	"payple_exporter/internal/web"
)

// Where Prometheus comes more often than the hub may be asked, or less than half
// as often, the log says so, once for each setting; a pair, a restart, a scrape
// that was missed and what is no Prometheus are no reason to.
func TestScrapesThatDoNotFitTheMinimumIntervalAreToldOnce(t *testing.T) {
	t.Parallel()
	const shorter, half = "is not shorter than the scrape interval", "is less than half of the scrape interval"
	every := func(interval time.Duration) (pauses []time.Duration) {
		for range 20 {
			pauses = append(pauses, interval)
		}
		return pauses
	}
	alternate := func(a, b time.Duration) (pauses []time.Duration) {
		for range 10 {
			pauses = append(pauses, a, b)
		}
		return pauses
	}
	for name, test := range map[string]struct {
		minInterval time.Duration
		pauses      []time.Duration
		header      string
		says        string
	}{
		"the usual":               {25 * time.Second, every(30 * time.Second), "10", ""},
		"a minute":                {25 * time.Second, every(time.Minute), "10", half},
		"just under a minute":     {55 * time.Second, every(time.Minute), "10", ""},
		"ten seconds":             {10 * time.Second, every(30 * time.Second), "10", half},
		"half":                    {15 * time.Second, every(30 * time.Second), "10", ""},
		"more often":              {25 * time.Second, every(15 * time.Second), "10", shorter},
		"as often":                {30 * time.Second, every(30 * time.Second), "10", shorter},
		"a pair at one address":   {25 * time.Second, alternate(2*time.Second, 28*time.Second), "10", ""},
		"one was missed":          {25 * time.Second, append(every(30 * time.Second)[:2], append([]time.Duration{time.Minute}, every(30*time.Second)...)...), "10", ""},
		"curl":                    {25 * time.Second, every(time.Second), "", ""},
		"too few to know":         {25 * time.Second, every(time.Second)[:3], "10", ""},
		"the longest that can be": {5 * time.Minute, every(5*time.Minute + 16*time.Second), "10", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var told bytes.Buffer
				merchants := collector.New(collector.Options{})
				merchants.Apply(config.Config{MinInterval: test.minInterval})
				handler := web.New(web.Options{Collector: merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1, Logger: log.NewLogfmtLogger(&told)})
				scrapes := func() {
					for _, pause := range append([]time.Duration{0}, test.pauses...) {
						time.Sleep(pause)
						request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
						request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", test.header)
						handler.ServeHTTP(httptest.NewRecorder(), request)
					}
				}
				scrapes()
				if len(test.pauses) > 3 {
					scrapes()
				}
				if text := told.String(); (text != "") != (test.says != "") || !strings.Contains(text, test.says) || strings.Count(text, "\n") > 1 {
					t.Errorf("want one line with %q:\n%s", test.says, text)
				}
				if test.says != "" { // another setting is another matter
					merchants.Apply(config.Config{MinInterval: test.minInterval + time.Second})
					scrapes()
					if n := strings.Count(told.String(), test.says); n != 2 {
						t.Errorf("told %d times after a reload, want 2:\n%s", n, told.String())
					}
				}
			})
		})
	}
}
