package simulator

import (
	"net/http"
	"time"

	"payple_exporter/hub"
)

// DemoKey is the custKey of every simulated merchant. It opens nothing.
const DemoKey = "simulated-key-1"

// DemoPartners returns the simulated merchants: between them, within the first
// half hour, each state that a person should have seen before it happens to
// them.
func DemoPartners() []Partner {
	const million = 1_000_000
	partner := func(cstID string, total, transferred hub.Won) Partner {
		return Partner{CstID: cstID, CustKey: DemoKey, Plan: Plan{Start: Figures{total, transferred}}}
	}
	healthy := partner("healthy", 500*million, 56*million)
	healthy.Plan.Events = []Event{
		{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 2 * million},
		{After: 6 * time.Hour, Every: 6 * time.Hour, TopUp: 24 * million},
	}
	draining := partner("draining", 120*million, 84*million)
	draining.Plan.DrainPerMinute = million
	draining.Faults = []TimedFault{
		// While it is low nobody can see it, and at minute 36 nothing is left.
		{From: 26 * time.Minute, Until: 34 * time.Minute, Fault: Status(http.StatusServiceUnavailable, hub.ReasonHTTPStatus)},
	}
	refused := partner("key-refused", 10*million, 0)
	refused.CustKey = "another-key-than-the-one-in-use"
	closed := partner("bank-maintenance", 200*million, 60*million)
	// Ten minutes without answers in every half hour of a week: so long that the
	// figures in memory become too old, and it ends by itself.
	const every, lasts, week = 30 * time.Minute, 10 * time.Minute, 7 * 24 * time.Hour
	for from := 2 * time.Minute; from < week; from += every {
		closed.Faults = append(closed.Faults, TimedFault{From: from, Until: from + lasts, Fault: Result("T0996", hub.ReasonClosed)})
	}
	return []Partner{
		healthy, draining,
		partner("running-low", 60*million, 51*million), partner("nearly-empty", 80*million, 75_600_000), partner("empty", 30*million, 30*million),
		refused, closed,
	}
}
