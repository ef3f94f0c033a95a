package collector

import (
	"context"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// Bounds limit what all merchants together ask of the hub. Queries wait for
// their turn in the order of their coming.
type Bounds struct {
	slots *semaphore.Weighted
	// doubtful are the slots for merchants whose latest query failed. These
	// may take all of their time-out, and must not take all slots with them.
	doubtful *semaphore.Weighted
	requests *rate.Limiter
}

// NewBounds returns bounds of so many queries at once, at least 1, and so many
// requests a second; 0 means no limit of these.
func NewBounds(concurrency int, perSecond float64) *Bounds {
	limit, burst := rate.Inf, 0
	if perSecond > 0 {
		// A query takes two requests at the least when there is no token.
		limit, burst = rate.Limit(perSecond), max(2, int(math.Ceil(perSecond)))
	}
	return &Bounds{
		slots:    semaphore.NewWeighted(int64(concurrency)),
		doubtful: semaphore.NewWeighted(int64(max(1, concurrency/4))),
		requests: rate.NewLimiter(limit, burst),
	}
}

// enter waits until a query of so many requests may begin, and returns what
// to call with the number of requests that it really took.
func (b *Bounds) enter(ctx context.Context, doubtful bool, requests int) (leave func(took int), err error) {
	turns := []*semaphore.Weighted{b.slots}
	if doubtful {
		turns = []*semaphore.Weighted{b.doubtful, b.slots}
	}
	for i, turn := range turns {
		if err := turn.Acquire(ctx, 1); err != nil {
			release(turns[:i])
			return nil, fmt.Errorf("waiting for a turn: %w", err)
		}
	}
	if err := b.requests.WaitN(ctx, requests); err != nil {
		release(turns)
		return nil, fmt.Errorf("waiting for a turn: %w", err)
	}
	return func(took int) {
		// What was sent beyond that is sent already: later queries wait for it.
		b.requests.ReserveN(time.Now(), max(0, took-requests))
		release(turns)
	}, nil
}

func release(turns []*semaphore.Weighted) {
	for _, turn := range turns {
		turn.Release(1)
	}
}
