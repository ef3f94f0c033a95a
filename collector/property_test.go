package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"payple_exporter/hub"
)

// The gate under random schedules: scrapes with much and with little time,
// every failure, slow answers, new keys, new intervals, and clocks that are
// set, in any order. A model beside it, which knows nothing of how the gate
// works, says what each scrape must and must not see:
//
//   - no merchant is asked twice within its interval, nor within a backoff or
//     what the hub asked to wait, nor twice at once;
//   - a gate is closed no longer than the cap of its failure;
//   - a snapshot describes the latest query that has ended: up, reason, figures,
//     times and counters;
//   - figures are those of the latest success, and shown for exactly as long as
//     they may be;
//   - a scrape leaves when its query ends or its own time does, whichever is
//     first; a query that has begun ends, and its result is kept;
//   - every scrape is counted once, for the cause that it was answered by.
//
// All on a fake clock: go test ./collector -run TestGateKeepsItsPromises -rapid.checks=10000
func TestGateKeepsItsPromises(t *testing.T) {
	t.Parallel()
	base := time.Now()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			// A bubble's clock stops when its test ends, however that is, and
			// scrapes under way would hang.
			defer time.Sleep(3 * time.Minute)
			w := newWorld(rt, base)
			rt.Repeat(map[string]func(*rapid.T){
				"":          w.check,
				"scrape":    w.scrape,
				"crowd":     w.crowd,
				"wait":      w.wait,
				"persist":   w.persist,
				"brink":     w.brink,
				"hub":       w.hub,
				"key":       w.newKey,
				"configure": w.configure,
				"clock":     w.stepClock,
			})
			w.end(rt)
		})
	})
}

// world is a process: some gates, the hub behind them, and the clock.
type world struct {
	settings Settings
	shops    []*shop

	mu     sync.Mutex // guards all below, and what shops say it guards
	clock  steppedClock
	faults []string // what goroutines have found
	busy   int      // queries under way
	slots  int
}

// attempt is one query, as the hub saw it. Times count from the world's start.
type attempt struct {
	began, ended time.Duration
	endedWall    time.Duration // the same by the wall clock
	done         bool
	limit        hub.Limit
	failure      *hub.Error // nil: it succeeded
}

// shop is one merchant: its gate, and the model of what that may do.
type shop struct {
	w    *world
	gate *gate

	// Guarded by w.mu.
	latency   time.Duration // of the next answer
	answer    error         // the next answer; nil for figures
	key, used int
	attempts  []attempt
	interval  time.Duration
	// The least and the greatest interval in force since the latest query
	// began, and since the latest success.
	sinceQuery, sinceSuccess spread
	// streak counts the failures since the latest success, and calm those of
	// them since a new key was taken up, with which the gate may begin again.
	streak, calm int
	begun        int // scrapes that have begun a query
	counts       CauseCounts
}

type spread struct{ least, most time.Duration }

func (s *spread) add(d time.Duration) { s.least, s.most = min(s.least, d), max(s.most, d) }

// quarters gives a jitter that keeps all times whole milliseconds, so that
// nothing ever coincides with the end of a scrape, half a millisecond apart.
func quarters() *rapid.Generator[float64] { return rapid.SampledFrom([]float64{0, 0.25, 0.5, 0.75}) }

func intervals() *rapid.Generator[time.Duration] {
	return rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, time.Hour})
}

func newWorld(rt *rapid.T, base time.Time) *world {
	w := &world{
		slots: rapid.SampledFrom([]int{1, 2, 32}).Draw(rt, "slots"),
		clock: steppedClock{base: base, start: time.Now()},
	}
	jitter := quarters().Draw(rt, "jitter")
	w.settings = Settings{
		MinInterval: intervals().Draw(rt, "interval"),
		MaxAge:      rapid.SampledFrom([]time.Duration{5 * time.Minute, 0, time.Second}).Draw(rt, "max age"),
		Timeout:     5 * time.Second,
		Limiter:     NewLimiter(w.slots, 0),
		Now:         w.now,
		Jitter:      func() float64 { return jitter },
	}
	for i := range rapid.IntRange(1, 3).Draw(rt, "merchants") {
		s := &shop{w: w, interval: w.settings.MinInterval}
		s.sinceQuery, s.sinceSuccess = spread{s.interval, s.interval}, spread{s.interval, s.interval}
		s.gate = newGate(named(fmt.Sprint("m", i)), s, w.settings)
		w.shops = append(w.shops, s)
	}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock.now()
}

