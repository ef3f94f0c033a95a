package e2e

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// Many merchants and a hub that takes its time: the first scrape answers all,
// with one token and one remain request for each, and the process that was
// really built stays within its memory.
func TestManyMerchantsFitOneProcess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		merchants int
		latency   string // of the hub, each request
		within    time.Duration
		resident  float64 // MiB
	}{
		{1000, "slow=50ms", 10 * time.Second, 64},
		{10_000, "slow=1ms", time.Minute, 160},
	} {
		t.Run(fmt.Sprint(c.merchants), func(t *testing.T) {
			sim, file := manyMerchants(t, c.merchants)
			must.Do(t, sim.Apply("", "", c.latency))
			exporter := serveProcess(t, programs.Released(t), nil, "--config.file="+file, "--payple.min-interval=5m", "--payple.max-age=1h")
			began := time.Now()
			got := exporter.scrape(t, "X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(c.within.Seconds()))
			took := time.Since(began)
			known := 0
			for sample := range got {
				if strings.HasPrefix(sample, "payple_transfer_remain_amount{") {
					known++
				}
			}
			if took > c.within || known != c.merchants {
				t.Errorf("the first scrape took %s and shows %d merchants", took, known)
			}
			for range 10 {
				exporter.scrape(t)
			}
			for i := range c.merchants {
				id := fmt.Sprintf("m%02d", i)
				if token, remain := sim.Requests(id, hub.EndpointToken), sim.Requests(id, hub.EndpointRemain); token != 1 || remain != 1 {
					t.Fatalf("%s: %d token and %d remain requests, want one of each", id, token, remain)
				}
			}
			const gcPercent = 30 // docs/development.md
			last := exporter.scrape(t)
			if got := last["go_gc_gogc_percent"]; got != gcPercent {
				t.Errorf("garbage is collected when the heap has grown by %v %%, want %d", got, gcPercent)
			}
			resident := last["process_resident_memory_bytes"] / (1 << 20)
			t.Logf("%d merchants: first scrape %s, resident memory %.1f MiB", c.merchants, took.Round(time.Millisecond), resident)
			if runtime.GOOS == "linux" && (resident == 0 || resident > c.resident) {
				t.Errorf("resident memory is %.1f MiB, want at most %.0f", resident, c.resident)
			}
		})
	}
}

// requestsPerSecond is what one merchant costs the hub: a remain request each
// interval, and a token request for as many of them as one token serves.
func requestsPerSecond(interval time.Duration) float64 {
	const usable = 55 * time.Second // the documented life of 60 s, less the margin
	queries := 1 + (usable-1)/interval
	return (1 + 1/float64(queries)) / interval.Seconds()
}

// docs/scaling.md tells the request rate that follows from the settings.
func TestScalingTableIsComputed(t *testing.T) {
	t.Parallel()
	text := must.Read(t, "docs/scaling.md")
	rows := regexp.MustCompile(`(?m)^\| (\d+) s \| ([\d.]+) \| ([\d,.]+) \| ([\d,.]+) \| ([\d,.]+) \|$`).FindAllStringSubmatch(text, -1)
	if len(rows) != 4 {
		t.Fatalf("%d rows, want 4", len(rows))
	}
	for _, row := range rows {
		seconds := must.Get(strconv.Atoi(row[1]))(t)
		one := requestsPerSecond(time.Duration(seconds) * time.Second)
		for i, want := range []string{
			fmt.Sprintf("%.4f", one), fmt.Sprintf("%.2f", 10*one), fmt.Sprintf("%.1f", 1000*one), fmt.Sprintf("%.0f", 10_000*one),
		} {
			if got := strings.ReplaceAll(row[i+2], ",", ""); got != want {
				t.Errorf("every %d s, column %d: %s, want %s", seconds, i+1, got, want)
			}
		}
	}
}
