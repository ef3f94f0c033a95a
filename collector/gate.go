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
)

// Merchant is how a merchant is labelled and measured.
type Merchant struct {
	Name  string // label merchant
	CstID string // label cst_id
	Hub   string // label hub: real, test, demo, or a host
	// Thresholds are exposed for alert rules to compare with.
	Thresholds config.Levels
}

// Querier asks the hub for one merchant. [hub.Session] is one.
type Querier interface {
	// Remain asks how much the merchant may still pay out. Its error is a
	// *hub.Error.
	Remain(ctx context.Context) (hub.Limit, error)
	// KeyChanged tells whether the key differs from the one last used.
	KeyChanged(ctx context.Context) bool
	// Needs tells how many requests the next query takes if all goes well.
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
	// Bounds hold for all merchants together.
	Bounds *Bounds
	// Logger is told when a merchant's failure begins, changes and ends.
	Logger log.Logger
	// Now tells the time; nil means time.Now.
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
	if s.Bounds == nil {
		s.Bounds = NewBounds(1, 0)
	}
	return s
}

// Gate stands between scrapes and the hub for one merchant: it decides when to
// ask, lets all scrapes share one query, and keeps what was last learned. It
// is safe for use by many goroutines.
type Gate struct {
	name     string // of the merchant, for the log
	querier  Querier
	settings Settings

	mu sync.Mutex
	// running is closed when the query that is under way has ended; nil if
	// none is.
	running chan struct{}
	pace    *pace
	memory  memory
	history history // beside memory, which snapshots copy
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
}

// NewGate returns a gate for the merchant of that name, which has not asked yet.
func NewGate(name string, querier Querier, settings Settings) *Gate {
	settings = settings.withDefaults()
	return &Gate{
		name: name, querier: querier, settings: settings,
		pace: newPace(settings.MinInterval, settings.Jitter),
	}
}

// Configure changes what a configuration may change of a gate that goes on: the
// merchant's name in the log, and how often it is asked at most.
func (g *Gate) Configure(name string, minInterval time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.name, g.settings.MinInterval = name, minInterval
	g.pace.setInterval(minInterval)
}

// Resting tells whether forgetting the gate would let the hub be asked too
// soon: a query is under way, or the merchant's turn has not come again.
func (g *Gate) Resting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running != nil || g.pace.closed(g.settings.Now()) != causeNone
}

// Snapshot returns what is known of the merchant, after asking the hub if its
// turn has come. It waits for an answer no longer than ctx.
func (g *Gate) Snapshot(ctx context.Context) Snapshot {
	return g.enter(ctx).again(ctx).snapshot(ctx)
}

// visit is one scrape at a gate: entered, and not yet answered. The parts are
// separate so that a scrape enters all its gates before it waits at any.
type visit struct {
	gate    *Gate
	running <-chan struct{} // to wait for; nil: memory answers
	cause   Cause
	// refused tells that the gate is closed for what only a person can mend.
	refused bool
}

// enter begins a query, joins the one under way, or finds the gate closed. It
// never waits.
func (g *Gate) enter(ctx context.Context) visit {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running != nil {
		return visit{gate: g, running: g.running, cause: CauseShared}
	}
	failure := g.memory.failure
	if cause := g.pace.closed(g.settings.Now()); cause != causeNone {
		return visit{gate: g, cause: cause, refused: cause == CauseBackoff && failure != nil && failure.Reason.NeedsPerson()}
	}
	g.running = make(chan struct{})
	// The query outlives the scrape that began it: its answer is good for the
	// next one, and a scraper that leaves early must not make others fail.
	ctx = context.WithoutCancel(ctx)
	g.settings.Bounds.do(failure != nil, func() { g.query(ctx) })
	return visit{gate: g, running: g.running}
}

// again enters a gate anew that was found closed for what only a person can
// mend, if a person has changed the key since. It may wait for a disk.
func (v visit) again(ctx context.Context) visit {
	if !v.refused || !v.gate.querier.KeyChanged(ctx) {
		return v
	}
	v.gate.reopen()
	return v.gate.enter(ctx)
}

func (g *Gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace.reopen()
}

// query asks the hub once. It runs when the bounds of the process let it.
func (g *Gate) query(ctx context.Context) {
	needs := g.querier.Needs(ctx)
	err := g.settings.Bounds.await(ctx, needs)
	began := g.begin()
	if err != nil { // not while ctx has no end, as it has none here
		g.end(began, hub.Limit{}, err)
		return
	}
	sent := g.querier.Sent()
	ctx, cancel := context.WithTimeout(ctx, g.settings.Timeout)
	limit, err := g.querier.Remain(ctx)
	cancel()
	g.settings.Bounds.exceed(int(g.querier.Sent()-sent) - needs) //nolint:gosec // a handful
	g.end(began, limit, err)
}

// begin notes that the query starts now, after it has waited for its turn.
func (g *Gate) begin() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	began := g.settings.Now()
	g.pace.began(began)
	return began
}

// end keeps what a query has brought and lets the waiting scrapes go on.
func (g *Gate) end(began time.Time, limit hub.Limit, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.settings.Now()
	before := g.memory.failure
	since := g.memory.since
	g.memory.queries++
	g.memory.duration = now.Sub(began)
	if err == nil {
		g.memory.limit, g.memory.lastSuccess, g.memory.failure = limit, now, nil
		g.history.add(now, limit, max(historyGap, 3*g.settings.MinInterval))
		g.pace.succeeded()
	} else {
		g.fail(now, asFailure(err))
	}
	close(g.running)
	g.running = nil
	g.report(before, now.Sub(since))
}

// fail keeps a failure, and the figures of the last success beside it.
func (g *Gate) fail(now time.Time, failure *hub.Error) {
	if g.memory.failure == nil {
		g.memory.since = now
	}
	g.memory.failures++
	g.memory.failure = failure
	g.history.miss()
	g.pace.failed(now, failure.Reason, failure.RetryAfter)
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
func (g *Gate) report(before *hub.Error, lasted time.Duration) {
	now := g.memory.failure
	switch {
	case now == nil && before != nil:
		_ = level.Info(g.settings.Logger).Log(
			"msg", "remaining limit is known again", "merchant", g.name, "failing_for", lasted.Round(time.Millisecond))
	case now != nil && (before == nil || before.Reason != now.Reason || before.Code != now.Code):
		_ = level.Warn(g.settings.Logger).Log(
			"msg", "remaining limit could not be asked", "merchant", g.name, "reason", now.Reason, "err", now, "action", advice.Action(now).English,
			"next_query", g.pace.opens().UTC().Format(time.RFC3339))
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
func (g *Gate) leave(cause Cause) Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	if cause != causeNone {
		g.memory.fromMemory[cause]++
	}
	return g.snapshot(g.settings.Now())
}
