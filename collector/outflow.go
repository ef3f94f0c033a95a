package collector

import (
	"time"

	"payple_exporter/hub"
)

// How a pace is measured, as the alert rules measure it.
const (
	// paceWindow is what the pace of the moment is taken from.
	paceWindow = time.Hour
	// MinPaceWindow is how much must have been seen to tell a pace at all.
	MinPaceWindow = 5 * time.Minute
	// minDay is how much must have been seen to tell the pace of a day.
	minDay = 18 * time.Hour
)

// Pace is how fast a merchant pays out, as far as its history tells. Only rises
// of total_transfer_amt count: top-ups, reversals and a new day's zero are not
// taken for payouts.
type Pace struct {
	// Window is the time that it was taken from, up to the latest figure; 0 if
	// too little has been seen to tell a pace.
	Window time.Duration
	// Paid is what was paid out within Window, in won.
	Paid hub.Won
	// PerHour is the pace that was kept up, in won: over an hour or less, that
	// of the slowest third, so that one batch of payouts counts for nothing;
	// over a day, the mean, or whichever is more.
	PerHour float64
	// Settled tells that Window is as long as the alert rules want, so that
	// the runway may be held against a threshold.
	Settled bool
}

// Runway returns how long remain lasts at this pace, and whether it ends.
func (p Pace) Runway(remain hub.Won) (time.Duration, bool) {
	if p.PerHour <= 0 {
		return 0, false
	}
	const longest = 10 * 365 * 24 // hours: more would not fit a Duration for long
	hours := float64(max(0, remain)) / p.PerHour
	return time.Duration(min(hours, longest) * float64(time.Hour)), true
}

// pace measures how fast the merchant pays out up to the latest figure.
func (h *history) pace() Pace {
	points := h.known()
	if len(points) < 2 {
		return Pace{}
	}
	last := points[len(points)-1]
	span := seconds32(last.at - points[0].at)
	if span < MinPaceWindow {
		return Pace{}
	}
	window := min(span, paceWindow)
	short := Pace{
		Window: window, Paid: last.paid - paidAt(points, since(last, window)),
		PerHour: slowest(points, window), Settled: window == paceWindow,
	}
	if span < minDay {
		return short
	}
	day := Pace{Window: span, Paid: last.paid - points[0].paid, Settled: true}
	if day.PerHour = float64(day.Paid) / span.Hours(); day.PerHour > short.PerHour {
		return day
	}
	return short
}

// known returns the points since the last silence that was too long to tell how
// payouts were spread over it.
func (h *history) known() []point {
	for i := len(h.points) - 1; i > 0; i-- {
		if h.points[i].lost {
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
	rate := func(from uint32) float64 {
		return float64(paidAt(points, from+uint32(slice.Seconds()))-paidAt(points, from)) / slice.Hours()
	}
	start, end := since(last, window), since(last, slice)
	least := min(rate(start), rate(end))
	for i := len(points) - 1; i >= 0 && points[i].at > start; i-- {
		if points[i].at < end {
			least = min(least, rate(points[i].at))
		}
	}
	return least
}

func since(last point, window time.Duration) uint32 { return last.at - uint32(window.Seconds()) }

// paidAt returns what had been paid out by a time, spread evenly between the
// two points about it.
func paidAt(points []point, at uint32) hub.Won {
	low, high := 0, len(points)-1 // points[low].at <= at <= points[high].at
	if at >= points[high].at {
		return points[high].paid
	}
	for high-low > 1 {
		if middle := (low + high) / 2; points[middle].at <= at {
			low = middle
		} else {
			high = middle
		}
	}
	a, b := points[low], points[high]
	if at <= a.at || b.at == a.at {
		return a.paid
	}
	return a.paid + hub.Won(float64(b.paid-a.paid)*float64(at-a.at)/float64(b.at-a.at))
}
