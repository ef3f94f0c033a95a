package simulator

import (
	"sync"
	"time"
)

// Clock is a time that only moves when it is told to. It begins on
// 2026-11-23, 09:00 in Seoul.
type Clock struct {
	mu     sync.Mutex
	passed time.Duration
}

// Now returns the time. It fits Options.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Add(c.passed)
}

// Advance lets d go by.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
