package collector

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
)

const million hub.Won = 1_000_000

// began is where the histories of these tests begin.
func began() time.Time { return time.Unix(1_800_000_000, 0) }

// paidOut is a remaining limit and what was paid out, of a total of a billion.
func paidOut(paid hub.Won) hub.Limit {
	return hub.Limit{Remain: 1000*million - paid, TotalTransfer: paid, TotalAccount: 1000 * million}
}

// Scrapes that come as seldom as the interval makes them leave no gap.
func TestGateIsPatientAsLongAsItsInterval(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	gate := newGate(named("store"), &fakeHub{limit: paidOut(0)}, Settings{
		MinInterval: 2 * time.Minute, MaxAge: time.Minute, Timeout: time.Second,
		Now: func() time.Time { return began().Add(time.Duration(passed.Load())) },
	})
	for _, pause := range []time.Duration{0, history.Gap + 30*time.Second, 6*time.Minute + time.Second} {
		passed.Add(int64(pause))
		gate.Snapshot(context.Background())
	}
	if points := gate.history.Points(); len(points) != 3 || points[1].Gap || !points[2].Gap {
		t.Errorf("%+v, want a gap after six minutes, three intervals, only", points)
	}
}

// A gate's history has what its queries brought, and nothing of those that
// failed.
func TestGateKeepsAHistory(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	now := func() time.Time { return began().Add(time.Duration(passed.Load())) }
	of := &fakeHub{limit: paidOut(0)}
	s := Settings{MinInterval: 10 * time.Second, MaxAge: time.Minute, Timeout: time.Second, Now: now}
	all := inForce(s, []config.Merchant{named("store")}, of)
	ask := func(err *hub.Error) {
		of.mu.Lock()
		of.err = err
		of.mu.Unlock()
		all.Snapshots(context.Background())
		passed.Add(int64(time.Minute))
	}
	if points := all.History("store"); len(points) != 0 || !reflect.DeepEqual(all.inForce.Load().gates[0].history, history.History{}) {
		t.Errorf("before the first query: %v", points)
	}
	ask(nil)
	ask(&hub.Error{Reason: hub.ReasonNetwork})
	passed.Add(int64(time.Minute))
	ask(nil)
	ask(nil)
	points := all.History("store")
	if len(points) != 3 || points[0].Gap || !points[1].Gap || points[2].Gap {
		t.Fatalf("history %+v", points)
	}
	if !points[0].At.Equal(began()) || points[0].Remain != 1000*million {
		t.Errorf("first point %+v", points[0])
	}
	if outflow := all.Outflow("store"); outflow.Window != 0 {
		t.Errorf("an outflow of four minutes: %+v", outflow)
	}
}

// What the hub last said can be told for ever, with its time, while a snapshot
// no longer shows it as known.
func TestLastFiguresOutliveTheirAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &fakeHub{limit: figures()}
		c := inForce(settings(), []config.Merchant{named("store")}, backend)
		gate := c.inForce.Load().gates[0]
		if limit, at := c.LastFigures("store"); limit != (hub.Limit{}) || !at.IsZero() {
			t.Errorf("before the first answer: %v at %s", limit, at)
		}
		answered := time.Now()
		scrape(t, gate)
		backend.failWith(hub.ReasonNetwork)
		time.Sleep(24 * time.Hour)
		if s := scrape(t, gate); s.Known || s.Limit != (hub.Limit{}) {
			t.Fatalf("a figure of a day ago is shown: %+v", s)
		}
		if limit, at := c.LastFigures("store"); limit != figures() || at.Sub(answered) > time.Second {
			t.Errorf("got %v at %s, want %v of %s", limit, at, figures(), answered)
		}
	})
}
