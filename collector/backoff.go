package collector

import (
	"math"
	"time"

	exponential "github.com/cenkalti/backoff/v5"

	"payple_exporter/hub"
)

// Cause is why a scrape was answered from memory.
type Cause uint8

// The causes. They are numbers so that counting them costs a scrape nothing.
const (
	causeNone        Cause = iota // the scrape began a query of its own
	CauseMinInterval              // the merchant was asked a moment ago
	CauseBackoff                  // the latest queries failed
	CauseShared                   // a query was under way, and its answer served this scrape too
	CauseDeadline                 // the scrape had to be answered before the hub did
	causeEnd
)

// Causes returns all causes, in the order of the documentation.
func Causes() []Cause {
	return []Cause{CauseMinInterval, CauseBackoff, CauseShared, CauseDeadline}
}

// String returns the cause as the metric payple_scrapes_from_memory_total
// names it.
func (c Cause) String() string {
	switch c {
	case CauseMinInterval:
		return "min_interval"
	case CauseBackoff:
		return "backoff"
	case CauseShared:
		return "shared"
	case CauseDeadline:
		return "deadline"
	case causeNone, causeEnd:
	}
	return ""
}

// CauseCounts counts scrapes by cause.
type CauseCounts [causeEnd]uint64

// How long a merchant that fails is left in peace at the most.
const (
	maxBackoff = time.Minute
	// maxLongBackoff is for what only a person can repair. Asking with a refused
	// key over and over may get an account locked.
	maxLongBackoff = 5 * time.Minute
	// maxHonouredRetryAfter is for what the hub itself asks for.
	maxHonouredRetryAfter = 5 * time.Minute
)

// backoff decides when a merchant may be asked again. It has no clock: each
// call says what time it is.
type backoff struct {
	interval time.Duration
	// jitter returns a number in [0, 1), so that exporters and merchants that
	// failed together do not all come back at once.
	jitter func() float64
	growth *exponential.ExponentialBackOff

	asked time.Time // when the latest query began; zero before the first
	// until is the end of a backoff; zero if there is none. It does not hold
	// the interval, which may change while it lasts.
	until      time.Time
	retryAfter time.Time // when the hub has asked to be asked again; zero if it has not
}

func newBackoff(interval time.Duration, jitter func() float64) *backoff {
	b := &backoff{
		interval: interval, jitter: jitter,
		growth: &exponential.ExponentialBackOff{
			InitialInterval: 2 * interval, Multiplier: 2, MaxInterval: math.MaxInt64,
			// The library's own jitter takes its randomness from a global
			// source and goes beyond the cap: see failed.
			RandomizationFactor: 0,
		},
	}
	b.growth.Reset()
	return b
}

// setInterval changes the interval from the next query on.
func (b *backoff) setInterval(interval time.Duration) {
	b.interval, b.growth.InitialInterval = interval, 2*interval
	if b.until.IsZero() {
		b.growth.Reset() // or the next failure would begin with the old interval
	}
}

// closed returns why the merchant may not be asked now; causeNone if it may.
func (b *backoff) closed(now time.Time) Cause {
	switch {
	case !b.asked.IsZero() && now.Sub(b.asked) < b.interval:
		return CauseMinInterval
	case now.Before(b.until) || now.Before(b.retryAfter):
		return CauseBackoff
	}
	return causeNone
}

// opens returns when the merchant may be asked again; zero before the first
// query.
func (b *backoff) opens() time.Time {
	if b.asked.IsZero() {
		return time.Time{}
	}
	next := b.asked.Add(b.interval)
	for _, later := range []time.Time{b.until, b.retryAfter} {
		if later.After(next) {
			next = later
		}
	}
	return next
}

// began notes that a query begins.
func (b *backoff) began(now time.Time) { b.asked = now }

// succeeded ends any backoff.
func (b *backoff) succeeded() {
	b.reopen()
	b.retryAfter = time.Time{}
}

// failed begins or lengthens a backoff: the n-th failure in a row closes the
// gate for interval × 2ⁿ from the query's beginning, less up to a fifth. Where
// the cap makes that shorter than the interval, the interval holds.
func (b *backoff) failed(now time.Time, reason hub.Reason, retryAfter time.Duration) {
	limit := maxBackoff
	if reason.NeedsPerson() {
		limit = maxLongBackoff
	}
	delay := min(b.growth.NextBackOff(), limit)
	delay -= time.Duration(b.jitter() * float64(delay) / 5)
	b.until = b.asked.Add(delay)
	b.retryAfter = time.Time{}
	if retryAfter > 0 {
		b.retryAfter = now.Add(min(retryAfter, maxHonouredRetryAfter))
	}
}

// reopen ends a backoff whose cause may be gone. What the hub has asked for
// still holds.
func (b *backoff) reopen() {
	b.until = time.Time{}
	b.growth.Reset()
}
