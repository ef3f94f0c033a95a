package collector

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// fakeHub is a Querier that does what a test says and counts what it is asked.
type fakeHub struct {
	mu         sync.Mutex
	latency    time.Duration
	limit      hub.Limit
	err        *hub.Error
	keyHangs   bool // it cannot be read
	keyChanged bool
	keyReads   int
	asked      []time.Time
	load       *load // shared with others; nil: not measured
}

// load is how many queries are under way at once.
type load struct {
	mu        sync.Mutex
	now, most int
}

func (l *load) add(n int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += n
	l.most = max(l.most, l.now)
}

func (f *fakeHub) Remain(ctx context.Context) (hub.Limit, error) {
	f.mu.Lock()
	f.asked = append(f.asked, time.Now())
	latency, limit, err := f.latency, f.limit, f.err
	f.mu.Unlock()
	f.load.add(1)
	defer f.load.add(-1)
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		return hub.Limit{}, &hub.Error{Reason: hub.ReasonTimeout}
	}
	if err != nil {
		return hub.Limit{}, err
	}
	return limit, nil
}

func (f *fakeHub) KeyChanged(ctx context.Context) bool {
	f.mu.Lock()
	f.keyReads++
	hangs, changed := f.keyHangs, f.keyChanged
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return false
	}
	return changed
}

func (*fakeHub) SetKey(hub.Key) {}

func (f *fakeHub) Needs(context.Context) int { return 1 }

func (f *fakeHub) Sent() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(len(f.asked))
}

func (f *fakeHub) queries() int { return int(f.Sent()) }

func (f *fakeHub) set(change func(*fakeHub)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeHub) failWith(reason hub.Reason) {
	f.set(func(f *fakeHub) { f.err = &hub.Error{Reason: reason} })
}

// settings are the defaults of the command line, without jitter.
func settings() Settings {
	return Settings{
		MinInterval: 10 * time.Second, MaxAge: 5 * time.Minute, Timeout: 5 * time.Second,
		Limiter: NewLimiter(32, 0), Jitter: func() float64 { return 0 },
	}
}

func figures() hub.Limit {
	return hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000}
}

// Snapshot is what a scrape of this merchant alone does.
func (g *gate) Snapshot(ctx context.Context) Snapshot {
	return g.enter(ctx).retry(ctx).snapshot(ctx)
}

// scrape asks the gate as a scrape of ten seconds would.
func scrape(t *testing.T, gate *gate) Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
	defer cancel()
	return gate.Snapshot(ctx)
}

// A merchant whose key cannot be read holds up no other: all have asked the hub
// before anybody looks at a key.
func TestAKeyThatHangsTouchesNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, backends := crowd(3, settings())
		backends[0].failWith(hub.ReasonAuth)
		for range 2 { // 40 s of backoff
			all.Snapshots(t.Context())
			time.Sleep(25 * time.Second)
		}
		backends[0].set(func(f *fakeHub) { f.keyHangs = true })
		before := backends[1].queries()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		for i, snapshot := range all.Snapshots(ctx) {
			if snapshot.Up != (i > 0) || i > 0 && snapshot.LastSuccess.Before(began) {
				t.Errorf("merchant %d: %+v", i, snapshot)
			}
		}
		if took, asked := time.Since(began), backends[1].queries()-before; took > 2*time.Second || asked != 1 {
			t.Errorf("the scrape took %s, and the second merchant was asked for %d times", took, asked)
		}
	})
}

// inBubble runs a test with a gate on a fake clock.
func inBubble(t *testing.T, change func(*Settings), test func(t *testing.T, gate *gate, backend *fakeHub)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &fakeHub{limit: figures()}
		s := settings()
		if change != nil {
			change(&s)
		}
		test(t, newGate(named("store"), backend, s), backend)
		time.Sleep(time.Minute) // on the fake clock: queries under way end
	})
}

// Asked twice within the interval, the hub is asked once; from the interval on
// it is asked again.
func TestGateKeepsTheInterval(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		began := time.Now()
		for _, step := range []struct {
			at      time.Duration
			queries int
			cause   Cause
		}{
			{0, 1, causeNone},
			{time.Millisecond, 1, CauseMinInterval},
			{9999 * time.Millisecond, 1, CauseMinInterval},
			{10 * time.Second, 2, causeNone},
			{19999 * time.Millisecond, 2, CauseMinInterval},
			{20 * time.Second, 3, causeNone},
			{time.Hour, 4, causeNone},
		} {
			time.Sleep(time.Until(began.Add(step.at)))
			before := gate.memory.fromMemory[step.cause]
			s := scrape(t, gate)
			if !s.Up || !s.Known || s.Limit != figures() || backend.queries() != step.queries {
				t.Fatalf("at %s: %d queries, want %d; %+v", step.at, backend.queries(), step.queries, s)
			}
			if step.cause != causeNone && s.FromMemory[step.cause] != before+1 {
				t.Errorf("at %s: not counted as %s: %v", step.at, step.cause, s.FromMemory)
			}
		}
	})
}

