package dashboards_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"payple_exporter/internal/test/programs"
)

// values are what a column of the overview's table shows, by merchant.
type values map[string]float64

// The table is what people decide by: these are the cases in which a simpler
// query would show something untrue.
func TestTheTableTellsTheTruth(t *testing.T) {
	t.Parallel()
	programs.Promtool(t)
	// Each of a day of minutes, ending where the table is looked at.
	tests := []struct {
		name   string
		series map[string]string
		want   map[string]values // by column
	}{
		{
			name: "an exporter is stuck with too much",
			series: merge(
				reports("shop", "a", "0+60x1439 _", "2e6x1440", "10e6x1440"), thresholds("a", 3e6, 1e6),
				reports("shop", "b", "0+0x1440", "9e6x1440", "10e6x1440"), thresholds("b", 3e6, 1e6)),
			want: map[string]values{"remain": {"shop": 2e6}, "share": {"shop": .2}, "state": {"shop": 1}},
		},
		{
			name: "an exporter is stuck with too little, because it missed a top-up",
			series: merge(
				reports("shop", "a", "0+60x1440", "9e6x1440", "10e6x1440"), thresholds("a", 3e6, 1e6),
				reports("shop", "b", "0+0x1440", "0x1440", "10e6x1440"), thresholds("b", 3e6, 1e6)),
			want: map[string]values{"remain": {"shop": 9e6}, "state": {"shop": 0}},
		},
		{
			name: "the exporter that heard last has no figure any more",
			series: merge(
				reports("shop", "a", "0+60x1440", "stale", "stale"), thresholds("a", 3e6, 1e6),
				reports("shop", "b", "0+59x1440", "5e6x1440", "10e6x1440"), thresholds("b", 3e6, 1e6)),
			want: map[string]values{"remain": {"shop": 5e6}, "state": {"shop": 0}},
		},
		{
			name: "exactly at a threshold is above it, and a won less is not",
			series: merge(
				reports("at", "a", "0+60x1440", "3e6x1440", "3e6x1440"), reports("below", "a", "0+60x1440", "2999999x1440", "3e6x1440"),
				thresholds("a", 3e6, 1e6, "at", "below")),
			want: map[string]values{"state": {"at": 0, "below": 1}, "warning": {"at": 3e6, "below": 3e6}, "critical": {"at": 1e6, "below": 1e6}},
		},
		{
			name:   "a total of nothing has no shares",
			series: merge(reports("shop", "a", "0+60x1440", "0x1440", "0x1440"), ratios("a", "shop", .2)),
			want:   map[string]values{"remain": {"shop": 0}, "share": {}, "state": {"shop": 4}, "runway": {"shop": 0}, "warning": {"shop": 0}, "critical": {}},
		},
		{
			name:   "a share under its threshold, and the same in won",
			series: merge(reports("shop", "a", "0+60x1440", "1e6x1440", "8e6x1440"), ratios("a", "shop", .2)),
			want:   map[string]values{"state": {"shop": 1}, "warning": {"shop": 1_600_000}},
		},
		{
			name:   "of an amount and a share, the higher counts",
			series: merge(reports("shop", "a", "0+60x1440", "9e6x1440", "10e6x1440"), ratios("a", "shop", .2), thresholds("a", 1e6, 5e5, "shop")),
			want:   map[string]values{"warning": {"shop": 2e6}, "critical": {"shop": 5e5}},
		},
		{
			name:   "configured, and nothing known",
			series: map[string]string{`payple_merchant_info{job="payple",instance="a",merchant="shop",cst_id="1",hub="real"}`: "1x1440"},
			want:   map[string]values{"state": {"shop": 2}, "remain": {}, "age": {}},
		},
		{
			name: "a merchant was removed, and all about it is gone",
			series: merge(
				reports("gone", "a", "0+60x1420 stale", "1x1420 stale", "10e6x1420 stale"),
				reports("shop", "a", "0+60x1440", "5e6x1440", "10e6x1440")),
			want: map[string]values{"state": {"shop": 0}, "remain": {"shop": 5e6}, "share": {"shop": .5}, "age": {"shop": 0}},
		},
		{
			name:   "a steady drain of a million an hour",
			series: merge(reports("shop", "a", "0+60x1440", "6e6x1440", "100e6x1440"), paid("shop", "a", "0+16666.6666666666666666x1440")),
			want:   map[string]values{"runway": {"shop": 6 * 3600}},
		},
		{
			// A day less the five minutes in which it began again.
			name: "the total of payouts begins anew each day",
			series: merge(reports("shop", "a", "0+60x1440", "6e6x1440", "100e6x1440"),
				paid("shop", "a", "900e6+16666.6666666666666666x1420 0+16666.6666666666666666x19")),
			want: map[string]values{"runway": {"shop": 21675.26}},
		},
		{
			name:   "one batch of 24 million half an hour ago is a million an hour, not 24",
			series: merge(reports("shop", "a", "0+60x1440", "6e6x1440", "100e6x1440"), paid("shop", "a", "0x1410 24e6x29")),
			want:   map[string]values{"runway": {"shop": 6 * 3600}},
		},
		{
			name: "equally fresh exporters differ: the smaller figure counts",
			series: merge(
				reports("shop", "a", "0+60x1440", "4e6x1440", "10e6x1440"), reports("shop", "b", "0+60x1440", "5e6x1440", "10e6x1440")),
			want: map[string]values{"remain": {"shop": 4e6}, "share": {"shop": .4}},
		},
		{
			name: "an exporter that is 25 minutes old saw 24 million go five minutes ago: 24 million in the hour",
			series: merge(
				paid("shop", "old", "5e6x1414 stale"), paid("shop", "new", "_x1415 5e6x19 29e6x4")),
			want: map[string]values{"paid out": {"shop": 24e6}},
		},
		{
			name: "an exporter was replaced by another three minutes ago",
			series: merge(reports("shop", "old", "0+60x1436 stale", "6e6x1436 stale", "100e6x1436 stale"),
				paid("shop", "old", "0+16666.6666666666666666x1436 stale"),
				reports("shop", "new", "_x1436 86220+60x3", "_x1436 6e6x3", "_x1436 100e6x3"),
				paid("shop", "new", "_x1436 23950000+16666.6666666666666666x3")),
			want: map[string]values{"remain": {"shop": 6e6}, "runway": {"shop": 6 * 3600}},
		},
		{
			name:   "what nobody pays out of lasts, rather than for ever",
			series: merge(reports("shop", "a", "0+60x1440", "6e6x1440", "100e6x1440"), paid("shop", "a", "5e6x1440")),
			want:   map[string]values{"runway": {}, "state": {"shop": 0}},
		},
		{
			name: "half an hour of data is too little for a pace",
			series: merge(reports("shop", "a", "_x1410 84600+60x29", "_x1410 6e6x29", "_x1410 100e6x29"),
				paid("shop", "a", "_x1410 0+1e6x29")),
			want: map[string]values{"runway": {}, "remain": {"shop": 6e6}},
		},
		{
			name: "a runway under its threshold",
			series: merge(reports("shop", "a", "0+60x1440", "6e6x1440", "100e6x1440"), paid("shop", "a", "0+16666.6666666666666666x1440"),
				map[string]string{`payple_transfer_threshold_runway_seconds{job="payple",instance="a",merchant="shop",severity="critical"}`: "25000x1440"}),
			want: map[string]values{"state": {"shop": 3}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for column, want := range test.want {
				evaluates(t, test.series, columnQuery(t, column), want)
			}
		})
	}
}