// since returns how long the world has been, on the clock that nobody sets.
func (w *world) since() time.Duration { return time.Since(w.clock.start) }

// fault notes what a goroutine has found wrong. mu must be held.
func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("at %s: ", w.since())+fmt.Sprintf(format, args...))
}

// ---- the hub's side

func (s *shop) Remain(ctx context.Context) (hub.Limit, error) {
	n, latency := s.beginAttempt()
	var late error
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		late = &hub.Error{Reason: hub.ReasonTimeout}
	}
	return s.endAttempt(n, late)
}

func (s *shop) beginAttempt() (n int, latency time.Duration) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	now := s.w.since()
	if s.w.busy++; s.w.busy > s.w.slots {
		s.w.fault("%d queries at once, want at most %d", s.w.busy, s.w.slots)
	}
	if n = len(s.attempts); n > 0 {
		last := s.attempts[n-1]
		switch earliest := s.earliest(last); {
		case !last.done:
			s.w.fault("asked while it is being asked")
		case now < earliest:
			s.w.fault("asked at %s, %s too early, after %+v", now, earliest-now, last)
		}
	}
	s.attempts = append(s.attempts, attempt{began: now})
	if s.used != s.key {
		s.used, s.calm = s.key, 0
	}
	s.sinceQuery = spread{s.interval, s.interval}
	return n, s.latency
}

// earliest returns the first moment at which the merchant may be asked again.
func (s *shop) earliest(last attempt) time.Duration {
	at := last.began + s.sinceQuery.least
	if last.failure == nil {
		return at
	}
	at = max(at, last.asksBack())
	if s.keyIsNew(last) {
		return at
	}
	backoff := min(s.sinceSuccess.least<<min(20, max(1, s.calm)), capOf(last.failure.Reason))
	return max(at, last.began+backoff*4/5)
}

// latest returns the moment by which the gate must be open again.
func (s *shop) latest(last attempt) time.Duration {
	at := last.began + s.interval
	if last.failure == nil {
		return at
	}
	at = max(at, last.asksBack())
	if s.keyIsNew(last) {
		return at
	}
	backoff := min(s.sinceSuccess.most<<min(20, s.streak), capOf(last.failure.Reason))
	return max(at, last.began+backoff)
}

// keyIsNew reports whether there is another key since the hub refused the last.
func (s *shop) keyIsNew(last attempt) bool {
	return last.failure != nil && needsPersonAgain(last.failure.Reason) && s.key != s.used
}

// asksBack returns when the hub wants to be asked again after a failure: a
// Retry-After holds whatever becomes of the key.
func (a attempt) asksBack() time.Duration { return a.ended + min(a.failure.RetryAfter, 5*time.Minute) }

// capOf and needsPersonAgain are the contract's, written down a second time.
func capOf(reason hub.Reason) time.Duration {
	if needsPersonAgain(reason) {
		return 5 * time.Minute
	}
	return time.Minute
}

func needsPersonAgain(reason hub.Reason) bool {
	return slices.Contains([]hub.Reason{"auth", "ip_not_allowed", "config"}, reason)
}

func (s *shop) endAttempt(n int, late error) (hub.Limit, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.busy--
	a := &s.attempts[n]
	a.ended, a.done = s.w.since(), true
	a.endedWall = a.ended + s.w.clock.off
	if took := a.ended - a.began; took > s.w.settings.Timeout {
		s.w.fault("a query took %s", took)
	}
	err := s.answer
	if late != nil {
		err = late
	}
	if err == nil {
		a.limit = hub.Limit{Remain: hub.Won(n + 1), TotalAccount: hub.Won(a.ended), TotalTransfer: hub.Won(n % 3)}
		s.streak, s.calm, s.sinceSuccess = 0, 0, spread{s.interval, s.interval}
		return a.limit, nil
	}
	if !errors.As(err, &a.failure) {
		a.failure = &hub.Error{Reason: hub.ReasonNetwork} // an error of unknown make counts as this
	}
	s.streak++
	s.calm++
	// Figures beside an error must never be believed.
	return hub.Limit{Remain: 666}, err
}

