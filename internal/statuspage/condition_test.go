package statuspage

import (
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/test/must"
)

func levels(t *testing.T, warning, critical string) config.Levels {
	t.Helper()
	parsed := must.Get(config.ParseLevels(strings.Fields(warning), strings.Fields(critical), nil))(t)
	return parsed
}

// known is a merchant whose figures were given a moment ago.
func known(name string, remain, total hub.Won, levels config.Levels) collector.Snapshot {
	return collector.Snapshot{
		Merchant: collector.Merchant{Name: name, CstID: name, Hub: "real", Thresholds: levels},
		Known:    true, Attempted: true, Up: true,
		Limit: hub.Limit{Remain: remain, TotalAccount: total, TotalTransfer: total - remain},
	}
}

// failing is the same merchant after its latest query failed.
func failing(s collector.Snapshot, reason hub.Reason) collector.Snapshot {
	s.Up, s.Failure = false, &hub.Error{Reason: reason}
	return s
}

// subject is what the exporter knows of a merchant.
type subject struct {
	collector.Snapshot

	last remembered
}

// forgotten is a merchant whose figures have become too old.
func forgotten(s collector.Snapshot) subject {
	last := remembered{s.Limit, time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)}
	s.Known, s.Limit = false, hub.Limit{}
	return subject{s, last}
}

func (c subject) evaluate(index int, outflow history.Outflow) status {
	return evaluate(index, &c.Snapshot, c.last, outflow)
}

// A merchant is low exactly when an alert's expression would be true: below,
// not at, a threshold; by share only of a total above zero; by runway only at
// an outflow that was watched long enough. Nothing that fails afterwards makes that
// forgotten.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	const amounts, shares, runways = "5000000 | 1000000", "20% | 10%", "24h | 6h"
	settled := history.Outflow{Window: time.Hour, PerHour: 1_000_000, Paid: 1_000_000, Settled: true}
	early := settled
	early.Settled = false
	for _, test := range []struct {
		levels        string
		remain, total hub.Won
		outflow       history.Outflow
		want          condition
	}{
		{amounts, 5_000_000, 1e9, settled, fine},
		{amounts, 4_999_999, 1e9, settled, warning},
		{amounts, 1_000_000, 1e9, settled, warning},
		{amounts, 999_999, 1e9, settled, critical},
		{amounts, 1, 1e9, settled, critical},
		{amounts, 0, 1e9, settled, exhausted},
		{amounts, -1, 1e9, settled, exhausted},
		{shares, 24_000_000, 120_000_000, settled, fine},
		{shares, 23_999_999, 120_000_000, settled, warning},
		{shares, 11_999_999, 120_000_000, settled, critical},
		{shares, 5, 0, settled, fine},
		{shares, 5, -5, settled, fine},
		{shares, 0, 0, settled, exhausted},
		{runways, 24_000_000, 1e9, settled, fine},
		{runways, 23_999_000, 1e9, settled, warning},
		{runways, 5_999_000, 1e9, settled, critical},
		{runways, 5_999_000, 1e9, early, fine},
		{runways, 5_999_000, 1e9, history.Outflow{}, fine},
		{"5000000 24h | 1000000", 6_000_000, 1e9, settled, warning},
		{"5000000 24h | 1000000", 6_000_000, 1e9, history.Outflow{}, fine},
		{"5000000 | 10%", 90_000_000, 1e9, settled, critical},
		{" | ", 1, 1e9, settled, fine},
		{" | ", 0, 1e9, settled, exhausted},
	} {
		warn, crit, _ := strings.Cut(test.levels, "|")
		now := known("store", test.remain, test.total, levels(t, warn, crit))
		slow, denied := failing(now, hub.ReasonTimeout), failing(now, hub.ReasonAuth)
		low := test.want < fine
		for _, state := range []struct {
			name string
			subject
			want condition
		}{
			{"known", subject{Snapshot: now}, test.want},
			{"kept", subject{Snapshot: slow}, either(low, test.want, kept)},
			{"kept, refused", subject{Snapshot: denied}, either(low, test.want, keptRefused)},
			{"lost", forgotten(slow), either(low, lostLow, lost)},
			{"lost, refused", forgotten(denied), either(low, lostLow, refused)},
			{"not asked for long", forgotten(now), either(low, lostLow, lost)},
		} {
			if got := state.evaluate(0, test.outflow).condition; got != state.want {
				t.Errorf("%s, %d of %d against %s: condition %d, want %d", state.name, test.remain, test.total, test.levels, got, state.want)
			}
		}
	}
}

func either(first bool, a, b condition) condition {
	if first {
		return a
	}
	return b
}

