package weeks

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var (
	days   = flag.Int("days", 4, "how many days are judged; the table in docs/alerts.md is of 14")
	update = flag.Bool("update", false, "write the table into docs/alerts.md")
)

const million = 1e6

// at reports whether it is that minute of the day.
func at(now, hour, minute int) bool { return now%day == hour*60+minute }

// between reports whether the hour of the day is from and not yet to.
func between(now, from, to int) bool { hour := now % day / 60; return hour >= from && hour < to }

// judged is a minute of the days that are judged: 0 is the first one's midnight.
func judged(days, hour, minute int) int { return 9*day + days*day + hour*60 + minute }

// jitter is a number of minutes up to so many earlier or later, the same all day.
func jitter(now, most, seed int) int { return (now/day*7919+seed*104729)%(2*most+1) - most }

// batch pays once a day at about that hour.
func batch(m *merchant, now, hour, late int, won float64) {
	if now%day == hour*60+late {
		m.pay(won, now)
	}
}

func idle(*merchant, int) {}

var low = map[string]float64{"amount": 5 * million}

func hubOf(reason string, when func(now int) bool) func(*merchant, int) string {
	return func(_ *merchant, now int) string {
		if when(now) {
			return reason
		}
		return ""
	}
}

func scrapeFails(when func(m *merchant, now int) bool) func(*merchant, int) bool {
	return func(m *merchant, now int) bool { return now >= before && when(m, now) }
}