// Scrapes that come while a query is under way share it and its answer.
func TestGateSharesAQuery(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.latency = time.Second
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if s := scrape(t, gate); !s.Known || s.Limit != figures() {
					t.Errorf("a scrape that shared got %+v", s)
				}
			})
		}
		all.Wait()
		s := scrape(t, gate)
		if backend.queries() != 1 || s.FromMemory[CauseShared] != 19 || s.FromMemory[CauseMinInterval] != 1 || s.Queries != 1 {
			t.Errorf("%d queries, %v; want 1, 19 shared and 1 from the interval", backend.queries(), s.FromMemory)
		}
	})
}

// A scrape that has to leave gets what is known, in time; its query goes on
// and serves the next one.
func TestGateQueryOutlivesItsScrape(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.latency = 3 * time.Second
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		s := gate.Snapshot(ctx)
		if took := time.Since(began); took != 1500*time.Millisecond || s.Known || s.Attempted || s.Up || s.FromMemory[CauseDeadline] != 1 {
			t.Fatalf("after %s: %+v", took, s)
		}
		time.Sleep(2 * time.Second)
		if s := scrape(t, gate); !s.Known || backend.queries() != 1 || s.FromMemory[CauseMinInterval] != 1 {
			t.Errorf("the query was lost with its scrape: %d queries, %+v", backend.queries(), s)
		}
	})
}

// A scraper that hangs up at once takes no query down with it.
func TestGateScraperThatHangsUp(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		gate.Snapshot(ctx)
		synctest.Wait()
		if s := scrape(t, gate); !s.Up || !s.Known || backend.queries() != 1 {
			t.Errorf("%d queries, %+v", backend.queries(), s)
		}
	})
}

// A query has its own time-out and ends by it, whoever waits.
func TestGateQueryTimesOut(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.latency = time.Hour
		began := time.Now()
		s := scrape(t, gate)
		if took := time.Since(began); took != 5*time.Second || s.Up || s.Failure.Reason != hub.ReasonTimeout || s.Duration != took {
			t.Errorf("after %s: %+v", took, s)
		}
	})
}

// With a scrape every second and a hub that fails, queries come at the pace of
// the backoff; the first success ends it.
func TestGateBacksOff(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.failWith(hub.ReasonNetwork)
		began := time.Now()
		for range 200 {
			scrape(t, gate)
			time.Sleep(time.Second)
		}
		var at []time.Duration
		for _, asked := range backend.asked {
			at = append(at, asked.Sub(began))
		}
		want := []time.Duration{0, 20 * time.Second, 60 * time.Second, 120 * time.Second, 180 * time.Second}
		if len(at) != len(want) {
			t.Fatalf("asked at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("asked at %v, want %v", at, want)
			}
		}
		backend.set(func(f *fakeHub) { f.err = nil })
		time.Sleep(time.Minute)
		if s := scrape(t, gate); !s.Up {
			t.Fatalf("the hub is back: %+v", s)
		}
		time.Sleep(10 * time.Second)
		before := backend.queries()
		if scrape(t, gate); backend.queries() != before+1 {
			t.Error("still backing off after a success")
		}
	})
}

// The failure shows at once, the figures stay until max-age, then they go; the
// time of the last success stays.
func TestGateKeepsFiguresUntilMaxAge(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		scrape(t, gate)
		succeeded := time.Now()
		backend.failWith(hub.ReasonTLS)
		time.Sleep(10 * time.Second)
		if s := scrape(t, gate); s.Up || s.Failure.Reason != hub.ReasonTLS || !s.Known || s.Limit != figures() || !s.FailingSince.Equal(time.Now()) {
			t.Errorf("just failed: %+v", s)
		}
		time.Sleep(time.Until(succeeded.Add(5 * time.Minute)))
		if s := scrape(t, gate); s.Up || !s.Known {
			t.Errorf("at max-age: %+v", s)
		}
		time.Sleep(time.Nanosecond)
		if s := scrape(t, gate); s.Known || s.Limit != (hub.Limit{}) || !s.LastSuccess.Equal(succeeded) {
			t.Errorf("past max-age: %+v", s)
		}
	})
}

// Max-age 0 shows nothing after a failure, and everything while there is none.
func TestGateMaxAgeZero(t *testing.T) {
	inBubble(t, func(s *Settings) { s.MaxAge = 0 }, func(t *testing.T, gate *gate, backend *fakeHub) {
		scrape(t, gate)
		time.Sleep(9 * time.Second)
		if s := scrape(t, gate); !s.Known {
			t.Errorf("nothing has failed: %+v", s)
		}
		backend.failWith(hub.ReasonTLS)
		time.Sleep(time.Second)
		if s := scrape(t, gate); s.Known || s.Up {
			t.Errorf("figures after a failure: %+v", s)
		}
	})
}

// An old success is not served by a scrape that cannot wait for a new answer.
func TestGateDoesNotServeOldFiguresToAHurriedScrape(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		scrape(t, gate)
		backend.latency = 2 * time.Second
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s := gate.Snapshot(ctx); s.Known {
			t.Errorf("figures of an hour ago: %+v", s)
		}
	})
}