// Without figures no merchant passes for one that can pay out.
func TestEvaluateWithoutFigures(t *testing.T) {
	t.Parallel()
	for _, reason := range hub.Reasons() {
		never := collector.Snapshot{Attempted: true, Failure: &hub.Error{Reason: reason}}
		if got := (subject{Snapshot: never}).evaluate(0, history.Outflow{}).condition; !got.attention() || got.answer() != unknown {
			t.Errorf("%s: condition %d", reason, got)
		}
		if got := forgotten(failing(known("store", 1e9, 2e9, nil), reason)).evaluate(0, history.Outflow{}).condition; !got.attention() || got.answer() != unknown {
			t.Errorf("%s, after a figure: condition %d", reason, got)
		}
	}
	if got := (subject{}).evaluate(0, history.Outflow{}).condition; got != asking {
		t.Errorf("not asked yet: condition %d", got)
	}
}

// Every merchant that the alert PaypleCredentialsRejected fires for, and no other, is
// shown as refused.
func TestRefusedAsTheAlertSays(t *testing.T) {
	t.Parallel()
	rules := must.Read(t, "../../alerts/payple.rules.yml")
	match := regexp.MustCompile(`payple_failure\{reason=~"([^"]*)"\}`).FindStringSubmatch(rules)
	if match == nil {
		t.Fatal("the alert's expression is not found")
	}
	rejected := strings.Split(match[1], "|")
	for _, reason := range hub.Reasons() {
		enough := failing(known("store", 1e9, 2e9, nil), reason)
		fires := slices.Contains(rejected, string(reason))
		if got, want := (subject{Snapshot: enough}).evaluate(0, history.Outflow{}).condition, either(fires, keptRefused, kept); got != want {
			t.Errorf("%s, with a figure: condition %d, want %d", reason, got, want)
		}
		if got, want := forgotten(enough).evaluate(0, history.Outflow{}).condition, either(fires, refused, lost); got != want {
			t.Errorf("%s, without a figure: condition %d, want %d", reason, got, want)
		}
	}
}