func (s *shop) KeyChanged(context.Context) bool {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if n := len(s.attempts); n > 0 && !s.attempts[n-1].done {
		s.w.fault("the key is asked for during a query, which would make the scrape wait for the query")
	}
	return s.key != s.used
}

func (*shop) SetKey(hub.Key) {}

func (s *shop) Needs(context.Context) int { return 2 }

func (s *shop) Sent() uint64 {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return 2 * uint64(len(s.attempts))
}

// ---- what happens

func (w *world) shop(rt *rapid.T) *shop {
	return w.shops[rapid.IntRange(0, len(w.shops)-1).Draw(rt, "merchant")]
}

// deadlines are never a whole number of milliseconds: see quarters.
func deadlines() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.SampledFrom([]int{0, 1, 100, 1500, 4999, 9500, 60_000}), func(ms int) time.Duration {
		return time.Duration(ms)*time.Millisecond + 500*time.Microsecond
	})
}

func (w *world) scrape(rt *rapid.T) { w.shop(rt).visit(deadlines().Draw(rt, "time")) }

// crowd is a scrape of all merchants, by two scrapers.
func (w *world) crowd(rt *rapid.T) {
	deadline := deadlines().Draw(rt, "time")
	for _, s := range w.shops {
		s.visit(deadline)
		s.visit(deadline)
	}
}

// visit is one scrape. The verdict at the gate is checked here, and what it
// sees when it leaves in a goroutine of its own.
func (s *shop) visit(deadline time.Duration) {
	synctest.Wait()
	before := s.look()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	v := s.gate.enter(ctx).retry(ctx)
	s.verdict(v, before)
	go func() {
		defer cancel()
		snapshot := v.snapshot(ctx)
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.left(v, snapshot, before.at+deadline, before.ended+1)
	}()
}

// sight is what there is to see when a scrape comes, before it enters: a query
// that it begins may have ended in the same moment.
type sight struct {
	at     time.Duration
	ended  int // queries
	last   attempt
	newKey bool
	// latest is when the gate has to be open, opens how long it says that it
	// takes.
	latest, opens time.Duration
}

func (s *shop) look() sight {
	opens := s.gate.backoff.opens().Sub(s.w.now()) // nobody else is at the gate
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	before := sight{at: s.w.since(), opens: opens}
	if before.ended = s.ended(before.at); before.ended > 0 {
		before.last = s.attempts[before.ended-1]
		before.newKey, before.latest = s.keyIsNew(before.last), s.latest(before.last)
	}
	return before
}

// verdict checks what the gate decided.
func (s *shop) verdict(v visit, before sight) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	running := s.begun > before.ended
	last := before.last
	within := before.ended > 0 && before.at < last.began+s.interval
	switch {
	case running != (v.cause == CauseShared):
		s.w.fault("verdict %q, a query is running: %t", v.cause, running)
	case running:
	case within != (v.cause == CauseMinInterval):
		s.w.fault("verdict %q, the latest query began %s ago, the interval is %s", v.cause, before.at-last.began, s.interval)
	case v.cause == CauseBackoff && (last.failure == nil || before.at >= before.latest):
		s.w.fault("closed for a backoff after %+v, new key %t; it had to open at %s", last, before.newKey, before.latest)
	case !before.newKey && before.ended > 0 && (v.cause == causeNone) != (before.opens <= 0):
		s.w.fault("verdict %q, though it said that it opens in %s", v.cause, before.opens)
	}
	if (v.running == nil) != (v.cause == CauseMinInterval || v.cause == CauseBackoff) {
		s.w.fault("verdict %q: waits %t", v.cause, v.running != nil)
	}
	if v.cause == causeNone {
		s.begun++
	}
}

// ended counts the queries that have ended by then.
func (s *shop) ended(by time.Duration) (n int) {
	for _, a := range s.attempts {
		if a.done && a.ended <= by {
			n++
		}
	}
	return n
}

