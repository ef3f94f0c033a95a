package collector

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter bounds what all merchants together ask of the hub. Queries wait in
// the order in which they came. A query that waits is an entry in a queue and no
// goroutine: ten thousand that are due at once would be as many stacks.
type Limiter struct {
	requests *rate.Limiter

	mu       sync.Mutex
	free     int    // how many more queries may be under way
	arrivals uint64 // how many queries have come
	// healthy and failing are the queries of merchants whose latest query
	// succeeded, or failed. Those that fail may take all of their time-out, and
	// must not take all places with them.
	healthy, failing queue
}

// queue is queries that wait.
type queue struct {
	free    int // how many more of this queue may be under way
	waiting []waiter
}

// waiter is one query that waits.
type waiter struct {
	number uint64 // among all arrivals
	query  func()
}

// NewLimiter returns a limiter to so many queries at once, at least 1, and so
// many requests a second; 0 means no limit of these.
func NewLimiter(concurrency int, perSecond float64) *Limiter {
	return &Limiter{
		requests: NewRequestLimiter(perSecond),
		free:     concurrency,
		healthy:  queue{free: concurrency},
		failing:  queue{free: max(1, concurrency/4)},
	}
}

// NewRequestLimiter returns a limiter of so many requests a second to the hub; 0
// means no limit. A query without a token takes two requests at once.
func NewRequestLimiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(2, int(math.Ceil(perSecond))))
}

// start runs a query as soon as there is a place for it, and does not wait for
// it. failing says that the merchant's latest query failed.
func (l *Limiter) start(failing bool, query func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := &l.healthy
	if failing {
		to = &l.failing
	}
	l.arrivals++
	to.waiting = append(to.waiting, waiter{l.arrivals, query})
	if from, next := l.next(); next != nil {
		go l.work(from, next)
	}
}

// work runs a query from a queue, and then the next ones, until there is none.
func (l *Limiter) work(from *queue, query func()) {
	for query != nil {
		query()
		from, query = l.release(from)
	}
}

// release gives back the place of a query from a queue, and takes it for the
// next one.
func (l *Limiter) release(from *queue) (*queue, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free++
	from.free++
	return l.next()
}

// next takes the query out of its queue that has waited longest of those that
// may begin; nil if none may. mu must be held.
func (l *Limiter) next() (*queue, func()) {
	if l.free == 0 {
		return nil, nil
	}
	var first *queue
	for _, q := range []*queue{&l.healthy, &l.failing} {
		if q.free > 0 && len(q.waiting) > 0 && (first == nil || q.waiting[0].number < first.waiting[0].number) {
			first = q
		}
	}
	if first == nil {
		return nil, nil
	}
	l.free--
	first.free--
	query := first.waiting[0].query
	first.waiting[0] = waiter{} // or the queue would keep it from being collected
	first.waiting = first.waiting[1:]
	return first, query
}

// waitForRequests waits until so many requests may be sent.
func (l *Limiter) waitForRequests(ctx context.Context, requests int) error {
	if err := l.requests.WaitN(ctx, requests); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}

// countExtraRequests counts requests beyond those that were waited for: they
// are sent already, so later queries wait for them.
func (l *Limiter) countExtraRequests(requests int) {
	l.requests.ReserveN(time.Now(), max(0, requests))
}