// Each condition has the runbook of the alert that fires for it: of what is low,
// that of the threshold that is hit, and of several the one furthest below.
func TestRunbookIsTheAlerts(t *testing.T) {
	t.Parallel()
	const low, ratioLow, runwayShort = "PaypleTransferLimitLow", "PaypleTransferLimitRatioLow", "PaypleTransferRunwayShort"
	outflow := history.Outflow{Window: time.Hour, PerHour: 1_000_000, Paid: 1_000_000, Settled: true}
	now := func(remain hub.Won, warn, crit string) subject {
		return subject{Snapshot: known("store", remain, 100_000_000, levels(t, warn, crit))}
	}
	after := func(c subject, reason hub.Reason) subject { return subject{Snapshot: failing(c.Snapshot, reason)} }
	lostAfter := func(c subject, reason hub.Reason) subject { return forgotten(failing(c.Snapshot, reason)) }
	for name, test := range map[string]struct {
		subject
		want string
	}{
		"enough":                         {now(90_000_000, "20%", "10%"), ""},
		"not asked yet":                  {subject{}, ""},
		"nothing left":                   {now(0, "20%", "10%"), "PaypleTransferLimitExhausted"},
		"amount, warning":                {now(9_000_000, "10000000", "5000000"), low},
		"amount, critical":               {now(4_000_000, "10000000", "5000000"), low},
		"ratio, warning":                 {now(19_000_000, "20%", "10%"), ratioLow},
		"ratio, critical":                {now(9_000_000, "20%", "10%"), ratioLow},
		"runway, warning":                {now(23_000_000, "24h", "6h"), runwayShort},
		"runway, critical":               {now(5_000_000, "24h", "6h"), runwayShort},
		"critical counts, not warning":   {now(9_000_000, "20000000 24h", "10%"), ratioLow},
		"furthest below of three":        {now(9_000_000, "10000000 20% 36h", "1000000"), runwayShort},
		"furthest below, listed first":   {now(9_000_000, "36h 20% 10000000", "1000000"), runwayShort},
		"low, from memory":               {after(now(9_000_000, "20%", "10%"), hub.ReasonTimeout), ratioLow},
		"low, from memory, refused":      {after(now(9_000_000, "10000000", "5000000"), hub.ReasonAuth), low},
		"enough, from memory":            {after(now(90_000_000, "20%", "10%"), hub.ReasonTimeout), "PaypleQueryFailing"},
		"enough, from memory, no key":    {after(now(90_000_000, "20%", "10%"), hub.ReasonConfig), "PaypleQueryFailing"},
		"enough, from memory, refused":   {after(now(90_000_000, "20%", "10%"), hub.ReasonAuth), "PaypleCredentialsRejected"},
		"enough, from memory, address":   {after(now(90_000_000, "20%", "10%"), hub.ReasonIPNotAllowed), "PaypleCredentialsRejected"},
		"lost":                           {lostAfter(now(90_000_000, "20%", "10%"), hub.ReasonNetwork), "PaypleTransferLimitUnknown"},
		"lost for want of a key":         {lostAfter(now(90_000_000, "20%", "10%"), hub.ReasonConfig), "PaypleTransferLimitUnknown"},
		"refused":                        {lostAfter(now(90_000_000, "20%", "10%"), hub.ReasonAuth), "PaypleCredentialsRejected"},
		"lost while low by amount":       {lostAfter(now(9_000_000, "10000000", "5000000"), hub.ReasonNetwork), "PaypleTransferLimitLostWhileLow"},
		"lost while low by share":        {lostAfter(now(9_000_000, "20%", "10%"), hub.ReasonNetwork), "PaypleTransferLimitLostWhileLow"},
		"lost while low by runway":       {lostAfter(now(9_000_000, "24h", "6h"), hub.ReasonNetwork), "PaypleTransferLimitLostWhileLow"},
		"lost while nothing left":        {lostAfter(now(0, "20%", "10%"), hub.ReasonAuth), "PaypleTransferLimitLostWhileLow"},
		"lost while overdrawn, no level": {lostAfter(now(-1, "", ""), hub.ReasonNetwork), "PaypleTransferLimitLostWhileLow"},
	} {
		st := test.evaluate(0, outflow)
		if got := st.alert(); got != test.want {
			t.Errorf("%s: runbook %q, want %q", name, got, test.want)
		}
		if test.want == "" {
			continue
		}
		if _, err := os.Stat("../../docs/runbooks/" + test.want + ".md"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the order of configuration, what an operator must see first comes
// first: certain harm, then not knowing, whom it was low for before the rest,
// then what is nearest its threshold.
func TestWorstFirst(t *testing.T) {
	t.Parallel()
	shares := levels(t, "20%", "10%")
	of := func(name string, remain hub.Won) collector.Snapshot { return known(name, remain, 10_000_000, shares) }
	inOrder := []subject{
		{Snapshot: of("overdrawn", -5_000_000)},
		{Snapshot: of("empty", 0)},
		forgotten(failing(of("lost-when-empty", 0), hub.ReasonTimeout)),
		forgotten(failing(of("refused-when-critical", 500_000), hub.ReasonAuth)),
		forgotten(failing(of("lost-when-warning", 1_900_000), hub.ReasonTimeout)),
		{Snapshot: collector.Snapshot{Merchant: collector.Merchant{Name: "z-refused-from-the-start"}, Attempted: true, Failure: &hub.Error{Reason: hub.ReasonAuth}}},
		forgotten(failing(of("refused", 9_000_000), hub.ReasonAuth)),
		forgotten(failing(of("z-lost-no-key", 9_000_000), hub.ReasonConfig)),
		{Snapshot: collector.Snapshot{Merchant: collector.Merchant{Name: "z-lost-from-the-start"}, Attempted: true, Failure: &hub.Error{Reason: hub.ReasonTimeout}}},
		forgotten(failing(of("b-lost", 9_000_000), hub.ReasonNetwork)),
		forgotten(failing(of("c-lost", 9_000_000), hub.ReasonTimeout)),
		{Snapshot: of("nearly-empty", 100_000)},
		{Snapshot: failing(of("critical-from-memory", 900_000), hub.ReasonTimeout)},
		{Snapshot: of("warning", 1_900_000)},
		{Snapshot: failing(of("refused-from-memory", 9_000_000), hub.ReasonIPNotAllowed)},
		{Snapshot: failing(of("no-key-from-memory", 9_000_000), hub.ReasonConfig)},
		{Snapshot: failing(of("from-memory", 3_000_000), hub.ReasonHTTPStatus)},
		{Snapshot: collector.Snapshot{Merchant: collector.Merchant{Name: "not-asked-yet"}}},
		{Snapshot: of("nearly-low", 2_100_000)},
		{Snapshot: of("a-plenty", 9_000_000)},
		{Snapshot: of("b-plenty", 9_000_000)},
		{Snapshot: known("without-thresholds", 1, 10_000_000, nil)},
	}
	for seed := range uint64(50) {
		var list []*status
		for i, c := range shuffled(inOrder, seed) {
			st := c.evaluate(i, history.Outflow{})
			list = append(list, &st)
		}
		slices.SortFunc(list, worstFirst)
		for i, st := range list {
			if st.Merchant.Name != inOrder[i].Merchant.Name {
				t.Fatalf("shuffle %d: place %d is %s, want %s", seed, i, st.Merchant.Name, inOrder[i].Merchant.Name)
			}
		}
	}
}

// The headline names those that it counts, worst first, if these are up to three
// of several, and no one where that helps nobody.
func TestHeadlineNames(t *testing.T) {
	t.Parallel()
	shares := levels(t, "20%", "10%")
	empty := func(name string, remain hub.Won) subject {
		return subject{Snapshot: known(name, remain, 10_000_000, shares)}
	}
	plenty, asked := empty("plenty", 9_000_000), subject{Snapshot: collector.Snapshot{Merchant: collector.Merchant{Name: "new"}}}
	for name, test := range map[string]struct {
		cases []subject
		want  string
	}{
		"one of two":             {[]subject{plenty, empty("a", 0)}, "a"},
		"three, the worst first": {[]subject{plenty, empty("a", -1), empty("b", -3), empty("c", -2)}, "b, c, a"},
		"four":                   {[]subject{plenty, empty("a", 0), empty("b", 0), empty("c", 0), empty("d", 0)}, ""},
		"only whom it counts":    {[]subject{plenty, empty("a", 0), empty("low", 1), forgotten(failing(plenty.Snapshot, hub.ReasonTLS))}, "a"},
		"unknown of all kinds":   {[]subject{plenty, forgotten(failing(known("b", 9, 9, shares), hub.ReasonTLS)), forgotten(failing(known("a", 1, 9, shares), hub.ReasonTLS))}, "a, b"},
		"from memory":            {[]subject{plenty, {Snapshot: failing(known("old", 9, 9, shares), hub.ReasonTLS)}}, "old"},
		"only one":               {[]subject{empty("a", 0)}, ""},
		"all is well":            {[]subject{plenty, plenty}, ""},
		"first answers awaited":  {[]subject{plenty, asked}, ""},
		"none":                   {nil, ""},
	} {
		var (
			all     []status
			counted tally
		)
		for i, c := range test.cases {
			all = append(all, c.evaluate(i, history.Outflow{}))
			counted[all[i].condition]++
		}
		if got := affected(all, counted); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// The headline never says that all can pay out while one cannot or may not.
func TestHeadline(t *testing.T) {
	t.Parallel()
	english, korean := printer{newTexts(), lang.English}, printer{newTexts(), lang.Korean}
	for _, test := range []struct {
		counts  tally
		english string
		korean  string
	}{
		{tally{}, "No merchant is configured", "설정된 파트너 계정이 없습니다"},
		{tally{fine: 1}, "Payouts are possible", "지급 가능"},
		{tally{exhausted: 1}, "Payouts are not possible", "지급 불가"},
		{tally{warning: 1}, "Payouts are possible, but little remains", "지급 가능, 한도 부족"},
		{tally{lost: 1}, "Unknown whether payouts are possible", "한도 확인 불가"},
		{tally{fine: 5}, "All 5 merchants can pay out", "파트너 계정 5개 모두 지급 가능"},
		{tally{exhausted: 1, lost: 2, fine: 4}, "1 of 7 merchants cannot pay out", "파트너 계정 7개 중 1개 지급 불가"},
		{tally{lostLow: 1, refused: 1, lost: 1, warning: 1, fine: 3}, "Unknown whether 3 of 7 merchants can pay out", "파트너 계정 7개 중 3개 한도 확인 불가"},
		{tally{critical: 1, warning: 2, kept: 1, fine: 3}, "All 7 merchants can pay out; 3 running low", "파트너 계정 7개 모두 지급 가능, 3개는 한도 부족"},
		{tally{critical: 1, asking: 2}, "Asking the hub for 2 of 3 merchants", "파트너 계정 3개 중 2개 조회 중"},
		{tally{keptRefused: 1, kept: 1, fine: 3}, "All 5 merchants can pay out, 2 by figures from memory", "파트너 계정 5개 모두 지급 가능, 2개는 마지막 조회값 기준"},
	} {
		if got := test.counts.headline(english); got != test.english {
			t.Errorf("%v: %q, want %q", test.counts, got, test.english)
		}
		if got := test.counts.headline(korean); got != test.korean {
			t.Errorf("%v: %q, want %q", test.counts, got, test.korean)
		}
	}
}

// shuffled is the list in another order.
func shuffled[T any](list []T, seed uint64) []T {
	list = slices.Clone(list)
	random := rand.New(rand.NewPCG(seed, seed))
	random.Shuffle(len(list), func(i, st int) { list[i], list[st] = list[st], list[i] })
	return list
}
