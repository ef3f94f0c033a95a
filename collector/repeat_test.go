package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// values returns the value of each sample of a scrape, by name, merchant and
// the other label if there is one.
func values(t *testing.T, c *Collector, timeout time.Duration) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	families, _, err := c.Bind(ctx).Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]float64)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			key := family.GetName()
			for _, label := range metric.GetLabel() {
				key += " " + label.GetValue()
			}
			found[key] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return found
}

// What one scrape has shown is never shown to the next if it has changed since:
// figures, health, and the counters of scrapes from memory.
func TestScrapesShowWhatHasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &fakeHub{limit: figures()}
		s := settings()
		c := inForce(s, []config.Merchant{named("store")}, backend)
		const counter = NameScrapesFromMemory + " min_interval store"
		first := values(t, c, time.Second)
		if first[NameUp+" store"] != 1 || first[NameRemain+" store"] != 9_944_000 || first[counter] != 0 {
			t.Fatalf("first: %v", first)
		}
		for n := range 3 {
			if got := values(t, c, time.Second)[counter]; got != float64(n+1) {
				t.Errorf("%d scrapes from memory are counted as %g", n+1, got)
			}
		}
		backend.failWith(hub.ReasonTLS)
		time.Sleep(s.MinInterval)
		if got := values(t, c, time.Second); got[NameUp+" store"] != 0 || got[NameFailure+" store tls"]+got[NameFailure+" tls store"] != 1 {
			t.Errorf("the failure does not show: %v", got)
		}
		time.Sleep(s.MaxAge)
		backend.set(func(f *fakeHub) { f.err, f.limit.Remain = nil, 1 })
		if got := values(t, c, time.Second); got[NameUp+" store"] != 1 || got[NameRemain+" store"] != 1 {
			t.Errorf("the new figure does not show: %v", got)
		}
	})
}

// A merchant whose query has not begun yet, as it waits for its turn, is shown
// as not up.
func TestScrapeShowsWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings()
		s.Limiter = NewLimiter(1, 0)
		c := inForce(s, []config.Merchant{named("first"), named("second")}, &fakeHub{latency: 2 * time.Second}, &fakeHub{latency: 2 * time.Second})
		got := values(t, c, time.Second)
		for _, name := range []string{"first", "second"} {
			if up, shown := got[NameUp+" "+name]; up != 0 || !shown {
				t.Errorf("%s is shown as %g, %t", name, up, shown)
			}
		}
		time.Sleep(time.Minute) // on the fake clock: queries under way end
	})
}

// costly is a hub that takes more requests than it says.
type costly struct {
	fakeHub

	each uint64
}

func (c *costly) Sent() uint64 { return c.fakeHub.Sent() * c.each }

// What a query has really sent counts against the requests a second, no more
// and no less.
func TestGateReportsWhatItSent(t *testing.T) {
	t.Parallel()
	for each, want := range map[uint64]time.Duration{1: 0, 3: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := settings()
			s.MinInterval, s.Limiter = time.Second, NewLimiter(1, 1)
			gate := newGate(named("store"), &costly{each: each}, s)
			for range 5 {
				time.Sleep(3 * time.Second) // all that was spent is there again, but what was sent beyond
				scrape(t, gate)
			}
			time.Sleep(time.Second)
			began := time.Now()
			scrape(t, gate)
			if took := time.Since(began); took != 0 && want == 0 {
				t.Errorf("%d requests each: waited %s, as though there had been more", each, took)
			}
			began = time.Now()
			time.Sleep(time.Second)
			scrape(t, gate)
			if took := time.Since(began) - time.Second; took != want {
				t.Errorf("%d requests each: waited %s, want %s", each, took, want)
			}
		})
	}
}