// profiles are ways in which money comes and goes in real life.
var profiles = []profile{
	{
		name: "a batch a day, topped up before it", remain: 150 * million,
		live: func(m *merchant, now int) {
			if at(now, 9, 0) {
				m.topUp(100 * million)
			}
			batch(m, now, 10, 30, 100*million)
		},
	},
	{
		name: "a batch a day of 20 to 60 %, 45 minutes early or late", remain: 300 * million,
		live: func(m *merchant, now int) {
			if at(now, 8, 0) {
				m.topUp(300*million - m.remain)
			}
			batch(m, now, 10, jitter(now, 45, 1), 300*million*float64(40+jitter(now, 20, 2))/100)
		},
	},
	{
		name: "a batch each half hour, until nothing is left", remain: 480 * 9.4 * million,
		live: func(m *merchant, now int) {
			if now%30 == 0 {
				m.pay(10*million, now)
			}
		},
		expected: "TransferRunwayShort|TransferLimitExhausted", pages: 2, tickets: 1, lead: 150,
	},
	{
		name: "office hours, topped up each morning", remain: 150 * million,
		live: func(m *merchant, now int) {
			if at(now, 8, 0) {
				m.topUp(150*million - m.remain)
			}
			if between(now, 9, 18) {
				m.pay(100*million/540, now)
			}
		},
	},
	{
		name: "a steady drain, until nothing is left", remain: (before + 60*60) * 0.1 * million,
		live:     func(m *merchant, now int) { m.pay(0.1*million, now) },
		expected: "TransferRunwayShort|TransferLimitExhausted", pages: 2, tickets: 1, lead: 220,
	},
	{
		name: "the same, from an exporter that restarts each hour", remain: (before + 60*60) * 0.1 * million,
		live: func(m *merchant, now int) {
			if now%60 == 0 {
				m.out, m.in = 0, 0
			}
			m.pay(0.1*million, now)
		},
		expected: "TransferRunwayShort|TransferLimitExhausted", pages: 2, tickets: 1, lead: 220,
	},
	{
		name: "a leak in the night: nothing, and then all within eight hours", remain: 480 * million,
		live: func(m *merchant, now int) {
			if now >= judged(1, 1, 0) && m.remain > 0 {
				m.pay(million, now)
			}
		},
		expected: "TransferRunwayShort|TransferLimitExhausted", pages: 2, tickets: 1, lead: 220,
	},
	{
		name: "the month's end: three times as much, topped up by half", remain: 200 * million,
		live: func(m *merchant, now int) {
			if at(now, 8, 0) {
				m.topUp(200*million - m.remain)
			}
			if between(now, 9, 18) {
				won := 100 * million / 540.0
				if now/day == judged(1, 0, 0)/day {
					won *= 3
				}
				if m.remain > 0 {
					m.pay(min(won, m.remain), now)
				}
			}
		},
		expected: "TransferRunwayShort|TransferLimitExhausted", pages: 2, tickets: 1, lead: 90,
	},
	{
		name: "totals that begin again at midnight", remain: 200 * million,
		live: func(m *merchant, now int) {
			if at(now, 0, 0) {
				m.remain, m.account, m.transferred = 200*million, 200*million, 0
			}
			m.pay(120*million/day, now)
		},
		expected: "TransferRunwayShort", tickets: 14,
	},
	{
		name: "topped up by hand each Monday", remain: 0,
		live: func(m *merchant, now int) {
			if now%(7*day) == 9*60 {
				m.topUp(750*million - m.remain)
			}
			if now > 9*60 {
				m.pay(100*million/day, now)
			}
		},
		expected: "TransferRunwayShort", tickets: 3,
	},
	{
		name: "topped up by a robot each time that an hour's payouts are left", remain: 10 * million,
		live: func(m *merchant, now int) {
			if m.remain < 6*million {
				m.topUp(12 * million)
			}
			m.pay(0.1*million, now)
		},
	},
	{
		name: "pays out what comes in", remain: 5 * million,
		live: func(m *merchant, now int) { m.topUp(0.2 * million); m.pay(0.2*million, now) },
	},
	{
		name: "ten percent up and down about a threshold, each hour", remain: 5 * million, warning: low,
		live: func(m *merchant, now int) {
			switch now % 60 {
			case 0:
				m.pay(0.5*million, now)
			case 30:
				m.topUp(0.5 * million)
			}
		},
		expected: "TransferLimitLow", tickets: 1,
	},
	{
		name: "the same, each day", remain: 5.4 * million, warning: low,
		live: func(m *merchant, now int) {
			if at(now, 6, 0) {
				m.pay(0.8*million, now)
			}
			if at(now, 18, 0) {
				m.topUp(0.8 * million)
			}
		},
		expected: "TransferLimitLow", tickets: 28,
	},
	{
		name: "a top-up that was forgotten", remain: 30 * million, critical: map[string]float64{"need_ratio": 1.2},
		live: func(m *merchant, now int) {
			if at(now, 9, 0) && now < judged(1, 0, 0) {
				m.topUp(100 * million)
			}
			batch(m, now, 11, 0, 100*million)
		},
		expected: "TransferLimitShortOfNeed", pages: 7, lead: 60,
	},
	{
		name: "a batch a day and its top-up, each 20 minutes early or late", remain: 60 * million, critical: map[string]float64{"need_ratio": 1.2},
		live: func(m *merchant, now int) {
			if now%day == 9*60+jitter(now, 20, 3) {
				m.topUp(100 * million)
			}
			batch(m, now, 11, jitter(now, 20, 4), 100*million)
		},
	},
	{
		name: "a hub that is closed from 23:00 to 01:00", remain: 444 * million, warning: low,
		live: idle, hub: hubOf("closed", func(now int) bool { return between(now, 23, 24) || between(now, 0, 1) }),
	},
	{
		name: "the same, of what is low when it closes", remain: 4 * million, critical: low,
		live: idle, hub: hubOf("closed", func(now int) bool { return between(now, 23, 24) || between(now, 0, 1) }),
		expected: "TransferLimitLow|TransferLimitLostWhileLow", pages: 30,
	},
	{
		name: "a steady drain whose last hours fall into a closed hub", remain: 80*60*0.1*million + before*0.001*million,
		live: func(m *merchant, now int) {
			if now >= judged(0, 20, 0) && m.remain > 0 {
				m.pay(0.5*million, now)
			}
		},
		hub:      hubOf("closed", func(now int) bool { return between(now, 23, 24) || between(now, 0, 1) }),
		expected: "TransferRunwayShort|TransferLimitLostWhileLow|TransferLimitExhausted|HubFailing", pages: 20, tickets: 2, lead: 180,
	},
	{
		name: "nothing left, seen at every second scrape", remain: 300 * million,
		live: func(m *merchant, now int) {
			if now == before+60 {
				m.pay(300*million, now)
			}
		},
		unanswered: scrapeFails(func(_ *merchant, now int) bool { return now%2 == 0 }),
		expected:   "TransferLimitExhausted|TransferRunwayShort|ExporterFlapping", pages: 2, tickets: 2, lead: -5,
	},
	{
		name: "half of the scrapes fail, at random", remain: 300 * million,
		live:       func(m *merchant, now int) { m.topUp(0.1 * million); m.pay(0.1*million, now) },
		unanswered: scrapeFails(func(m *merchant, _ int) bool { return m.rand.IntN(2) == 0 }),
		expected:   "ExporterFlapping", tickets: 3,
	},
	{
		name: "two of four scrapes fail", remain: 300 * million,
		live:       func(m *merchant, now int) { m.topUp(0.1 * million); m.pay(0.1*million, now) },
		unanswered: scrapeFails(func(_ *merchant, now int) bool { return now%4 < 2 }),
		expected:   "ExporterFlapping", tickets: 2,
	},
	{
		name: "an exporter that is dead for three days", remain: 300 * million,
		live:       idle,
		unanswered: scrapeFails(func(_ *merchant, now int) bool { return now >= judged(0, 3, 0) && now < judged(3, 3, 0) }),
		expected:   "ExporterDown", pages: 1,
	},
	{
		name: "a hub that does not answer for three days, of what was low", remain: 4 * million, warning: low,
		live:     idle,
		hub:      hubOf("timeout", func(now int) bool { return now >= judged(0, 3, 0) && now < judged(3, 3, 0) }),
		expected: "TransferLimitLow|TransferLimitUnknown|TransferLimitLostWhileLow|DataStale|QueryFailing", pages: 3, tickets: 3,
	},
	{
		name: "another account under the same name", remain: 9e5 * million,
		live: func(m *merchant, now int) {
			if now == judged(1, 10, 0) {
				*m = merchant{remain: 50 * million, account: 600 * million, transferred: 550 * million, empty: -1, rand: m.rand}
			}
			if now < judged(1, 10, 0) {
				m.pay(10*million, now)
			}
		},
		account:    func(now int) string { return map[bool]string{true: "new", false: "old"}[now >= judged(1, 10, 0)] },
		unanswered: scrapeFails(func(_ *merchant, now int) bool { return now >= judged(1, 10, 0) && now < judged(1, 10, 12) }),
		expected:   "ExporterDown", pages: 1,
	},
}

