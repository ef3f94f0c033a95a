package history

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"payple_exporter/hub"
)

const million hub.Won = 1_000_000

// began is where the histories of these tests begin.
func began() time.Time { return time.Unix(1_800_000_000, 0) }

// paidOut is a remaining limit and what was paid out, of a total of a billion.
func paidOut(paid hub.Won) hub.Limit {
	return hub.Limit{Remain: 1000*million - paid, TotalTransfer: paid, TotalAccount: 1000 * million}
}

// Whatever is asked how often and fails how often: a history stays within its
// bounds, is in order of time, ends with the newest figure, spans most of its
// time, and holds only figures that were given.
func TestHistoryIsBoundedAndTrue(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]struct {
		interval time.Duration
		failing  float64
	}{
		"every second": {time.Second, 0}, "every 15 s": {15 * time.Second, 0}, "every hour": {time.Hour, 0},
		"failing half the time": {10 * time.Second, 0.5}, "nearly always failing": {10 * time.Second, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h History
			random := rand.New(rand.NewPCG(1, 2))
			given := make(map[uint32]hub.Won)
			now, first, newest := began(), uint32(0), hub.Won(0)
			for now.Sub(began()) < 40*time.Hour {
				now = now.Add(run.interval)
				if random.Float64() < run.failing {
					h.Miss()
					continue
				}
				newest += hub.Won(random.Int64N(1000))
				h.Add(now, paidOut(newest), max(Gap, 3*run.interval))
				at := uint32(now.Unix())
				if given[at] = 1000*million - newest; first == 0 {
					first = at
				}
				checkHistory(t, &h, given, at)
			}
			if span := seconds32(h.points[len(h.points)-1].at - h.points[0].at); span < 20*time.Hour || span > maxSpan {
				t.Errorf("after 40 h the history spans %s", span)
			}
			if run.failing == 0 && len(h.points) < 20 {
				t.Errorf("only %d points", len(h.points))
			}
		})
	}
}

func checkHistory(t *testing.T, h *History, given map[uint32]hub.Won, newest uint32) {
	t.Helper()
	const most = 3 << 10 // ten thousand merchants in 30 MiB
	if size := uintptr(cap(h.points)) * unsafe.Sizeof(point{}); len(h.points) > maxPoints || size > most {
		t.Fatalf("%d points in %d bytes, want at most %d in %d", len(h.points), size, maxPoints, most)
	}
	for i, p := range h.points {
		if want, there := given[p.at]; !there || p.remain != want {
			t.Fatalf("point %d: %d won at %d was never said", i, p.remain, p.at)
		}
		if i > 0 && p.at <= h.points[i-1].at {
			t.Fatalf("point %d is not later than the one before", i)
		}
	}
	if h.points[len(h.points)-1].at != newest {
		t.Fatal("the newest figure is not the last one")
	}
}

// A gap outlives the thinning of the points about it.
func TestGapsStayWhenPointsGo(t *testing.T) {
	t.Parallel()
	for offset := range 4 {
		var h History
		now := began()
		step := func(n int) {
			for range n {
				now = now.Add(10 * time.Second)
				h.Add(now, paidOut(0), Gap)
			}
		}
		step(30 + offset)
		h.Miss()
		step(600)
		gaps := 0
		for _, p := range h.points {
			if p.gap {
				gaps++
			}
		}
		if gaps != 1 {
			t.Errorf("offset %d: %d gaps, want 1", offset, gaps)
		}
	}
}

// A clock that is set back far begins a new history; one that is nudged does
// not.
func TestHistoryWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	var h History
	h.Add(began(), paidOut(0), Gap)
	h.Add(began().Add(time.Minute), paidOut(0), Gap)
	h.Add(began().Add(30*time.Second), paidOut(0), Gap)
	if len(h.points) != 3 {
		t.Errorf("nudged: %d points, want 3", len(h.points))
	}
	h.Add(began().Add(-time.Hour), paidOut(0), Gap)
	if len(h.points) != 1 {
		t.Errorf("set back: %d points, want 1", len(h.points))
	}
}

