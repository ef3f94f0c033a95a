package main

import (
	"time"

	"payple_exporter/config"
	"payple_exporter/hub"
	"payple_exporter/hub/hubtest"
	"payple_exporter/threshold"
)

// demoKey is the custKey of every simulated merchant. It opens nothing.
const demoKey = "simulated-key-1"

// demoPartners are the simulated merchants: one in each state that a person
// should have seen before it happens to them.
func demoPartners() []hubtest.Partner {
	const million = 1_000_000
	return []hubtest.Partner{
		{CstID: "healthy", CustKey: demoKey, Plan: hubtest.Plan{
			Start: hubtest.Figures{Total: 500 * million, Transferred: 56 * million},
			Events: []hubtest.Event{
				{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 2 * million},
				{After: 6 * time.Hour, Every: 6 * time.Hour, TopUp: 24 * million},
			},
		}},
		{CstID: "draining", CustKey: demoKey, Plan: hubtest.Plan{
			Start:          hubtest.Figures{Total: 120 * million, Transferred: 84 * million},
			DrainPerMinute: million,
		}},
		{CstID: "nearly-empty", CustKey: demoKey, Plan: hubtest.Plan{
			Start: hubtest.Figures{Total: 80 * million, Transferred: 75_600_000},
		}},
		{CstID: "empty", CustKey: demoKey, Plan: hubtest.Plan{
			Start: hubtest.Figures{Total: 30 * million, Transferred: 30 * million},
		}},
		{CstID: "key-refused", CustKey: "another-key-than-the-one-in-use", Plan: hubtest.Plan{
			Start: hubtest.Figures{Total: 10 * million},
		}},
	}
}

// demoConfig returns the configuration that asks the simulated hub at url.
func demoConfig(url string, minInterval time.Duration, levels threshold.Levels) config.Config {
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
