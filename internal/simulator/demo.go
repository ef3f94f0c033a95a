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
	return []Partner{
		{CstID: "healthy", CustKey: DemoKey, Plan: Plan{
			Start: Figures{Total: 500 * million, Transferred: 56 * million},
			Events: []Event{
				{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 2 * million},
				{After: 6 * time.Hour, Every: 6 * time.Hour, TopUp: 24 * million},
			},
		}},
		{CstID: "draining", CustKey: DemoKey, Plan: Plan{
			Start:          Figures{Total: 120 * million, Transferred: 84 * million},
			DrainPerMinute: million,
		}, Faults: []TimedFault{
			// While it is low nobody can see it, and at minute 36 nothing is left.
			{From: 26 * time.Minute, Until: 34 * time.Minute, Fault: Status(http.StatusServiceUnavailable, hub.ReasonHTTPStatus)},
		}},
		{CstID: "running-low", CustKey: DemoKey, Plan: Plan{
			Start: Figures{Total: 60 * million, Transferred: 51 * million},
		}},
		{CstID: "nearly-empty", CustKey: DemoKey, Plan: Plan{
			Start: Figures{Total: 80 * million, Transferred: 75_600_000},
		}},
		{CstID: "empty", CustKey: DemoKey, Plan: Plan{
			Start: Figures{Total: 30 * million, Transferred: 30 * million},
		}},
		{CstID: "key-refused", CustKey: "another-key-than-the-one-in-use", Plan: Plan{
			Start: Figures{Total: 10 * million},
		}},
		{CstID: "bank-maintenance", CustKey: DemoKey, Plan: Plan{
			Start: Figures{Total: 200 * million, Transferred: 60 * million},
		}, Faults: bankMaintenance()},
	}
}

// bankMaintenance is ten minutes without answers in every half hour of a week:
// so long that the figures in memory become too old, and it ends by itself.
func bankMaintenance() []TimedFault {
	const every, lasts, week = 30 * time.Minute, 10 * time.Minute, 7 * 24 * time.Hour
	var faults []TimedFault
	for from := 2 * time.Minute; from < week; from += every {
		faults = append(faults, TimedFault{From: from, Until: from + lasts, Fault: Result("T0996", hub.ReasonClosed)})
	}
	return faults
}