// The outflow is that of payouts which go on: not of a batch, a reset, a reversal
// or a top-up, and none is told where too little was seen.
func TestOutflow(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, test := range map[string]struct {
		lasts   time.Duration
		paid    func(after time.Duration) hub.Won // total_transfer_amt
		silent  [2]time.Duration                  // nobody asks between these
		window  time.Duration
		perHour float64 // in millions
		amount  hub.Won // paid out within the window
		settled bool
	}{
		"nothing seen":    {lasts: 0, paid: drain},
		"too little seen": {lasts: 4 * time.Minute, paid: drain},
		"a short drain":   {lasts: 6 * time.Minute, paid: drain, window: 6 * time.Minute, perHour: 60, amount: 6 * million},
		"an hour's drain": {lasts: hour, paid: drain, window: hour, perHour: 60, amount: 60 * million, settled: true},
		"no payouts":      {lasts: 2 * hour, paid: func(time.Duration) hub.Won { return 5 * million }, window: hour, settled: true},
		"one batch": {
			lasts: 2 * hour, paid: batch(90 * time.Minute), window: hour, amount: 300 * million, settled: true,
		},
		"a batch within a short time": {
			lasts: 12 * time.Minute, paid: batch(3 * time.Minute), window: 12 * time.Minute, amount: 300 * million,
		},
		"a new day's zero": {
			lasts: 2 * hour, window: hour, perHour: 60, amount: 60*million - million/4, settled: true,
			paid: func(after time.Duration) hub.Won {
				if after > 90*time.Minute {
					return drain(after - 90*time.Minute)
				}
				return 500*million + drain(after)
			},
		},
		"a reversal": {
			lasts: 2 * hour, window: hour, amount: 0, settled: true,
			paid: func(after time.Duration) hub.Won {
				if after > 90*time.Minute {
					return 59 * million
				}
				return 60 * million
			},
		},
		"a day of batches": {
			lasts: 24 * hour, window: 24 * hour, perHour: 10, amount: 240 * million, settled: true,
			paid: func(after time.Duration) hub.Won { return hub.Won(after/(6*hour)) * 60 * million },
		},
		"silence": {
			lasts: 2 * hour, paid: drain, silent: [2]time.Duration{30 * time.Minute, 100 * time.Minute},
			window: 20 * time.Minute, perHour: 60, amount: 20 * million,
		},
		"after silence": {
			lasts: 2 * hour, paid: drain, silent: [2]time.Duration{30 * time.Minute, 117 * time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h History
			for after := time.Duration(0); after <= test.lasts; after += 15 * time.Second {
				if after <= test.silent[0] || after >= test.silent[1] {
					h.Add(began().Add(after), paidOut(test.paid(after)), Gap)
				}
			}
			got := h.Outflow()
			if (got.Window-test.window).Abs() > time.Minute || got.Settled != test.settled {
				t.Errorf("window %s (settled: %v), want %s (%v)", got.Window, got.Settled, test.window, test.settled)
			}
			if want := test.perHour * float64(million); got.PerHour < 0.97*want || got.PerHour > 1.03*want {
				t.Errorf("%.0f won an hour, want %.0f", got.PerHour, want)
			}
			if want := test.amount; got.Paid < want-want/30 || got.Paid > want+want/30 {
				t.Errorf("%d paid, want %d", got.Paid, want)
			}
		})
	}
}

// drain is a million a minute.
func drain(after time.Duration) hub.Won { return hub.Won(after/time.Second) * million / 60 }

// batch is 300 million at one moment.
func batch(at time.Duration) func(time.Duration) hub.Won {
	return func(after time.Duration) hub.Won {
		if after >= at {
			return 300 * million
		}
		return 0
	}
}

// What remains lasts as long as the outflow says; where nothing flows out, no end
// is told, and what is overdrawn has come to its end.
func TestRunway(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		perHour float64
		remain  hub.Won
		want    time.Duration
		ends    bool
	}{
		{0, 5, 0, false},
		{10, 25, 150 * time.Minute, true},
		{10, 0, 0, true},
		{10, -5, 0, true},
		{0.001, hub.MaxWon, 10 * 365 * 24 * time.Hour, true},
	} {
		got, ends := Outflow{PerHour: test.perHour}.Runway(test.remain)
		if got != test.want || ends != test.ends {
			t.Errorf("%v at %v an hour: %s, %v", test.remain, test.perHour, got, ends)
		}
	}
}
