package history

import (
	"slices"
	"time"

	"payple_exporter/hub"
)

// How an outflow is measured, as the alert rules measure it.
const (
	// shortWindow is what the outflow of the moment is taken from.
	shortWindow = time.Hour
	// MinWindow is how much must have been seen to measure an outflow at all.
	MinWindow = 5 * time.Minute
	// minDay is how much must have been seen to measure the outflow of a day.
	minDay = 18 * time.Hour
)

// Outflow is how fast a merchant pays out, as far as its history tells. Only rises
// of total_transfer_amt count: top-ups, reversals and a new day's zero are not
// taken for payouts.
type Outflow struct {
	// Window is the time that it was taken from, up to the latest figure; 0 if
	// too little has been seen to measure it.
	Window time.Duration
	// Paid is what was paid out within Window, in won.
	Paid hub.Won
	// PerHour is the outflow that was kept up, in won: over an hour or less, that
	// of the slowest third, so that one batch of payouts counts for nothing;
	// over a day, the mean if it is more.
	PerHour float64
	// Settled says that Window is as long as the alert rules require, so that
	// the runway may be held against a threshold.
	Settled bool
}

// Runway returns how long remain lasts at this outflow, and whether it ends.
func (o Outflow) Runway(remain hub.Won) (time.Duration, bool) {
	if o.PerHour <= 0 {
		return 0, false
	}
	const longest = 10 * 365 * 24 // hours: more would not fit a Duration for long
	hours := float64(max(0, remain)) / o.PerHour
	return time.Duration(min(hours, longest) * float64(time.Hour)), true
}

// Outflow measures how fast the merchant pays out up to the latest figure.
func (h *History) Outflow() Outflow {
	points := h.known()
	if len(points) < 2 {
		return Outflow{}
	}
	last := points[len(points)-1]
	span := seconds32(last.at - points[0].at)
	if span < MinWindow {
		return Outflow{}
	}
	window := min(span, shortWindow)
	short := Outflow{
		Window: window, Paid: last.paid - (&ledger{points: points}).paidAt(since(last, window)),
		PerHour: slowest(points, window), Settled: window == shortWindow,
	}
	if span < minDay {
		return short
	}
	day := Outflow{Window: span, Paid: last.paid - points[0].paid, Settled: true}
	if day.PerHour = float64(day.Paid) / span.Hours(); day.PerHour > short.PerHour {
		return day
	}
	return short
}

// known returns the points since the last silence that was too long to say how
// payouts were spread over it.
func (h *History) known() []point {
	for i, p := range slices.Backward(h.points) {
		if p.lost {
			return h.points[i:]
		}
	}
	return h.points
}

// slowest returns the least won an hour in any third of the window up to the
// last point, of those that begin at its start or at a point.
func slowest(points []point, window time.Duration) float64 {
	last := points[len(points)-1]
	slice := window / 3
	start, lastStart := since(last, window), since(last, slice)
	paid := func(from, to *ledger, at uint32) hub.Won {
		return to.paidAt(at+uint32(slice.Seconds())) - from.paidAt(at)
	}
	from, to := ledger{points: points}, ledger{points: points}
	least := paid(&from, &to, start)
	for _, p := range points {
		if p.at > start && p.at < lastStart {
			least = min(least, paid(&from, &to, p.at))
		}
	}
	least = min(least, paid(&from, &to, lastStart))
	return float64(least) / slice.Hours()
}

func since(last point, window time.Duration) uint32 { return last.at - uint32(window.Seconds()) }

// ledger knows what had been paid out by a time. It is asked for times in their
// order, and so finds each of them at once.
type ledger struct {
	points []point
	next   int // the first point that is not before the time last asked for
}

// paidAt returns what had been paid out by a time, spread evenly between the
// two points about it.
func (l *ledger) paidAt(at uint32) hub.Won {
	for l.next < len(l.points)-1 && l.points[l.next].at < at {
		l.next++
	}
	b := l.points[l.next]
	if l.next == 0 || at >= b.at {
		return b.paid
	}
	a := l.points[l.next-1]
	return a.paid + hub.Won(float64(b.paid-a.paid)*float64(at-a.at)/float64(b.at-a.at))
}
