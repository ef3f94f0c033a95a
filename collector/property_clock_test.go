package collector

import (
	"testing"
	"time"
	"unsafe"
)

// steppedClock is a clock whose wall time can be set while its monotonic
// reading goes on undisturbed, as NTP or a person sets it. A machine that was
// suspended looks the same: its monotonic clock, and all timers, stood still
// while the wall clock went on.
//
// It is for a synctest bubble, whose own times have no monotonic reading.
type steppedClock struct {
	base  time.Time     // of outside the bubble: it has both readings
	start time.Time     // the same moment in the bubble
	off   time.Duration // how far the wall clock was set
}

func (c *steppedClock) step(by time.Duration) { c.off += by }

// at returns the time after so long, with the wall clock as far off as told.
func (c *steppedClock) at(since, off time.Duration) time.Time {
	return withWall(c.base.Add(since), off)
}

func (c *steppedClock) now() time.Time { return c.at(time.Since(c.start), c.off) }

// withWall moves the wall clock reading of a time, and not its monotonic one.
// Package time has no way to do so, because only the operating system does.
func withWall(t time.Time, off time.Duration) time.Time {
	moved := t.Add(off) // moves both readings
	reading := (*struct {
		_         uint64
		monotonic int64
		_         *time.Location
	})(unsafe.Pointer(&moved))
	reading.monotonic -= int64(off)
	return moved
}

// The tests below are worth nothing if the clock does not do what it says.
func TestSteppedClock(t *testing.T) {
	t.Parallel()
	if unsafe.Sizeof(time.Time{}) != 24 {
		t.Fatal("package time has changed: withWall has to follow")
	}
	for _, off := range []time.Duration{0, time.Nanosecond, -time.Hour, 8 * time.Hour, -400 * 24 * time.Hour} {
		now := time.Now()
		stepped := withWall(now, off)
		if mono, wall := stepped.Sub(now), stepped.Round(0).Sub(now.Round(0)); mono != 0 || wall != off {
			t.Errorf("stepped by %s: the monotonic reading moves by %s, the wall clock by %s", off, mono, wall)
		}
		if later := stepped.Add(time.Second); later.Sub(now) != time.Second {
			t.Errorf("stepped by %s: a second later is %s", off, later.Sub(now))
		}
	}
}