// Another key ends the long backoff for a refused one, but not the interval.
func TestGateReopensForANewKey(t *testing.T) {
	for _, reason := range []hub.Reason{hub.ReasonAuth, hub.ReasonIPNotAllowed, hub.ReasonConfig} {
		t.Run(string(reason), func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
				backend.failWith(reason)
				scrape(t, gate)
				time.Sleep(20 * time.Second)
				scrape(t, gate)
				time.Sleep(9 * time.Second)
				backend.set(func(f *fakeHub) { f.err, f.keyChanged = nil, true })
				read := backend.keyReads
				if s := scrape(t, gate); backend.queries() != 2 || s.Up || backend.keyReads != read {
					t.Fatalf("within the interval: %d queries, the key was read %d times", backend.queries(), backend.keyReads-read)
				}
				time.Sleep(time.Second)
				if s := scrape(t, gate); backend.queries() != 3 || !s.Up {
					t.Errorf("not asked again: %d queries, %+v", backend.queries(), s)
				}
			})
		})
	}
	t.Run("but not after another failure", func(t *testing.T) {
		inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
			backend.failWith(hub.ReasonNetwork)
			backend.set(func(f *fakeHub) { f.keyChanged = true })
			scrape(t, gate)
			time.Sleep(19 * time.Second)
			if scrape(t, gate); backend.queries() != 1 {
				t.Error("a new key says nothing about the network")
			}
		})
	})
}

// What the hub asks to wait is waited.
func TestGateHonoursRetryAfter(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.err = &hub.Error{Reason: hub.ReasonRateLimited, RetryAfter: 2 * time.Minute}
		scrape(t, gate)
		time.Sleep(2*time.Minute - 1)
		if s := scrape(t, gate); backend.queries() != 1 || s.FromMemory[CauseBackoff] != 1 {
			t.Errorf("%d queries before the time, %v", backend.queries(), s.FromMemory)
		}
		time.Sleep(time.Nanosecond)
		if scrape(t, gate); backend.queries() != 2 {
			t.Errorf("%d queries after the time", backend.queries())
		}
	})
}

// A failure is logged when it begins, when it changes and when it ends, with
// what to do, and not in between.
func TestGateLogsOnlyChanges(t *testing.T) {
	var text bytes.Buffer
	withLog := func(s *Settings) { s.Logger = log.NewLogfmtLogger(&text) }
	inBubble(t, withLog, func(t *testing.T, gate *gate, backend *fakeHub) {
		step := func(reason hub.Reason, scrapes int) {
			backend.set(func(f *fakeHub) { f.err = nil })
			if reason != "" {
				backend.failWith(reason)
			}
			for range scrapes {
				time.Sleep(5 * time.Minute)
				scrape(t, gate)
			}
		}
		step("", 3)
		step(hub.ReasonTimeout, 5)
		step(hub.ReasonIPNotAllowed, 5)
		step(hub.ReasonClosed, 5)
		step("", 3)
		want := []string{
			`level=warn msg="remaining limit could not be asked" merchant=store reason=timeout`,
			`level=warn msg="remaining limit could not be asked" merchant=store reason=ip_not_allowed`,
			`level=warn msg="remaining limit could not be asked" merchant=store reason=closed`,
			`level=info msg="remaining limit is known again" merchant=store failing_for=1h15m0s`,
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("logged:\n%s", text.String())
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], want[i]) {
				t.Errorf("line %d is %s, want %s", i, lines[i], want[i])
			}
		}
		if !strings.Contains(lines[1], "White IP list") {
			t.Errorf("nobody is told what to do: %s", lines[1])
		}
		if !strings.Contains(lines[2], "wait until it opens again") {
			t.Errorf("nobody is told to wait: %s", lines[2])
		}
	})
}

// What to do is logged in the language that is set; the rest stays as programs look for it.
func TestGateLogsWhatToDoInItsLanguage(t *testing.T) {
	var text bytes.Buffer
	inKorean := func(s *Settings) { s.Logger, s.Language = log.NewLogfmtLogger(&text), lang.Korean }
	inBubble(t, inKorean, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.failWith(hub.ReasonIPNotAllowed)
		scrape(t, gate)
		if line := text.String(); !strings.Contains(line, "reason=ip_not_allowed") || !strings.Contains(line, `action="이 서버에서`) {
			t.Errorf("logged: %s", line)
		}
	})
}

// A name and an interval can change while the gate goes on.
func TestGateConfigure(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *gate, backend *fakeHub) {
		scrape(t, gate)
		gate.configure(named("renamed"), time.Minute)
		time.Sleep(59 * time.Second)
		if s := scrape(t, gate); backend.queries() != 1 || !s.Known {
			t.Errorf("%d queries, %+v", backend.queries(), s)
		}
		time.Sleep(time.Second)
		if scrape(t, gate); backend.queries() != 2 {
			t.Errorf("%d queries after the new interval", backend.queries())
		}
	})
}
