package history

import (
	"math"
	"testing"
	"time"

	"payple_exporter/hub"
)

// fill gives a history a figure every so often, from begin up to and including
// end, with what was paid out until then.
func fill(h *History, begin, end, every time.Duration, paid func(after time.Duration) hub.Won) {
	for after := begin; after <= end; after += every {
		h.Add(began().Add(after), paidOut(paid(after)), Gap)
	}
}

// What lies on a bound belongs to it: a clock that is set back by the slack is
// no other clock, a silence as long as patience no silence, and two points that
// are as far apart as they have to be are two.
func TestHistoryBounds(t *testing.T) {
	t.Parallel()
	at := func(after time.Duration) time.Time { return began().Add(after) }

	var back History
	back.Add(at(0), paidOut(0), Gap)
	back.Add(at(-clockSlack*time.Second), paidOut(0), Gap)
	if len(back.points) != 2 {
		t.Errorf("set back by the slack: %d points, want 2", len(back.points))
	}
	back.Add(at(-(clockSlack+1)*time.Second), paidOut(0), Gap)
	if len(back.points) != 1 {
		t.Errorf("set back by more than the slack: %d points, want 1", len(back.points))
	}

	var silent History
	silent.Add(at(0), paidOut(0), Gap)
	silent.Add(at(Gap), paidOut(0), Gap)
	silent.Add(at(2*Gap+time.Second), paidOut(0), Gap)
	if silent.points[1].lost || !silent.points[2].lost {
		t.Errorf("silences of %s and a second more: %+v", Gap, silent.points)
	}

	spaced := History{step: 10 * time.Second}
	fill(&spaced, 0, 20*time.Second, 10*time.Second, drain)
	if len(spaced.points) != 3 {
		t.Errorf("as far apart as they have to be: %+v, want all", spaced.points)
	}
}

// When a history is full, every second point goes, from the second one on, and
// never the last; points that come later are as far apart as those that are
// left.
func TestHistoryIsThinnedEvenly(t *testing.T) {
	t.Parallel()
	const every = 10 * time.Second
	var h History
	fill(&h, 0, (maxPoints-2)*every, every, drain)
	if len(h.points) != maxPoints-1 || h.step != 0 {
		t.Fatalf("%d points, step %s before it is full", len(h.points), h.step)
	}
	fill(&h, (maxPoints-1)*every, (maxPoints-1)*every, every, drain)
	if want := (maxPoints - 1) * every / (maxPoints / 2); len(h.points) != maxPoints/2+1 || h.step != want {
		t.Fatalf("%d points, step %s after it was full; want %d, %s", len(h.points), h.step, maxPoints/2+1, want)
	}
	for i, p := range h.points[:maxPoints/2] {
		if got := seconds32(p.at - h.points[0].at); got != time.Duration(i)*2*every {
			t.Errorf("point %d is %s after the first", i, got)
		}
	}
}

// A long silence outlives the thinning of the points about it, in its place.
func TestSilencesStayWhenPointsGo(t *testing.T) {
	t.Parallel()
	for offset := range 4 {
		const every = 10 * time.Second
		last := time.Duration(30+offset) * every
		next := last + time.Hour
		var h History
		fill(&h, 0, last, every, drain)
		fill(&h, next, next+600*every, every, drain)
		silences := 0
		for i, p := range h.points {
			if !p.lost {
				continue
			}
			silences++
			if before := time.Unix(int64(h.points[i-1].at), 0); before.After(began().Add(last)) || time.Unix(int64(p.at), 0).Before(began().Add(next)) {
				t.Errorf("offset %d: the silence is told between %s and %s", offset, before, time.Unix(int64(p.at), 0))
			}
		}
		if silences != 1 {
			t.Errorf("offset %d: %d silences, want 1", offset, silences)
		}
	}
}

// Two figures that are five minutes apart are enough for an outflow.
func TestOutflowOfTwoFigures(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration]Outflow{
		MinWindow - time.Second: {},
		MinWindow:               {Window: MinWindow, Paid: 5 * million, PerHour: 60 * 1e6},
	} {
		var h History
		h.Add(began(), paidOut(0), Gap)
		h.Add(began().Add(span), paidOut(drain(span)), Gap)
		got := h.Outflow()
		if math.Abs(got.PerHour-want.PerHour) > 100 { // parts of a won are not counted
			t.Errorf("%s: %f an hour, want %f", span, got.PerHour, want.PerHour)
		}
		if got.PerHour = want.PerHour; got != want {
			t.Errorf("%s: %+v, want %+v", span, got, want)
		}
	}
}

// A day's outflow needs eighteen hours, counts only what was paid within its
// window, and is told only where it is more than that of the hour.
func TestOutflowOfADay(t *testing.T) {
	t.Parallel()
	// Only the first half of each hour: the hour's slowest third is idle.
	halves := func(after time.Duration) hub.Won {
		whole := after.Truncate(time.Hour)
		return drain(whole/2 + min(after-whole, 30*time.Minute))
	}
	for name, test := range map[string]struct {
		lasts  time.Duration
		paid   func(time.Duration) hub.Won
		window time.Duration
		amount hub.Won
	}{
		"not yet":     {minDay - time.Minute, halves, time.Hour, 30 * million},
		"just":        {minDay, halves, minDay, 18 * 30 * million},
		"30 hours":    {30 * time.Hour, halves, maxSpan, 24 * 30 * million},
		"nothing":     {20 * time.Hour, func(time.Duration) hub.Won { return 5 * million }, time.Hour, 0},
		"once, early": {20 * time.Hour, batch(time.Hour), 20 * time.Hour, 300 * million},
	} {
		var h History
		fill(&h, 0, test.lasts, time.Minute, test.paid)
		got := h.Outflow()
		if (got.Window-test.window).Abs() > 20*time.Minute || got.Paid-test.amount > test.amount/10 || test.amount-got.Paid > test.amount/10 {
			t.Errorf("%s: %+v, want %d within %s", name, got, test.amount, test.window)
		}
		if name == "just" && got.Window != minDay {
			t.Errorf("at %s the window is %s", minDay, got.Window)
		}
	}
}

// The slowest third may begin at any figure, not only at the window's ends.
func TestOutflowFindsTheCalmInTheMiddle(t *testing.T) {
	t.Parallel()
	var h History
	fill(&h, 0, time.Hour, time.Minute, func(after time.Duration) hub.Won {
		return drain(after - min(max(0, after-15*time.Minute), 25*time.Minute)) // nothing from minute 15 to 40
	})
	if got := h.Outflow(); got.PerHour != 0 || got.Paid != 35*million {
		t.Errorf("%+v, want no outflow that is kept up", got)
	}
}

// What had been paid out is what the figures say at their times, evenly spread
// between them, and the nearest one's beyond them.
func TestLedger(t *testing.T) {
	t.Parallel()
	points := []point{{at: 100, paid: 10}, {at: 200, paid: 30}, {at: 240, paid: 70}}
	all := ledger{points: points}
	for _, step := range []struct {
		at   uint32
		want hub.Won
	}{{50, 10}, {100, 10}, {150, 20}, {175, 25}, {200, 30}, {210, 40}, {240, 70}, {999, 70}} {
		one := ledger{points: points}
		if inOrder, alone := all.paidAt(step.at), one.paidAt(step.at); inOrder != step.want || alone != step.want {
			t.Errorf("at %d: %d in order, %d alone, want %d", step.at, inOrder, alone, step.want)
		}
	}
}