// Without exporters nothing is counted: a zero would be a good sign.
func TestNothingIsNotZero(t *testing.T) {
	t.Parallel()
	programs.Promtool(t)
	for _, p := range find(t, "payple-overview").Panels {
		if p.Type != "stat" {
			continue
		}
		t.Run(p.Title, func(t *testing.T) {
			t.Parallel()
			evaluates(t, map[string]string{`up{job="other",instance="x"}`: "1x1440"}, p.Targets[0].Expr, values{})
			if p.Title != "Oldest figures" && p.Title != "Exporters not answering" {
				fine := reports("shop", "a", "0+60x1440", "5e6x1440", "10e6x1440")
				want := values{"": 0}
				if p.Title == "Fine" {
					want[""] = 1
				}
				evaluates(t, fine, p.Targets[0].Expr, want)
			}
		})
	}
}

// reports is what an exporter tells of a merchant. It is configured until the
// successes end.
func reports(merchant, instance, success, remain, total string) map[string]string {
	labels := fmt.Sprintf(`{job="payple",instance=%q,merchant=%q}`, instance, merchant)
	info := "1x1440"
	if _, minutes, gone := strings.Cut(success, "x"); gone && strings.HasSuffix(minutes, " stale") {
		info = "1x" + minutes
	}
	return map[string]string{
		"payple_last_success_timestamp_seconds" + labels:                            success,
		"payple_transfer_remain_amount" + labels:                                    remain,
		"total_account_amt" + labels:                                                total,
		"payple_merchant_info" + labels[:len(labels)-1] + `,cst_id="1",hub="real"}`: info,
	}
}

