package collector

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// crowd is a collector of n merchants, each with a hub of its own.
func crowd(n int, s Settings) (*Collector, []*fakeHub) {
	var (
		merchants []config.Merchant
		queriers  []Querier
		backends  []*fakeHub
		together  load
	)
	for i := range n {
		backend := &fakeHub{limit: hub.Limit{Remain: hub.Won(i)}, latency: 50 * time.Millisecond, load: &together}
		backends, queriers = append(backends, backend), append(queriers, backend)
		merchants = append(merchants, named("m"+time.Duration(i).String()))
	}
	return inForce(s, merchants, queriers...), backends
}

// inForce is a collector of these merchants, each with its querier.
func inForce(s Settings, merchants []config.Merchant, queriers ...Querier) *Collector {
	next := 0
	c := New(Options{Settings: s, NewQuerier: func(config.Merchant) Querier {
		next++
		return queriers[next-1]
	}})
	c.Apply(config.Config{MinInterval: s.MinInterval, Merchants: merchants})
	return c
}

// named is a merchant of that name, and of that id.
func named(name string) config.Merchant {
	return config.Merchant{Name: name, CstID: name, Key: hub.FixedKey(hub.NewSecret("k"), "test")}
}

// A thousand merchants that are all due start no more queries at once than
// allowed, and a scrape whose time ends gets the rest from memory.
func TestLimiterLimitsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings()
		s.Limiter = NewLimiter(32, 0)
		all, backends := crowd(1000, s)
		began := time.Now()
		const deadline = 975 * time.Millisecond // half-way through a round
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		known, late := 0, uint64(0)
		for _, snapshot := range all.Snapshots(ctx) {
			if snapshot.Known {
				known++
			}
			late += snapshot.FromMemory[CauseDeadline]
		}
		if took := time.Since(began); took != deadline || known != 19*32 || late != 1000-19*32 {
			t.Errorf("after %s %d are known and %d late; want 19 rounds of 32", took, known, late)
		}
		began = time.Now()
		for _, snapshot := range all.Snapshots(t.Context()) {
			if !snapshot.Known {
				t.Fatalf("%+v", snapshot)
			}
		}
		for _, backend := range backends {
			if backend.queries() != 1 {
				t.Fatalf("a merchant was asked %d times", backend.queries())
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the rest took %s", took)
		}
		if most := backends[0].load.most; most != 32 {
			t.Errorf("%d queries at once, want 32", most)
		}
	})
}

// Merchants whose queries fail, and may take all of their time-out, leave
// room for the others.
func TestLimiterKeepsRoomForTheHealthy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings()
		s.Limiter = NewLimiter(8, 0)
		all, backends := crowd(200, s)
		for i, backend := range backends {
			if i < 100 { // ahead of the healthy ones
				backend.latency = time.Hour
			}
		}
		all.Snapshots(t.Context()) // the first time nobody knows better
		time.Sleep(2 * time.Minute)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for i, snapshot := range all.Snapshots(ctx) {
			if i >= 100 && (!snapshot.Up || snapshot.LastSuccess.Before(began)) {
				t.Fatalf("merchant %d was starved: %+v", i, snapshot)
			}
		}
		time.Sleep(time.Hour) // on the fake clock: queries under way end
	})
}

// Of those that may begin, the first to come does, healthy or not.
func TestLimiterKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(1, 0)
		var order []int
		for i, failing := range []bool{false, true, false, false, true, true, false} {
			limiter.start(failing, func() {
				time.Sleep(time.Second)
				order = append(order, i) // one at a time
			})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 5, 6}; !slices.Equal(order, want) {
			t.Errorf("they began in the order %v", order)
		}
	})
}

// The failing never take more than a quarter of all places, but at least one.
func TestLimiterHoldsTheFailingBack(t *testing.T) {
	t.Parallel()
	for places, want := range map[int]int{1: 1, 3: 1, 4: 1, 8: 2, 32: 8} {
		synctest.Test(t, func(t *testing.T) {
			limiter, together := NewLimiter(places, 0), load{}
			for range 100 {
				limiter.start(true, func() {
					together.add(1)
					time.Sleep(time.Second)
					together.add(-1)
				})
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if together.most != want || together.now != 0 {
				t.Errorf("of %d places %d were taken at once, want %d", places, together.most, want)
			}
		})
	}
}

// The hub gets no more requests a second than allowed, burst apart, whatever
// the queries turn out to take.
func TestLimiterLimitsRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(1000, 10)
		began := time.Now()
		const queries, took = 100, 3 // three requests each, two of them foreseen
		for range queries {
			const foreseen = 2
			if err := limiter.waitForRequests(t.Context(), foreseen); err != nil {
				t.Fatal(err)
			}
			limiter.countExtraRequests(took - foreseen)
		}
		if got, want := time.Since(began), time.Duration((queries-1)*took-10)*time.Second/10; got < want-time.Second || got > want+time.Second {
			t.Errorf("%d requests took %s, want %s", queries*took, got, want)
		}
	})
}
