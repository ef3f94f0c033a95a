package app

import (
	"net/http"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
)

// demoKey is the custKey of every simulated merchant. It opens nothing.
const demoKey = "simulated-key-1"

// demoPartners are the simulated merchants: between them, within the first
// half hour, each state that a person should have seen before it happens to
// them.
func demoPartners() []simulator.Partner {
	const million = 1_000_000
	return []simulator.Partner{
		{CstID: "healthy", CustKey: demoKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 500 * million, Transferred: 56 * million},
			Events: []simulator.Event{
				{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 2 * million},
				{After: 6 * time.Hour, Every: 6 * time.Hour, TopUp: 24 * million},
			},
		}},
		{CstID: "draining", CustKey: demoKey, Plan: simulator.Plan{
			Start:          simulator.Figures{Total: 120 * million, Transferred: 84 * million},
			DrainPerMinute: million,
		}, Faults: []simulator.TimedFault{
			// While it is low nobody can see it, and at minute 36 nothing is left.
			{From: 26 * time.Minute, Until: 34 * time.Minute, Fault: simulator.Status(http.StatusServiceUnavailable, hub.ReasonHTTPStatus)},
		}},
		{CstID: "running-low", CustKey: demoKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 60 * million, Transferred: 51 * million},
		}},
		{CstID: "nearly-empty", CustKey: demoKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 80 * million, Transferred: 75_600_000},
		}},
		{CstID: "empty", CustKey: demoKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 30 * million, Transferred: 30 * million},
		}},
		{CstID: "key-refused", CustKey: "another-key-than-the-one-in-use", Plan: simulator.Plan{
			Start: simulator.Figures{Total: 10 * million},
		}},
		{CstID: "bank-maintenance", CustKey: demoKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: 200 * million, Transferred: 60 * million},
		}, Faults: bankMaintenance()},
	}
}

// bankMaintenance is ten minutes without answers in every half hour of a week:
// so long that the figures in memory become too old, and it ends by itself.
func bankMaintenance() []simulator.TimedFault {
	const every, lasts, week = 30 * time.Minute, 10 * time.Minute, 7 * 24 * time.Hour
	var faults []simulator.TimedFault
	for from := 2 * time.Minute; from < week; from += every {
		faults = append(faults, simulator.TimedFault{From: from, Until: from + lasts, Fault: simulator.Result("T0996", hub.ReasonRejected)})
	}
	return faults
}

// demoConfig returns the configuration that asks the simulated hub at url.
func demoConfig(url string, minInterval time.Duration, levels config.Levels) config.Config {
	demo := config.Config{MinInterval: minInterval}
	for _, partner := range demoPartners() {
		demo.Merchants = append(demo.Merchants, config.Merchant{
			Name: partner.CstID, CstID: partner.CstID,
			Key:        hub.FixedKey(hub.NewSecret(demoKey), "the demo"),
			Hub:        config.Hub{Label: "demo", URL: url},
			Thresholds: levels,
		})
	}
	return demo
}