// left checks what a scrape was answered, and counts it.
func (s *shop) left(v visit, got Snapshot, deadline time.Duration, joined int) {
	now := s.w.since()
	cause := v.cause
	switch {
	case v.running == nil:
	case now > deadline:
		s.w.fault("a scrape left %s after its time", now-deadline)
	case now == deadline:
		cause = CauseDeadline
	case got.Queries < uint64(joined):
		s.w.fault("a scrape left %s before its time, when %d queries had ended and not %d", deadline-now, got.Queries, joined)
	}
	if cause != causeNone {
		s.counts[cause]++
	}
	// A query that ends now may have been kept already, or not yet.
	if lo, hi := s.ended(now-1), s.ended(now); got.Queries < uint64(lo) || got.Queries > uint64(hi) {
		s.w.fault("%d queries are told, %d to %d have ended: a result is lost", got.Queries, lo, hi)
		return
	}
	want := s.expect(int(got.Queries), now)
	got.FromMemory = CauseCounts{}
	if known := !got.NextQuery.IsZero(); known != (len(s.attempts) > 0) {
		s.w.fault("next query %s", got.NextQuery)
	}
	got.NextQuery = time.Time{}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		s.w.fault("a scrape saw\n%+v, want\n%+v", got, want)
	}
}

// expect returns the snapshot after so many queries.
func (s *shop) expect(queries int, now time.Duration) Snapshot {
	want := Snapshot{Queries: uint64(queries), Attempted: queries > 0}
	var success attempt
	for i, a := range s.attempts[:queries] {
		want.Duration = a.ended - a.began
		if a.failure == nil {
			if success.done {
				want.Outflow += max(0, a.limit.TotalTransfer-success.limit.TotalTransfer)
				want.Inflow += max(0, a.limit.TotalAccount-success.limit.TotalAccount)
			}
			success, want.Failure, want.FailingSince = a, nil, time.Time{}
			want.LastSuccess = s.w.clock.at(a.ended, a.endedWall-a.ended)
			continue
		}
		if want.Failure == nil {
			want.FailingSince = s.w.clock.at(a.ended, a.endedWall-a.ended)
		}
		want.Failures++
		want.Failure = s.attempts[i].failure
	}
	want.Up = want.Attempted && want.Failure == nil
	if success.done {
		limit := s.w.settings.MaxAge
		if want.Up {
			limit = max(limit, s.interval)
		}
		old := max(now-success.ended, now+s.w.clock.off-success.endedWall)
		if old <= limit && (want.Up || limit > 0) {
			want.Known, want.Limit = true, success.limit
		}
	}
	return want
}

func (w *world) wait(rt *rapid.T) {
	most := rapid.SampledFrom([]int{50, 5_000, 60_000, 600_000}).Draw(rt, "up to ms")
	time.Sleep(time.Duration(rapid.IntRange(0, most).Draw(rt, "ms")) * time.Millisecond)
}

// brink waits until a moment before, or at, or after a gate opens, or has to,
// or its figures get too old.
func (w *world) brink(rt *rapid.T) {
	s := w.shop(rt)
	s.gate.mu.Lock()
	at := s.gate.backoff.opens().Sub(w.now())
	old := s.gate.memory.lastSuccess.Add(max(w.settings.MaxAge, s.gate.settings.MinInterval)).Sub(w.now())
	s.gate.mu.Unlock()
	switch rapid.SampledFrom([]string{"opens", "must open", "old"}).Draw(rt, "brink") {
	case "must open":
		at = s.rest()
	case "old":
		at = old
	}
	at += time.Duration(rapid.IntRange(-1, 1).Draw(rt, "ms")) * time.Millisecond
	if at > 0 && at <= time.Hour {
		time.Sleep(at)
	}
}

// rest returns how long it takes until the gate has to be open.
func (s *shop) rest() time.Duration {
	synctest.Wait()
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if len(s.attempts) == 0 {
		return 0
	}
	return s.latest(s.attempts[len(s.attempts)-1]) - s.w.since()
}

