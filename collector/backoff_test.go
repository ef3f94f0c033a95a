package collector

import (
	"testing"
	"time"

	"payple_exporter/hub"
)

// The n-th failure in a row closes the gate for interval × 2ⁿ less at most a
// fifth, never longer than the cap of its reason and never shorter than the
// interval; a success starts over.
func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	seconds := func(list ...int) (all []time.Duration) {
		for _, s := range list {
			all = append(all, time.Duration(s)*time.Second)
		}
		return all
	}
	for name, test := range map[string]struct {
		interval time.Duration
		jitter   float64
		reason   hub.Reason
		want     []time.Duration
	}{
		"doubles up to a minute":            {10 * time.Second, 0, hub.ReasonNetwork, seconds(20, 40, 60, 60, 60)},
		"a refused key up to five minutes":  {10 * time.Second, 0, hub.ReasonAuth, seconds(20, 40, 80, 160, 300, 300)},
		"a refused address likewise":        {10 * time.Second, 0, hub.ReasonIPNotAllowed, seconds(20, 40, 80, 160, 300, 300)},
		"a missing key likewise":            {10 * time.Second, 0, hub.ReasonConfig, seconds(20, 40, 80, 160, 300, 300)},
		"a closed hub as any other failure": {10 * time.Second, 0, hub.ReasonClosed, seconds(20, 40, 60, 60, 60)},
		"jitter shortens by up to a fifth":  {10 * time.Second, 1, hub.ReasonTimeout, seconds(16, 32, 48, 48)},
		"never below the interval":          {2 * time.Minute, 1, hub.ReasonTimeout, seconds(120, 120)},
		"an hour's interval does not jump":  {time.Hour, 0.5, hub.ReasonAuth, seconds(3600, 3600)},
		"a short interval takes more steps": {time.Second, 0, hub.ReasonRejected, seconds(2, 4, 8, 16, 32, 60, 60)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackoff(test.interval, func() float64 { return test.jitter })
			now := time.Unix(1_700_000_000, 0)
			for range 2 {
				for n, want := range test.want {
					b.began(now)
					b.failed(now.Add(time.Second), test.reason, 0)
					if got := b.opens().Sub(now); got != want {
						t.Fatalf("failure %d closes the gate for %s, want %s", n+1, got, want)
					}
					if b.closed(b.opens().Add(-1)) == causeNone || b.closed(b.opens()) != causeNone {
						t.Fatalf("failure %d: the gate does not open when it says", n+1)
					}
					now = b.opens()
				}
				b.began(now)
				b.succeeded()
				now = now.Add(test.interval)
			}
		})
	}
}

// What the hub asks to wait counts from its answer, where it is longer than
// the backoff, and up to five minutes.
func TestBackoffHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	for retryAfter, want := range map[time.Duration]time.Duration{
		0: 20 * time.Second, 5 * time.Second: 20 * time.Second, 90 * time.Second: 92 * time.Second,
		time.Hour: 302 * time.Second,
	} {
		b := newBackoff(10*time.Second, func() float64 { return 0 })
		now := time.Unix(1_700_000_000, 0)
		b.began(now)
		b.failed(now.Add(2*time.Second), hub.ReasonRateLimited, retryAfter)
		if got := b.opens().Sub(now); got != want {
			t.Errorf("Retry-After %s closes the gate for %s, want %s", retryAfter, got, want)
		}
	}
}

// A gate that nothing closes any more says since when: a query may take longer
// than the backoff for its failure.
func TestBackoffOpensInThePast(t *testing.T) {
	t.Parallel()
	b := newBackoff(time.Second, func() float64 { return 0 })
	now := time.Unix(1_700_000_000, 0)
	b.began(now)
	b.failed(now.Add(5*time.Second), hub.ReasonTimeout, 0)
	if got := b.opens().Sub(now); got != 2*time.Second {
		t.Errorf("open after %s, want the backoff", got)
	}
}

// A gate that is closed for an hour, its interval, and not for its backoff, opens
// as soon as a shorter interval is set.
func TestBackoffForgetsTheIntervalThatWas(t *testing.T) {
	t.Parallel()
	b := newBackoff(time.Hour, func() float64 { return 0 })
	now := time.Unix(1_700_000_000, 0)
	b.began(now)
	b.failed(now.Add(time.Second), hub.ReasonTimeout, 0)
	if got := b.opens().Sub(now); got != time.Hour {
		t.Errorf("closed for %s, want the interval", got)
	}
	b.setInterval(10 * time.Second)
	if got := b.opens().Sub(now); got != time.Minute || b.closed(b.opens()) != causeNone || b.closed(b.opens().Add(-1)) != CauseBackoff {
		t.Errorf("closed for %s, want the longest backoff", got)
	}
}

// How old a figure is, is told by the clock that says more: the monotonic one
// stands still in a suspended machine, the wall clock may be set back.
func TestAgeTrustsTheLaterClock(t *testing.T) {
	t.Parallel()
	then := time.Now()
	if got := age(then.Add(time.Minute), then); got != time.Minute {
		t.Errorf("a minute is %s", got)
	}
	suspended := then.Add(time.Second).Round(0).Add(time.Hour) // no monotonic reading: the wall clock alone
	if got := age(suspended, then); got != time.Hour+time.Second {
		t.Errorf("an hour of suspension is %s", got)
	}
}
