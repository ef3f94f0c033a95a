package web

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/lang"
	"payple_exporter/threshold"
)

func levels(t *testing.T, warning, critical string) threshold.Levels {
	t.Helper()
	parsed, err := threshold.ParseLevels(strings.Fields(warning), strings.Fields(critical), nil)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// known is a merchant whose figures were given a moment ago.
func known(name string, remain, total hub.Won, levels threshold.Levels) collector.Snapshot {
	return collector.Snapshot{
		Merchant: collector.Merchant{Name: name, CstID: name, Hub: "real", Thresholds: levels},
		Known:    true, Attempted: true, Up: true,
		Limit: hub.Limit{Remain: remain, TotalAccount: total, TotalTransfer: total - remain},
	}
}

// failing is the same merchant after its latest query failed; without figures
// if these are too old.
func failing(s collector.Snapshot, reason hub.Reason, figures bool) collector.Snapshot {
	s.Up, s.Failure = false, &hub.Error{Reason: reason}
	if s.Known = figures; !figures {
		s.Limit = hub.Limit{}
	}
	return s
}

// A merchant is low exactly when an alert's expression would be true: below,
// not at, a threshold; by share only of a total above zero; by runway only at
// a pace that was watched long enough.
func TestJudge(t *testing.T) {
	t.Parallel()
	const amounts, shares, runways = "5000000 | 1000000", "20% | 10%", "24h | 6h"
	settled := collector.Pace{Window: time.Hour, PerHour: 1_000_000, Paid: 1_000_000, Settled: true}
	early := settled
	early.Settled = false
	for _, test := range []struct {
		levels        string
		remain, total hub.Won
		pace          collector.Pace
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
		{runways, 5_999_000, 1e9, collector.Pace{}, fine},
		{"5000000 24h | 1000000", 6_000_000, 1e9, settled, warning},
		{"5000000 24h | 1000000", 6_000_000, 1e9, collector.Pace{}, fine},
		{"5000000 | 10%", 90_000_000, 1e9, settled, critical},
		{" | ", 1, 1e9, settled, fine},
	} {
		warn, crit, _ := strings.Cut(test.levels, "|")
		j := judge(0, known("store", test.remain, test.total, levels(t, warn, crit)), test.pace)
		if j.condition != test.want {
			t.Errorf("%d of %d against %s: condition %d, want %d", test.remain, test.total, test.levels, j.condition, test.want)
		}
		remembered := failing(j.Snapshot, hub.ReasonTimeout, true)
		if got, want := judge(0, remembered, test.pace).condition, min(test.want, kept); got != want {
			t.Errorf("kept, %d of %d against %s: condition %d, want %d", test.remain, test.total, test.levels, got, want)
		}
	}
}

// Without figures no merchant passes for one that can pay out.
func TestJudgeWithoutFigures(t *testing.T) {
	t.Parallel()
	enough := known("store", 1e9, 2e9, nil)
	for _, reason := range hub.Reasons() {
		want := lost
		if reason.NeedsPerson() {
			want = refused
		}
		if got := judge(0, failing(enough, reason, false), collector.Pace{}).condition; got != want {
			t.Errorf("%s: condition %d, want %d", reason, got, want)
		}
	}
	if got := judge(0, collector.Snapshot{}, collector.Pace{}).condition; got != asking {
		t.Errorf("not asked yet: condition %d", got)
	}
	stale := collector.Snapshot{Attempted: true, Up: true} // a success that is too old, and no query since
	if got := judge(0, stale, collector.Pace{}).condition; got != lost {
		t.Errorf("too old: condition %d", got)
	}
}

// Whatever the order of configuration, what an operator must see first comes
// first: certain harm, then not knowing, then what is nearest its threshold.
func TestWorstFirst(t *testing.T) {
	t.Parallel()
	shares := levels(t, "20%", "10%")
	inOrder := []collector.Snapshot{
		known("overdrawn", -5_000_000, 10_000_000, shares),
		known("empty", 0, 10_000_000, shares),
		failing(known("refused", 0, 0, shares), hub.ReasonAuth, false),
		failing(known("b-lost", 0, 0, shares), hub.ReasonNetwork, false),
		failing(known("c-lost", 0, 0, shares), hub.ReasonTimeout, false),
		known("nearly-empty", 100_000, 10_000_000, shares),
		failing(known("critical-from-memory", 900_000, 10_000_000, shares), hub.ReasonTimeout, true),
		known("warning", 1_900_000, 10_000_000, shares),
		failing(known("refused-from-memory", 9_000_000, 10_000_000, shares), hub.ReasonIPNotAllowed, true),
		failing(known("from-memory", 3_000_000, 10_000_000, shares), hub.ReasonHTTPStatus, true),
		{Merchant: collector.Merchant{Name: "not-asked-yet"}},
		known("nearly-low", 2_100_000, 10_000_000, shares),
		known("a-plenty", 9_000_000, 10_000_000, shares),
		known("b-plenty", 9_000_000, 10_000_000, shares),
		known("without-thresholds", 1, 10_000_000, nil),
	}
	for seed := range uint64(50) {
		var list []standing
		for i, s := range shuffled(inOrder, seed) {
			list = append(list, judge(i, s, collector.Pace{}))
		}
		slices.SortFunc(list, worstFirst)
		for i, j := range list {
			if j.Merchant.Name != inOrder[i].Merchant.Name {
				t.Fatalf("shuffle %d: place %d is %s, want %s", seed, i, j.Merchant.Name, inOrder[i].Merchant.Name)
			}
		}
	}
}

// The headline never says that all can pay out while one cannot or may not.
func TestHeadline(t *testing.T) {
	t.Parallel()
	english, korean := speaker{pageWords(), lang.English}, speaker{pageWords(), lang.Korean}
	for _, test := range []struct {
		counts  tally
		english string
		korean  string
	}{
		{tally{}, "No merchant is configured", "설정된 가맹점이 없습니다"},
		{tally{fine: 1}, "Payouts are possible", "지급할 수 있습니다"},
		{tally{exhausted: 1}, "Payouts are not possible", "지급할 수 없습니다"},
		{tally{lost: 1}, "Unknown whether payouts are possible", "지급 가능 여부를 알 수 없습니다"},
		{tally{fine: 5}, "All 5 merchants can pay out", "가맹점 5곳 모두 지급할 수 있습니다"},
		{tally{exhausted: 1, lost: 2, fine: 4}, "1 of 7 merchants cannot pay out", "가맹점 7곳 중 1곳에서 지급할 수 없습니다"},
		{tally{refused: 1, lost: 2, warning: 1, fine: 3}, "Unknown whether 3 of 7 merchants can pay out", "가맹점 7곳 중 3곳의 지급 가능 여부를 알 수 없습니다"},
		{tally{critical: 1, warning: 2, kept: 1, fine: 3}, "All 7 merchants can pay out; 3 running low", "가맹점 7곳 모두 지급할 수 있으나, 3곳의 한도가 부족합니다"},
		{tally{critical: 1, asking: 2}, "Asking the hub for 2 of 3 merchants", "가맹점 3곳 중 2곳을 조회하고 있습니다"},
		{tally{kept: 2, fine: 3}, "All 5 merchants can pay out, 2 by figures from memory", "가맹점 5곳 모두 지급할 수 있습니다 (2곳은 이전 값 기준)"},
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
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