func paid(merchant, instance, total string) map[string]string {
	return map[string]string{fmt.Sprintf(`total_transfer_amt{job="payple",instance=%q,merchant=%q}`, instance, merchant): total}
}

// thresholds are amounts; of shop, or of these merchants.
func thresholds(instance string, warning, critical float64, merchants ...string) map[string]string {
	if merchants == nil {
		merchants = []string{"shop"}
	}
	all := map[string]string{}
	for _, merchant := range merchants {
		for severity, value := range map[string]float64{"warning": warning, "critical": critical} {
			all[fmt.Sprintf(`payple_transfer_threshold_amount{job="payple",instance=%q,merchant=%q,severity=%q}`, instance, merchant, severity)] = fmt.Sprintf("%gx1440", value)
		}
	}
	return all
}

func ratios(instance, merchant string, warning float64) map[string]string {
	return map[string]string{
		fmt.Sprintf(`payple_transfer_threshold_ratio{job="payple",instance=%q,merchant=%q,severity="warning"}`, instance, merchant): fmt.Sprintf("%gx1440", warning),
	}
}

func merge(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, some := range all {
		maps.Copy(merged, some)
	}
	return merged
}

// columnQuery returns the query of a column, or of the graph of payouts.
func columnQuery(t *testing.T, column string) string {
	t.Helper()
	where := "payple-overview: Merchants, worst first: " + column
	if column == "paid out" {
		where = "payple-merchant: Paid out per hour: A"
	}
	for _, q := range slices.Concat(queries(find(t, "payple-overview")), queries(find(t, "payple-merchant"))) {
		if q.where == where {
			return q.target.Expr
		}
	}
	t.Fatalf("the table has no column %s", column)
	return ""
}

// evaluates has promtool run a query a day after the series began.
func evaluates(t *testing.T, series map[string]string, expr string, want values) {
	t.Helper()
	type sample struct {
		Labels string  `json:"labels"`
		Value  float64 `json:"value"`
	}
	samples := []sample{}
	for merchant, value := range want {
		labels := "{}"
		if merchant != "" {
			labels = fmt.Sprintf("{merchant=%q}", merchant)
		}
		samples = append(samples, sample{labels, value})
	}
	var input []map[string]string
	for name, numbers := range series {
		input = append(input, map[string]string{"series": name, "values": numbers})
	}
	// promtool compares every digit, and sums are not exact to the last.
	rounded := "round(" + strings.NewReplacer("$job", "payple", "$instance", ".+", "$merchant", ".+").Replace(expr) + ", 0.01)"
	file := filepath.Join(t.TempDir(), "test.yml") // JSON is YAML
	content, err := json.Marshal(map[string]any{"tests": []any{map[string]any{
		"interval": "1m", "input_series": input,
		"promql_expr_test": []any{map[string]any{"expr": rounded, "eval_time": "1440m", "exp_samples": samples}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), programs.Promtool(t), "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
