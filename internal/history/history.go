// Package history keeps what a merchant's figures have been for a day, and
// measures how fast the merchant pays out.
package history

import (
	"slices"
	"time"

	"payple_exporter/hub"
)

const (
	// maxPoints is how many figures of a merchant are kept at the most: a point
	// is 24 bytes, so ten thousand merchants take 30 MB.
	maxPoints = 120
	// maxSpan is how far back they go.
	maxSpan = 24 * time.Hour
	// Gap is how long a merchant may go without a figure before the
	// time between two is no longer taken as known.
	Gap = 5 * time.Minute
	// clockSlack, in seconds, is how far a clock may be set back unnoticed.
	clockSlack = 60
)

// point is one figure in a history, as small as it can be.
type point struct {
	remain hub.Won
	// paid is the sum of all rises of total_transfer_amt since the history
	// began. A fall, by a reversal or a new day, adds nothing. Being a sum, it
	// stays exact however many points before it are dropped.
	paid hub.Won
	at   uint32 // seconds since the epoch
	// gap says that a query failed, or none was made for long, between the
	// point before and this one; lost, that it was so for long.
	gap, lost bool
}

// History is what a merchant's figures have been. It is filled by the queries
// that scrapes begin, so it has no points where nobody asked. Only what the hub
// said goes in. It is not safe for use by several goroutines at once.
type History struct {
	points      []point       // oldest first; made when the first figure comes
	step        time.Duration // between two points at the least; the last one is always the newest figure
	transferred hub.Won       // of the last point
	failed      bool          // a query has failed since
}

// Add takes in what the hub said at a time. Silence for longer than patience is
// a gap.
func (h *History) Add(now time.Time, limit hub.Limit, patience time.Duration) {
	next := point{remain: limit.Remain, at: uint32(now.Unix()), gap: h.failed} //nolint:gosec // good until 2106
	if n := len(h.points); n > 0 && next.at+clockSlack < h.points[n-1].at {
		h.points = h.points[:0] // the clock was set back: nothing fits together any more
	}
	if n := len(h.points); n > 0 {
		last := h.points[n-1]
		next.at = max(next.at, last.at)
		next.paid = last.paid + max(0, limit.TotalTransfer-h.transferred)
		next.lost = seconds32(next.at-last.at) > patience
		next.gap = next.gap || next.lost
		if n > 1 && !next.gap && seconds32(last.at-h.points[n-2].at) < h.step {
			next.gap, next.lost = last.gap, last.lost
			h.points = h.points[:n-1]
		}
	}
	h.transferred, h.failed = limit.TotalTransfer, false
	h.points = append(h.points, next)
	h.forget(next.at)
}

// Miss notes that a query failed: what the figures were meanwhile is unknown.
func (h *History) Miss() { h.failed = true }

// forget drops what is too old, then every second point if there are too many.
func (h *History) forget(now uint32) {
	old := 0
	for seconds32(now-h.points[old].at) > maxSpan {
		old++
	}
	h.points = slices.Delete(h.points, 0, old)
	if len(h.points) < maxPoints {
		return
	}
	last := h.points[len(h.points)-1]
	h.step = max(h.step, seconds32(last.at-h.points[0].at)/(maxPoints/2))
	kept := h.points[:1]
	for i := 1; i < len(h.points); i++ {
		if i%2 == 1 && i < len(h.points)-1 { // dropped, but not the gap before it
			h.points[i+1].gap = h.points[i+1].gap || h.points[i].gap
			h.points[i+1].lost = h.points[i+1].lost || h.points[i].lost
			continue
		}
		kept = append(kept, h.points[i])
	}
	h.points = kept
}

func seconds32(s uint32) time.Duration { return time.Duration(s) * time.Second }

// Point is one figure in a merchant's history.
type Point struct {
	At     time.Time
	Remain hub.Won
	// Gap says that what happened between the point before and this one is
	// not known: queries failed, or there were none.
	Gap bool
}

// Points returns all figures, oldest first.
func (h *History) Points() []Point {
	points := make([]Point, len(h.points))
	for i, p := range h.points {
		points[i] = Point{time.Unix(int64(p.at), 0), p.remain, p.gap}
	}
	return points
}
