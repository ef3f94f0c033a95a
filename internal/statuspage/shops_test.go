package statuspage_test

import (
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
)

// shop is a merchant of a pageStand.
type shop struct {
	name string // cst_id is the same, but for "서울상점"
	plan simulator.Plan
	// warning and critical are thresholds as a person writes them; none means
	// the defaults.
	warning, critical []string
	// broken is the fault that the merchant ends with, for the last brokenFor.
	broken    string
	brokenFor time.Duration
}

// lived is for how long the merchants of a pageStand have been watched.
const lived = 75 * time.Minute

const million hub.Won = 1_000_000

// shops are merchants in all conditions, in an order that is not the
// page's.
func shops() map[string]shop {
	all := []shop{
		{name: "hanbit-market", plan: simulator.Plan{
			Start:  simulator.Figures{Total: 500 * million, Transferred: 56 * million},
			Events: []simulator.Event{{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 12 * million}},
		}},
		{
			name: "서울상점", warning: []string{"30000000", "24h"}, critical: []string{"10000000"},
			plan: simulator.Plan{
				Start: simulator.Figures{Total: 120 * million, Transferred: 20 * million}, DrainPerMinute: million,
				Events: []simulator.Event{{After: 50 * time.Minute, TopUp: 15 * million}},
			},
		},
		{name: "narae-books", plan: simulator.Plan{
			Start: simulator.Figures{Total: 80 * million, Transferred: 74 * million}, DrainPerMinute: 20_000,
		}},
		{name: "dalbit", plan: simulator.Plan{
			Start: simulator.Figures{Total: 30 * million, Transferred: 10 * million}, DrainPerMinute: 400_000,
		}},
		{
			name: "gaon-delivery", broken: "result=T0300", brokenFor: lived + time.Hour,
			plan: simulator.Plan{Start: simulator.Figures{Total: 10 * million}},
		},
		{
			name: "sori-music", broken: "status=503", brokenFor: 2 * time.Minute,
			plan: simulator.Plan{Start: simulator.Figures{Total: 900 * million, Transferred: 411 * million}},
		},
		{
			name: "mirae-travel", broken: "result=T0996", brokenFor: 23 * time.Minute,
			plan: simulator.Plan{Start: simulator.Figures{Total: 70 * million, Transferred: 8 * million}, DrainPerMinute: 300_000},
		},
		{ // was low, and is lost
			name: "haneul-tour", broken: "reset", brokenFor: 11 * time.Minute,
			plan: simulator.Plan{Start: simulator.Figures{Total: 40 * million, Transferred: 36_500_000}, DrainPerMinute: 10_000},
		},
		{ // had enough, and is refused now
			name: "onnuri", broken: "result=T0310", brokenFor: 3 * time.Minute, warning: []string{"8000000"}, critical: []string{"1d"},
			plan: simulator.Plan{Start: simulator.Figures{Total: 64 * million, Transferred: 12 * million}},
		},
	}
	named := make(map[string]shop)
	for _, s := range all {
		named[s.name] = s
	}
	return named
}

// pageStand is the exporter over a simulated hub, after its merchants have
// been scraped every 30 s for as long as they have lived.
func pageStand(t *testing.T, options statuspage.Options, names ...string) *stand.Stand {
	t.Helper()
	clock := &simulator.Clock{}
	clock.Advance(4 * time.Hour) // early afternoon
	var partners []simulator.Partner
	for _, name := range names {
		partners = append(partners, simulator.Partner{CstID: cstID(name), CustKey: stand.CustKey, Plan: shops()[name].plan})
	}
	s := stand.Start(t, clock, 8*time.Second, partners...)
	configuration := config.Config{MinInterval: 10 * time.Second}
	for _, name := range names {
		levels := must.Get(config.ParseLevels(shops()[name].warning, shops()[name].critical, config.DefaultLevels()))(t)
		configuration.Merchants = append(configuration.Merchants, config.Merchant{
			Name: name, CstID: cstID(name), Key: hub.FixedKey(hub.NewSecret(stand.CustKey), "test"),
			Hub: config.Hub{Label: "real", URL: s.URL}, Thresholds: levels,
		})
	}
	s.Merchants.Apply(configuration)
	options.Version, options.Wait = "1.0.0", 8*time.Second
	s.Serve(options)
	live(t, s, names)
	return s
}

func live(t *testing.T, s *stand.Stand, names []string) {
	t.Helper()
	const step = 30 * time.Second
	for left := lived; left > 0; left -= step {
		for _, name := range names {
			if one := shops()[name]; one.broken != "" && left <= one.brokenFor {
				must.Do(t, s.Hub.Apply(cstID(name), "", one.broken))
			}
		}
		s.Get(t, "/metrics")
		s.Clock.Advance(step)
	}
	s.Get(t, "/metrics")
	s.Clock.Advance(7 * time.Second)
}

// outage breaks the hub for all merchants, for so long that nothing is known.
func outage(t *testing.T, s *stand.Stand, names []string) {
	t.Helper()
	for _, name := range names {
		must.Do(t, s.Hub.Apply(cstID(name), "", "status=503"))
	}
	for range 20 {
		s.Clock.Advance(30 * time.Second)
		s.Get(t, "/metrics")
	}
	s.Clock.Advance(7 * time.Second)
}

// cstID is a partner id: these are of Latin letters.
func cstID(name string) string {
	if name == "서울상점" {
		return "seoul01"
	}
	return name
}

func everyShop() []string {
	return []string{"hanbit-market", "서울상점", "narae-books", "dalbit", "gaon-delivery", "sori-music", "mirae-travel", "haneul-tour", "onnuri"}
}
