package alerts_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"payple_exporter/alerts/internal/rules"
	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// payer is a merchant that has paid out a known amount at any time, for a gate to ask.
type payer struct {
	began, now time.Time
	paid       func(after time.Duration) hub.Won
}

func (p *payer) Remain(context.Context) (hub.Limit, error) {
	paid := p.paid(p.now.Sub(p.began))
	return hub.Limit{Remain: 1e15 - paid, TotalAccount: 1e15, TotalTransfer: paid}, nil
}

func (*payer) SetKey(hub.Key) {}

func (*payer) KeyChanged(context.Context) bool { return false }

func (*payer) Needs(context.Context) int { return 1 }

func (*payer) Sent() uint64 { return 0 }

// shownPace is the pace that the exporter's own page tells when the merchant was asked every step.
func shownPace(t *testing.T, paid func(time.Duration) hub.Won, step, length time.Duration) float64 {
	t.Helper()
	began := time.Unix(1_700_000_000, 0)
	asked := &payer{began: began, now: began, paid: paid}
	watch := collector.New(collector.Options{
		Settings:   collector.Settings{Timeout: time.Minute, Now: func() time.Time { return asked.now }},
		NewQuerier: func(config.Merchant) collector.Querier { return asked },
	})
	watch.Apply(config.Config{MinInterval: step, Merchants: []config.Merchant{{Name: "m", Key: hub.FixedKey(hub.NewSecret("k"), "test")}}})
	for after := time.Duration(0); after <= length; after += step {
		asked.now = began.Add(after)
		watch.Snapshots(t.Context())
	}
	pace := watch.Outflow("m")
	if !pace.Settled {
		t.Fatalf("asked every %s for %s, no settled pace: %+v", step, length, pace)
	}
	return pace.PerHour
}

// Invariant: the exporter's page and the rules tell the same pace, and so the same runway, however often the merchant is asked. The page knows
// when it asked and the rules know each minute, so that they may differ by a twentieth of the fastest pace.
func TestThePageAndTheRulesTellTheSamePace(t *testing.T) {
	t.Parallel()
	steady := func(after time.Duration) hub.Won { return hub.Won(after.Minutes() * 100_000) }
	every := func(interval time.Duration, amount hub.Won) func(time.Duration) hub.Won {
		return func(after time.Duration) hub.Won { return hub.Won((after+interval/2)/interval) * amount }
	}
	const won = 6_000_000 // an hour
	for _, c := range []struct {
		name   string
		paid   func(after time.Duration) hub.Won
		length time.Duration
		want   float64 // won an hour
	}{
		{"a steady drain", steady, 90 * time.Minute, won},
		{"nothing", every(24*time.Hour, 0), 90 * time.Minute, 0},
		{"one batch", func(after time.Duration) hub.Won { return 90_000_000 * hub.Won((after+50*time.Minute)/(2*time.Hour)) }, 90 * time.Minute, 0},
		{"a payout every five minutes", every(5*time.Minute, 500_000), 90 * time.Minute, won},
		{"a payout every ten minutes", every(10*time.Minute, 1_000_000), 90 * time.Minute, won},
		{"a drain that has begun to double", func(after time.Duration) hub.Won { return steady(after) + steady(max(0, after-70*time.Minute)) }, 90 * time.Minute, won},
		{"a drain that has ended", func(after time.Duration) hub.Won { return steady(min(after, 60*time.Minute)) }, 90 * time.Minute, 0},
		{"a payout every two hours, over a day", every(2*time.Hour, 12_000_000), 20 * time.Hour, won},
		{"a restart of the totals every six hours, over a day", func(after time.Duration) hub.Won { return steady(after % (6 * time.Hour)) }, 20 * time.Hour, won},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// As often as by default, as rules are evaluated, and as rarely as can be configured.
			for _, step := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute} {
				if c.length/step > 2000 {
					continue // promtool would take a minute over it
				}
				shown := shownPace(t, c.paid, step, c.length)
				if shown < c.want-won/20 || shown > c.want+won/20 {
					t.Errorf("asked every %s: the page tells %.0f an hour, want about %.0f", step, shown, c.want)
				}
				tellsPace(t, c.paid, step, c.length, shown-won/20, shown+won/20)
			}
		})
	}
}

// tellsPace fails unless the rules find a pace between these.
func tellsPace(t *testing.T, paid func(time.Duration) hub.Won, step, length time.Duration, least, most float64) {
	t.Helper()
	list, err := filepath.Abs(rules.RulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var totals strings.Builder
	for after := time.Duration(0); after <= length; after += step {
		totals.WriteString(" " + strconv.FormatInt(int64(paid(after)), 10))
	}
	content := fmt.Sprintf(`rule_files: [%q]
evaluation_interval: 1m
tests:
  - interval: %[2]s
    input_series:
      - {series: 'payple_last_success_timestamp_seconds{merchant="m",job="p",instance="a"}', values: 0+%[3]dx%[4]d}
      - {series: 'payple_transfer_remain_amount{merchant="m",job="p",instance="a"}', values: 1x%[4]d}
      - {series: 'total_transfer_amt{merchant="m",job="p",instance="a"}', values: '%[5]s'}
    promql_expr_test:
      - expr: (payple:transfer_outflow_amount:hourly >= bool %.0[6]f) * (payple:transfer_outflow_amount:hourly <= bool %.0[7]f)
        eval_time: %[8]s
        exp_samples: [{labels: '{merchant="m"}', value: 1}]
      - {expr: 'payple:transfer_outflow_amount:hourly and on () (payple:transfer_outflow_amount:hourly < %.0[6]f or payple:transfer_outflow_amount:hourly > %.0[7]f)', eval_time: %[8]s}
`, list, step, int(step.Seconds()), int(length/step), strings.TrimSpace(totals.String()), least, most, length)
	file := filepath.Join(t.TempDir(), "pace.yml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	succeeds(t, promtool(t), "test", "rules", file)
}
