package collector

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v5"

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
	// maxLongBackoff is for what only a person can mend. Asking with a refused
	// key over and over may get an account locked.
	maxLongBackoff = 5 * time.Minute
	maxRetryAfter  = 5 * time.Minute
)

// pace decides when a merchant may be asked again. It knows no clock: whoever
// uses it says what time it is.
type pace struct {
	interval time.Duration
	// jitter returns a number in [0, 1), so that exporters and merchants that
	// failed together do not all come back at once.
	jitter func() float64
	growth *backoff.ExponentialBackOff

	asked time.Time // when the latest query began; zero before the first
	// until is the end of a backoff; zero if there is none. It does not hold
	// the interval, which may change while it lasts.
	until time.Time
	told  time.Time // when the hub has asked to be asked again; zero if it has not
}

func newPace(interval time.Duration, jitter func() float64) *pace {
	p := &pace{
		interval: interval, jitter: jitter,
		growth: &backoff.ExponentialBackOff{
			InitialInterval: 2 * interval, Multiplier: 2, MaxInterval: math.MaxInt64,
			// The library's own jitter takes its randomness from a global
			// source and goes beyond the cap: see failed.
			RandomizationFactor: 0,
		},
	}
	p.growth.Reset()
	return p
}

// setInterval changes the interval from the next query on.
func (p *pace) setInterval(interval time.Duration) {
	p.interval, p.growth.InitialInterval = interval, 2*interval
	if p.until.IsZero() {
		p.growth.Reset() // or the next failure would begin with the old interval
	}
}

// closed tells why the merchant may not be asked now; causeNone if it may.
func (p *pace) closed(now time.Time) Cause {
	switch {
	case !p.asked.IsZero() && now.Sub(p.asked) < p.interval:
		return CauseMinInterval
	case now.Before(p.until) || now.Before(p.told):
		return CauseBackoff
	}
	return causeNone
}

// opens returns when the merchant may be asked again; zero before the first
// query.
func (p *pace) opens() time.Time {
	if p.asked.IsZero() {
		return time.Time{}
	}
	next := p.asked.Add(p.interval)
	for _, later := range []time.Time{p.until, p.told} {
		if later.After(next) {
			next = later
		}
	}
	return next
}

// began notes that a query begins.
func (p *pace) began(now time.Time) { p.asked = now }

// succeeded ends any backoff.
func (p *pace) succeeded() {
	p.reopen()
	p.told = time.Time{}
}

// failed begins or lengthens a backoff: the n-th failure in a row closes the
// gate for interval × 2ⁿ from the query's beginning, less up to a fifth. Where
// the cap makes that shorter than the interval, the interval holds.
func (p *pace) failed(now time.Time, reason hub.Reason, retryAfter time.Duration) {
	limit := maxBackoff
	if reason.NeedsPerson() {
		limit = maxLongBackoff
	}
	delay := min(p.growth.NextBackOff(), limit)
	delay -= time.Duration(p.jitter() * float64(delay) / 5)
	p.until = p.asked.Add(delay)
	p.told = time.Time{}
	if retryAfter > 0 {
		p.told = now.Add(min(retryAfter, maxRetryAfter))
	}
}

// reopen ends a backoff whose cause may be gone. What the hub has asked for
// still holds.
func (p *pace) reopen() {
	p.until = time.Time{}
	p.growth.Reset()
}