// persist scrapes a merchant several times, each time when the gate has opened
// of itself or has to be open, as backoffs grow.
func (w *world) persist(rt *rapid.T) {
	s, opens := w.shop(rt), rapid.Bool().Draw(rt, "opens")
	for range rapid.IntRange(1, 8).Draw(rt, "times") {
		rest := s.rest()
		if opens {
			s.gate.mu.Lock()
			rest = s.gate.backoff.opens().Sub(w.now())
			s.gate.mu.Unlock()
		}
		if rest > 10*time.Minute {
			return
		}
		time.Sleep(max(0, rest))
		s.visit(9500*time.Millisecond + 500*time.Microsecond)
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *world) hub(rt *rapid.T) {
	s := w.shop(rt)
	latency := rapid.SampledFrom([]int{0, 1, 80, 2_000, 4_999, 5_001, 3_600_000}).Draw(rt, "latency in ms")
	var answer error
	switch reason := rapid.SampledFrom(append(hub.Reasons(), "", "", "", "", "foreign")).Draw(rt, "reason"); reason {
	case "":
	case "foreign":
		answer = errors.New("of a make that the gate does not know")
	default:
		answer = &hub.Error{
			Reason:     reason,
			RetryAfter: rapid.SampledFrom([]time.Duration{0, 0, time.Second, 90 * time.Second, time.Hour}).Draw(rt, "retry after"),
		}
	}
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	s.latency, s.answer = time.Duration(latency)*time.Millisecond, answer
}

func (w *world) newKey(rt *rapid.T) {
	s := w.shop(rt)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	s.key++
}

// configure is a reload, of one merchant or of all.
func (w *world) configure(rt *rapid.T) {
	interval, one, all := intervals().Draw(rt, "interval"), w.shop(rt), rapid.Bool().Draw(rt, "all")
	synctest.Wait()
	for _, s := range w.shops {
		if s != one && !all {
			continue
		}
		s.gate.configure(named("renamed"), interval)
		w.mu.Lock()
		s.interval = interval
		s.sinceQuery.add(interval)
		s.sinceSuccess.add(interval)
		w.mu.Unlock()
	}
}

// stepClock is NTP, a person, or a machine that was suspended for a while.
func (w *world) stepClock(rt *rapid.T) {
	by := rapid.SampledFrom([]time.Duration{
		time.Second, -time.Second, 30 * time.Second, -5 * time.Minute, 5 * time.Minute, 8 * time.Hour, -time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour,
	}).Draw(rt, "by")
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.step(by)
}

// ---- what must hold

// check reports what goroutines have found.
func (w *world) check(rt *rapid.T) {
	synctest.Wait()
	w.mu.Lock()
	faults := slices.Clone(w.faults)
	w.mu.Unlock()
	if len(faults) == 0 {
		return
	}
	rt.Fatal(strings.Join(faults, "\n"))
}

// end lets everything come to rest: what was begun has ended, every scrape was
// counted, and the hub, well again, is asked again by the time that it must be.
func (w *world) end(rt *rapid.T) {
	time.Sleep(2 * time.Minute) // more than the longest scrape, and all queries one after the other
	w.check(rt)
	for i, s := range w.shops {
		w.mu.Lock()
		if s.begun != len(s.attempts) || w.busy != 0 || s.ended(w.since()) != s.begun {
			rt.Errorf("merchant %d: %d queries begun, %d seen, %d ended", i, s.begun, len(s.attempts), s.ended(w.since()))
		}
		if counts := s.gate.memory.fromMemory; counts != s.counts {
			rt.Errorf("merchant %d: scrapes from memory %v, want %v", i, counts, s.counts)
		}
		s.answer, s.latency = nil, 0
		w.mu.Unlock()
		time.Sleep(max(0, s.rest()))
		s.visit(time.Second + 500*time.Microsecond)
		time.Sleep(2 * time.Second)
		w.check(rt)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		snapshot := s.gate.Snapshot(ctx)
		cancel()
		if !snapshot.Up || snapshot.Failure != nil || snapshot.Limit.Remain != hub.Won(len(s.attempts)) && snapshot.Known {
			rt.Errorf("merchant %d: the hub is well, and still %+v", i, snapshot)
		}
	}
}
