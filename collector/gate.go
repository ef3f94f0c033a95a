package collector

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
)

// Querier asks the hub for one merchant. [hub.Session] is one.
type Querier interface {
	// Remain asks how much the merchant may still pay out. Its error is a
	// *hub.Error.
	Remain(ctx context.Context) (hub.Limit, error)
	// SetKey replaces the key, which may belong to another token.
	SetKey(key hub.Key)
	// KeyChanged reports whether the key differs from the one last used.
	KeyChanged(ctx context.Context) bool
	// Needs returns how many requests the next query takes if all goes well.
	Needs(ctx context.Context) int
	// Sent counts all requests so far.
	Sent() uint64
}

// Settings are what all gates have in common.
type Settings struct {
	// MinInterval is how often a merchant is asked at most.
	MinInterval time.Duration
	// MaxAge is how old a figure may be served; 0 means never after a failure.
	MaxAge time.Duration
	// Timeout is for one query, both steps.
	Timeout time.Duration
	// Limiter is for all merchants together.
	Limiter *Limiter
	// Logger gets a line when a merchant's failure begins, changes and ends.
	Logger log.Logger
	// Language is that of what the log says a person must do; English if it is
	// not set.
	Language lang.Language
	// Now returns the time; nil means time.Now.
	Now func() time.Time
	// Jitter returns a number in [0, 1); nil means math/rand.
	Jitter func() float64
}

// withDefaults fills in what may be left out.
func (s Settings) withDefaults() Settings {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Jitter == nil {
		s.Jitter = rand.Float64
	}
	if s.Logger == nil {
		s.Logger = log.NewNopLogger()
	}
	if s.Limiter == nil {
		s.Limiter = NewLimiter(1, 0)
	}
	return s
}

// gate stands between scrapes and the hub for one merchant: it decides when to
// ask, lets all scrapes share one query, and keeps what was last learned. It
// is safe for use by many goroutines.
type gate struct {
	began time.Time // when its counters were 0

	querier  Querier
	settings Settings

	mu        sync.Mutex
	name      string // of the merchant, for the log
	keySource hub.KeySource
	// running is closed when the query that is under way has ended; nil if
	// none is.
	running chan struct{}
	backoff *backoff
	memory  memory
	history history.History // beside memory, which snapshots copy
}

// memory is what a gate knows of its merchant.
type memory struct {
	limit       hub.Limit
	lastSuccess time.Time  // zero before the first
	failure     *hub.Error // of the latest attempt; nil if it succeeded
	since       time.Time  // when the failure began
	duration    time.Duration
	queries     uint64
	failures    uint64
	fromMemory  CauseCounts
	// outflow and inflow are the sums of all rises of the totals seen so far.
	outflow, inflow hub.Won
}

// newGate returns a gate for a merchant, which has not been asked for yet.
func newGate(m config.Merchant, querier Querier, settings Settings) *gate {
	settings = settings.withDefaults()
	return &gate{
		name: m.Name, keySource: m.Key.Source(), querier: querier, settings: settings,
		backoff: newBackoff(settings.MinInterval, settings.Jitter), began: settings.Now(),
	}
}

// configure changes what a configuration may change of a gate that goes on: the
// merchant's name in the log, where its key comes from, and how often it is
// asked at most.
func (g *gate) configure(m config.Merchant, minInterval time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if source := m.Key.Source(); source != g.keySource {
		g.querier.SetKey(m.Key)
		g.keySource = source
	}
	g.name, g.settings.MinInterval = m.Name, minInterval
	g.backoff.setInterval(minInterval)
}

// resting reports whether forgetting the gate would let the hub be asked too
// soon: a query is under way, or the gate is closed.
func (g *gate) resting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running != nil || g.backoff.closed(g.settings.Now()) != causeNone
}

// visit is one scrape at a gate: entered, and not yet answered. The parts are
// separate so that a scrape enters all its gates before it waits at any.
type visit struct {
	gate    *gate
	running <-chan struct{} // to wait for; nil: memory answers
	cause   Cause
	// refused says that the gate is closed for what only a person can repair.
	refused bool
}

// enter begins a query, joins the one under way, or finds the gate closed. It
// never waits.
func (g *gate) enter(ctx context.Context) visit {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil {
		return visit{gate: g, running: g.running, cause: CauseShared}
	}
	failure := g.memory.failure
	if cause := g.backoff.closed(g.settings.Now()); cause != causeNone {
		return visit{gate: g, cause: cause, refused: cause == CauseBackoff && failure != nil && failure.Reason.NeedsPerson()}
	}
	g.running = make(chan struct{})
	// The query outlives the scrape that began it: its answer is good for the
	// next one, and a scraper that leaves early must not make others fail.
	ctx = context.WithoutCancel(ctx)
	g.settings.Limiter.start(failure != nil, func() { g.query(ctx) })
	return visit{gate: g, running: g.running}
}

