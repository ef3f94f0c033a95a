package collector

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
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
			var h history
			random := rand.New(rand.NewPCG(1, 2))
			given := make(map[uint32]hub.Won)
			now, first, newest := began(), uint32(0), hub.Won(0)
			for now.Sub(began()) < 40*time.Hour {
				now = now.Add(run.interval)
				if random.Float64() < run.failing {
					h.miss()
					continue
				}
				newest += hub.Won(random.Int64N(1000))
				h.add(now, paidOut(newest), max(historyGap, 3*run.interval))
				at := uint32(now.Unix())
				if given[at] = 1000*million - newest; first == 0 {
					first = at
				}
				checkHistory(t, &h, given, at)
			}
			if span := seconds32(h.points[len(h.points)-1].at - h.points[0].at); span < 20*time.Hour || span > historySpan {
				t.Errorf("after 40 h the history spans %s", span)
			}
			if run.failing == 0 && len(h.points) < 20 {
				t.Errorf("only %d points", len(h.points))
			}
		})
	}
}

func checkHistory(t *testing.T, h *history, given map[uint32]hub.Won, newest uint32) {
	t.Helper()
	const most = 3 << 10 // ten thousand merchants in 30 MiB
	if size := uintptr(cap(h.points)) * unsafe.Sizeof(point{}); len(h.points) > historyLength || size > most {
		t.Fatalf("%d points in %d bytes, want at most %d in %d", len(h.points), size, historyLength, most)
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
		var h history
		now := began()
		step := func(n int) {
			for range n {
				now = now.Add(10 * time.Second)
				h.add(now, paidOut(0), historyGap)
			}
		}
		step(30 + offset)
		h.miss()
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
	var h history
	h.add(began(), paidOut(0), historyGap)
	h.add(began().Add(time.Minute), paidOut(0), historyGap)
	h.add(began().Add(30*time.Second), paidOut(0), historyGap)
	if len(h.points) != 3 {
		t.Errorf("nudged: %d points, want 3", len(h.points))
	}
	h.add(began().Add(-time.Hour), paidOut(0), historyGap)
	if len(h.points) != 1 {
		t.Errorf("set back: %d points, want 1", len(h.points))
	}
}

// The pace is that of payouts which go on: not of a batch, a reset, a reversal
// or a top-up, and none is told where too little was seen.
func TestPace(t *testing.T) {
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
			var h history
			for after := time.Duration(0); after <= test.lasts; after += 15 * time.Second {
				if after <= test.silent[0] || after >= test.silent[1] {
					h.add(began().Add(after), paidOut(test.paid(after)), historyGap)
				}
			}
			got := h.pace()
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

// What remains lasts as long as the pace says; where nothing flows out, no end
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
		got, ends := Pace{PerHour: test.perHour}.Runway(test.remain)
		if got != test.want || ends != test.ends {
			t.Errorf("%v at %v an hour: %s, %v", test.remain, test.perHour, got, ends)
		}
	}
}

// A gate's history has what its queries brought, and nothing of those that
// failed.
func TestGateKeepsAHistory(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	now := func() time.Time { return began().Add(time.Duration(passed.Load())) }
	of := &fakeHub{limit: paidOut(0)}
	gate := NewGate("store", of, Settings{MinInterval: 10 * time.Second, MaxAge: time.Minute, Timeout: time.Second, Now: now})
	all := New(Settings{}, []Watched{{Merchant{Name: "store"}, gate}})
	ask := func(err *hub.Error) {
		of.mu.Lock()
		of.err = err
		of.mu.Unlock()
		all.Snapshots(context.Background())
		passed.Add(int64(time.Minute))
	}
	if points := all.History(0); len(points) != 0 || gate.history.points != nil {
		t.Errorf("before the first query: %v", points)
	}
	ask(nil)
	ask(&hub.Error{Reason: hub.ReasonNetwork})
	passed.Add(int64(time.Minute))
	ask(nil)
	ask(nil)
	points := all.History(0)
	if len(points) != 3 || points[0].Gap || !points[1].Gap || points[2].Gap {
		t.Fatalf("history %+v", points)
	}
	if !points[0].At.Equal(began()) || points[0].Remain != 1000*million {
		t.Errorf("first point %+v", points[0])
	}
	if pace := all.Pace(0); pace.Window != 0 {
		t.Errorf("a pace of four minutes: %+v", pace)
	}
}

// What the hub last said can be told for ever, with its time, while a snapshot
// no longer shows it as known.
func TestLastFiguresOutliveTheirAge(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, gate *Gate, backend *fakeHub) {
		c := New(settings(), []Watched{{Merchant{Name: "store"}, gate}})
		if limit, at := c.LastFigures(0); limit != (hub.Limit{}) || !at.IsZero() {
			t.Errorf("before the first answer: %v at %s", limit, at)
		}
		answered := time.Now()
		scrape(t, gate)
		backend.failWith(hub.ReasonNetwork)
		time.Sleep(24 * time.Hour)
		if s := scrape(t, gate); s.Known || s.Limit != (hub.Limit{}) {
			t.Fatalf("a figure of a day ago is shown: %+v", s)
		}
		if limit, at := c.LastFigures(0); limit != figures() || at.Sub(answered) > time.Second {
			t.Errorf("got %v at %s, want %v of %s", limit, at, figures(), answered)
		}
	})
}
