package simulator

import (
	"time"

	"payple_exporter/hub"
)

// Figures are what a partner's account holds at one moment, in won.
type Figures struct {
	Total       hub.Won // total_account_amt
	Transferred hub.Won // total_transfer_amt
}

// Remain returns remain_amt.
func (f Figures) Remain() hub.Won { return f.Total - f.Transferred }

// pay moves amount to sellers, as far as it goes.
func (f *Figures) pay(amount hub.Won) {
	f.Transferred += max(0, min(amount, f.Remain()))
}

// Event moves money at a time after the simulation began, and again each
// Every after that if Every is positive.
type Event struct {
	After time.Duration
	Every time.Duration
	Pay   hub.Won // goes to sellers: a batch of payouts
	TopUp hub.Won // comes in: the account can draw on more
}

// Plan is how a partner's money moves: what it starts with, what flows out all
// the time, and what happens at certain moments. It is a pure function of the
// time since the simulation began.
type Plan struct {
	Start          Figures
	DrainPerMinute hub.Won
	Events         []Event
	// WeekBefore is what happened on each day of the week before, at times of
	// day that are counted from the beginning's; negative ones are before it.
	WeekBefore []Event
}

// At returns the figures once elapsed has passed since the beginning. Payouts
// beyond what remains are not made.
func (p Plan) At(elapsed time.Duration) Figures {
	figures, now := p.Start, time.Duration(0)
	for {
		next, found := p.nextEvent(now, elapsed)
		figures.pay(p.drained(next) - p.drained(now))
		if !found {
			return figures
		}
		for _, event := range p.Events {
			if event.firstAfter(next-1) == next {
				figures.Total += event.TopUp
				figures.pay(event.Pay)
			}
		}
		now = next
	}
}

// drained returns what flows out until elapsed, if there is enough.
func (p Plan) drained(elapsed time.Duration) hub.Won {
	return p.DrainPerMinute * hub.Won(elapsed/time.Millisecond) / 60_000
}

// nextEvent returns the time of the first event after now, or limit if there
// is none until then.
func (p Plan) nextEvent(now, limit time.Duration) (time.Duration, bool) {
	next, found := limit, false
	for _, event := range p.Events {
		if at := event.firstAfter(now); at > now && at <= next {
			next, found = at, true
		}
	}
	return next, found
}

// firstAfter returns the event's first time after now, or 0 if it has none.
func (e Event) firstAfter(now time.Duration) time.Duration {
	switch {
	case e.After > now:
		return e.After
	case e.Every <= 0:
		return 0
	}
	return now + e.Every - (now-e.After)%e.Every
}
