package collector

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds limit what all merchants together ask of the hub. Queries wait for
// their turn in the order of their coming. A query that waits is a place in a
// line and no goroutine: ten thousand that are due at once would be as many
// stacks.
type Bounds struct {
	requests *rate.Limiter

	mu   sync.Mutex
	free int // how many more queries may be under way
	came uint64
	// healthy and doubtful are the lines of merchants whose latest query
	// succeeded, or failed. Those that fail may take all of their time-out, and
	// must not take all places with them.
	healthy, doubtful line
}

// line is queries that wait.
type line struct {
	free    int // how many more of this line may be under way
	waiting []turn
}

// turn is one query that waits.
type turn struct {
	came  uint64 // its place among all that came
	query func()
}

// NewBounds returns bounds of so many queries at once, at least 1, and so many
// requests a second; 0 means no limit of these.
func NewBounds(concurrency int, perSecond float64) *Bounds {
	return &Bounds{
		requests: NewRequestLimiter(perSecond),
		free:     concurrency,
		healthy:  line{free: concurrency},
		doubtful: line{free: max(1, concurrency/4)},
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

// do lets query run as soon as its turn comes, and does not wait for it.
func (b *Bounds) do(doubtful bool, query func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	waits := &b.healthy
	if doubtful {
		waits = &b.doubtful
	}
	b.came++
	waits.waiting = append(waits.waiting, turn{b.came, query})
	if from, next := b.next(); next != nil {
		go b.work(from, next)
	}
}

// work runs a query from a line, and then whichever are next, until none is.
func (b *Bounds) work(from *line, query func()) {
	for query != nil {
		query()
		from, query = b.after(from)
	}
}

// after ends a query from a line and begins the next one.
func (b *Bounds) after(from *line) (*line, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free++
	from.free++
	return b.next()
}

// next takes the query out of its line that has waited longest of those that
// may begin; nil if none may. It wants the lock.
func (b *Bounds) next() (*line, func()) {
	if b.free == 0 {
		return nil, nil
	}
	var first *line
	for _, l := range []*line{&b.healthy, &b.doubtful} {
		if l.free > 0 && len(l.waiting) > 0 && (first == nil || l.waiting[0].came < first.waiting[0].came) {
			first = l
		}
	}
	if first == nil {
		return nil, nil
	}
	b.free--
	first.free--
	query := first.waiting[0].query
	first.waiting[0] = turn{} // or the line would keep it from being collected
	first.waiting = first.waiting[1:]
	return first, query
}

// await waits until so many requests may be sent.
func (b *Bounds) await(ctx context.Context, requests int) error {
	if err := b.requests.WaitN(ctx, requests); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}

// exceed tells that so many requests were sent beyond those that were awaited:
// they are sent already, so later queries wait for them.
func (b *Bounds) exceed(requests int) { b.requests.ReserveN(time.Now(), max(0, requests)) }