// retry enters a gate again that was closed for what only a person can repair,
// if a person has changed the key since. It may wait for a disk.
func (v visit) retry(ctx context.Context) visit {
	if !v.refused || !v.gate.querier.KeyChanged(ctx) {
		return v
	}
	v.gate.reopen()
	return v.gate.enter(ctx)
}

func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.backoff.reopen()
}

// query asks the hub once. It runs when the limiter has a place for it.
func (g *gate) query(ctx context.Context) {
	needs := g.querier.Needs(ctx)
	err := g.settings.Limiter.waitForRequests(ctx, needs)
	began := g.begin()
	if err != nil { // not while ctx has no end, as it has none here
		g.end(began, hub.Limit{}, err)
		return
	}
	sent := g.querier.Sent()
	ctx, cancel := context.WithTimeout(ctx, g.settings.Timeout)
	limit, err := g.querier.Remain(ctx)
	cancel()
	g.settings.Limiter.countExtraRequests(int(g.querier.Sent()-sent) - needs) //nolint:gosec // a handful
	g.end(began, limit, err)
}

// begin notes that the query starts now, after it has waited for its turn.
func (g *gate) begin() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	began := g.settings.Now()
	g.backoff.began(began)
	return began
}

// end keeps what a query has brought and lets the waiting scrapes go on.
func (g *gate) end(began time.Time, limit hub.Limit, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.settings.Now()
	before := g.memory.failure
	since := g.memory.since
	g.memory.queries++
	g.memory.duration = now.Sub(began)
	if err == nil {
		g.memory.flow(limit)
		g.memory.limit, g.memory.lastSuccess, g.memory.failure = limit, now, nil
		g.history.Add(now, limit, max(history.Gap, 3*g.settings.MinInterval))
		g.backoff.succeeded()
	} else {
		g.fail(now, asFailure(err))
	}
	close(g.running)
	g.running = nil
	g.report(before, now.Sub(since))
}

// flow adds what the totals have risen by since the last answer. A fall, by a
// reversal or a restart of the totals, adds nothing, and the first answer has
// nothing to be compared with.
func (m *memory) flow(limit hub.Limit) {
	if m.lastSuccess.IsZero() {
		return
	}
	m.outflow += max(0, limit.TotalTransfer-m.limit.TotalTransfer)
	m.inflow += max(0, limit.TotalAccount-m.limit.TotalAccount)
}

// fail keeps a failure, and the figures of the last success beside it.
func (g *gate) fail(now time.Time, failure *hub.Error) {
	if g.memory.failure == nil {
		g.memory.since = now
	}
	g.memory.failures++
	g.memory.failure = failure
	g.history.Miss()
	g.backoff.failed(now, failure.Reason, failure.RetryAfter)
}

// asFailure returns err as what package hub promises it to be.
func asFailure(err error) *hub.Error {
	var failure *hub.Error
	if !errors.As(err, &failure) {
		// Not err itself: only *hub.Error is known to hold no secret.
		return &hub.Error{Reason: hub.ReasonNetwork}
	}
	return failure
}

// report logs where a failure begins, changes its reason or its code, or ends,
// and nothing in between: a hub that is down for a night is two lines.
func (g *gate) report(before *hub.Error, lasted time.Duration) {
	now := g.memory.failure
	switch {
	case now == nil && before != nil:
		_ = level.Info(g.settings.Logger).Log(
			"msg", "remaining limit is known again", "merchant", g.name, "failing_for", lasted.Round(time.Millisecond))
	case now != nil && (before == nil || before.Reason != now.Reason || before.Code != now.Code):
		_ = level.Warn(g.settings.Logger).Log(
			"msg", "remaining limit could not be asked", "merchant", g.name, "reason", now.Reason, "err", now, "action", advice.Action(now).In(g.settings.Language),
			"next_query", g.backoff.opens().UTC().Format(time.RFC3339))
	}
}

// snapshot waits for the query that the visit began or joined, but no longer
// than ctx, and returns what is known then.
func (v visit) snapshot(ctx context.Context) Snapshot {
	cause := v.cause
	if v.running != nil {
		select {
		case <-v.running:
		case <-ctx.Done():
			cause = v.late()
		}
	}
	return v.gate.leave(cause)
}

// late returns the cause for a visit whose time is over. The query may have
// ended in the same moment, and then it counts.
func (v visit) late() Cause {
	select {
	case <-v.running:
		return v.cause
	default:
		return CauseDeadline
	}
}

// leave counts the scrape and returns what is known.
func (g *gate) leave(cause Cause) Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cause != causeNone {
		g.memory.fromMemory[cause]++
	}
	return g.snapshot(g.settings.Now())
}