// Invariant: a profile pages as often as it may, never for something else, and soon enough.
func TestWeeks(t *testing.T) {
	outcomes := play(t, profiles, *days)
	for _, p := range profiles {
		o := outcomes[p.name]
		t.Logf("%-75s %d pages, %d tickets, wrong %v, ran out %v, lead %d", p.name, o.pages, o.tickets, o.wrong, o.ranOut, o.lead)
		if len(o.wrong) > 0 {
			t.Errorf("%s: false alerts %v", p.name, o.wrong)
		}
		if o.pages > p.pages || o.tickets > p.tickets {
			t.Errorf("%s: %d pages and %d tickets, want at most %d and %d", p.name, o.pages, o.tickets, p.pages, p.tickets)
		}
		if p.lead != 0 && !o.ranOut || o.ranOut && (o.pages == 0 || o.lead < p.lead) {
			t.Errorf("%s: ran out %v, paged %d minutes before, want at least %d", p.name, o.ranOut, o.lead, p.lead)
		}
	}
	if *update && !t.Failed() {
		writeTable(t, outcomes)
	}
}

const (
	document = "../../docs/alerts.md"
	begins   = "<!-- generated: weeks -->\n"
	ends     = "<!-- end: weeks -->\n"
)

// Invariant: the table in the documentation speaks of the profiles that are played.
func TestTableNamesTheProfiles(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range profiles {
		if !strings.Contains(string(text), "| "+p.name+" ") {
			t.Errorf("%s lacks %q: go test -C alerts/weeks -days 14 -update", document, p.name)
		}
	}
}

func writeTable(t *testing.T, outcomes map[string]outcome) {
	t.Helper()
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(content), begins)
	_, tail, foundEnd := strings.Cut(rest, ends)
	if !found || !foundEnd {
		t.Fatalf("%s lacks %q and %q", document, begins, ends)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n| profile, %d days, 24h and 4h unless named | pages (at most) | tickets (at most) | paged before nothing was left (at least) |\n|---|---|---|---|\n", *days)
	for _, p := range profiles {
		o := outcomes[p.name]
		lead := "–"
		if o.ranOut {
			lead = fmt.Sprintf("%d min (%d)", o.lead, p.lead)
		}
		name := p.name
		if others := thresholds(p); others != "24h, 4h" {
			name += " (" + others + ")"
		}
		fmt.Fprintf(&b, "| %s | %d (%d) | %d (%d) | %s |\n", name, o.pages, p.pages, o.tickets, p.tickets, lead)
	}
	b.WriteString("\n")
	if err := os.WriteFile(document, []byte(head+begins+b.String()+ends+tail), 0o600); err != nil {
		t.Fatal(err)
	}
}

func thresholds(p profile) string {
	if p.warning == nil && p.critical == nil {
		return "24h, 4h"
	}
	var texts []string
	for _, levels := range []map[string]float64{p.warning, p.critical} {
		for _, kind := range slices.Sorted(maps.Keys(levels)) {
			if kind == "amount" {
				texts = append(texts, fmt.Sprintf("₩%.0f", levels[kind]))
			} else {
				texts = append(texts, fmt.Sprintf("%gx", levels[kind]))
			}
		}
	}
	return strings.Join(texts, ", ")
}
