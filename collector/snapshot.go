package collector

import (
	"time"

	"payple_exporter/hub"
)

// Snapshot is what is known of one merchant at one moment: figures and health
// apart, so that no failure can pass for a figure.
type Snapshot struct {
	// Merchant is set by a Collector; a gate knows no labels.
	Merchant Merchant

	// Known reports whether Limit may be shown: it was given by the hub and is
	// not too old.
	Known bool
	Limit hub.Limit
	// LastSuccess is when the hub last answered; zero before the first time,
	// and kept when the figures are too old to be shown.
	LastSuccess time.Time
	// HubTime is the hub's own time of that answer, and kept as long; zero if
	// it sent none that can be read.
	HubTime time.Time

	// Attempted reports whether a query has ended yet.
	Attempted bool
	// Up reports whether the latest query succeeded.
	Up bool
	// Failure is why the latest query failed; nil if it did not.
	Failure *hub.Error
	// FailingSince is when the present run of failures began.
	FailingSince time.Time
	// Duration is what the latest query took, both steps.
	Duration time.Duration
	// NextQuery is when the gate opens again; zero before the first query.
	NextQuery time.Time

	// Queries and Failures count since the gate was made.
	Queries, Failures uint64
	// Outflow and Inflow are the sums of all rises of the hub's totals, of what
	// was paid out and of the account, that were seen since the gate was made.
	Outflow, Inflow hub.Won
	// FromMemory counts the scrapes that were answered so.
	FromMemory CauseCounts
}

// snapshot returns what is known now. mu must be held.
func (g *gate) snapshot(now time.Time) Snapshot {
	m := g.memory
	snapshot := Snapshot{
		LastSuccess: m.lastSuccess,
		HubTime:     m.limit.HubTime,
		Attempted:   m.queries > 0,
		Up:          m.queries > 0 && m.failure == nil,
		Failure:     m.failure,
		Duration:    m.duration,
		NextQuery:   g.backoff.opens(),
		Queries:     m.queries,
		Failures:    m.failures,
		Outflow:     m.outflow,
		Inflow:      m.inflow,
		FromMemory:  m.fromMemory,
	}
	if m.failure != nil {
		snapshot.FailingSince = m.since
	}
	if g.fresh(now) {
		snapshot.Known, snapshot.Limit = true, m.limit
	}
	return snapshot
}

// fresh reports whether the figures may be served. After a success they may be
// for as long as the gate is closed, even where MaxAge is shorter: nothing has
// failed, and to drop them would look like it.
func (g *gate) fresh(now time.Time) bool {
	if g.memory.lastSuccess.IsZero() {
		return false
	}
	limit := g.settings.MaxAge
	if g.memory.failure == nil {
		limit = max(limit, g.settings.MinInterval)
	}
	return age(now, g.memory.lastSuccess) <= limit
}

// age returns how long ago then was, by the clock that says longer: the
// monotonic one stands still while a machine is suspended, the wall clock may
// be set back.
func age(now, then time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}
