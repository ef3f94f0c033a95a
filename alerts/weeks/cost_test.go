package weeks

import (
	"fmt"
	"log/slog"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

// BenchmarkEvaluation is one evaluation of all rules with a scrape each 30 seconds: a day of everything, and eight of what remains. Each rule
// by itself, and all together:
//
//	go test -C alerts/weeks -run '^$' -bench Evaluation -benchtime 5x .
func BenchmarkEvaluation(b *testing.B) {
	for _, merchants := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("merchants=%d", merchants), func(b *testing.B) {
			db, now := scraped(b, merchants)
			defer db.Close()
			engine := promql.NewEngine(promql.EngineOpts{
				MaxSamples: math.MaxInt, Timeout: time.Hour, EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
			})
			list := loadRules(b)
			ask := func(b *testing.B, expression string) {
				query, err := engine.NewInstantQuery(b.Context(), db, nil, expression, now)
				if err != nil {
					b.Fatal(err)
				}
				if result := query.Exec(b.Context()); result.Err != nil {
					b.Fatal(result.Err)
				}
				query.Close()
			}
			// By the processor's time, which a busy machine changes little.
			per := func(b *testing.B, began time.Duration) {
				b.ReportMetric(float64((processorTime()-began).Microseconds())/float64(b.N)/float64(merchants), "µs/merchant")
			}
			for _, rule := range list {
				b.Run(rule.Name(), func(b *testing.B) {
					began := processorTime()
					for b.Loop() {
						ask(b, rule.Query().String())
					}
					per(b, began)
				})
			}
			b.Run("all", func(b *testing.B) {
				began := processorTime()
				for b.Loop() {
					for _, rule := range list {
						ask(b, rule.Query().String())
					}
				}
				per(b, began)
			})
		})
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// scraped is what one exporter of so many merchants has shown.
func scraped(b *testing.B, merchants int) (*tsdb.DB, time.Time) {
	b.Helper()
	options := tsdb.DefaultOptions()
	options.RetentionDuration = int64(365 * 24 * time.Hour / time.Millisecond)
	db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		b.Fatal(err)
	}
	db.DisableCompactions() // but for those below: none may run while something is measured
	const perDay = 24 * 120
	target := labels.FromStrings("job", "payple", "instance", "10.0.0.1:10911")
	type line struct {
		series
		value func(step int) float64
	}
	var long, short []*line
	add := func(to *[]*line, value func(int) float64, name string, pairs ...string) {
		builder := labels.NewBuilder(target)
		builder.Set("__name__", name)
		for i := 0; i < len(pairs); i += 2 {
			builder.Set(pairs[i], pairs[i+1])
		}
		*to = append(*to, &line{series{labels: builder.Labels()}, value})
	}
	always := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	clock := func(step int) float64 { return float64(start.Unix() + int64(step)*30) }
	for i := range merchants {
		merchant := []string{"merchant", fmt.Sprintf("merchant-%d", i)}
		left := func(step int) float64 { return 1e9 - float64(step%perDay)*1e5 + float64(i) }
		add(&long, left, "payple_transfer_remain_amount", merchant...)
		add(&short, always(1e9), "total_account_amt", merchant...)
		add(&short, func(step int) float64 { return float64(step) * 1e5 }, "total_transfer_amt", merchant...)
		add(&short, func(step int) float64 { return float64(step) * 1e5 }, "payple_transfer_outflow_won_total", merchant...)
		add(&short, func(step int) float64 { return float64(step/perDay) * perDay * 1e5 }, "payple_transfer_inflow_won_total", merchant...)
		add(&short, always(1), "payple_merchant_info", append(merchant, "cst_id", merchant[1], "hub", "real")...)
		add(&short, clock, "payple_next_query_timestamp_seconds", merchant...)
		add(&short, clock, "payple_last_success_timestamp_seconds", merchant...)
		add(&short, always(1), "payple_up", merchant...)
		add(&short, always(86400), "payple_transfer_threshold_runway_seconds", append(merchant, "severity", "warning")...)
		add(&short, always(14400), "payple_transfer_threshold_runway_seconds", append(merchant, "severity", "critical")...)
		add(&short, always(1.2), "payple_transfer_threshold_need_ratio", append(merchant, "severity", "warning")...)
	}
	for _, name := range []string{"up", "payple_exporter_build_info", "payple_exporter_config_last_reload_successful"} {
		add(&short, always(1), name)
	}
	add(&short, always(25), "payple_min_interval_seconds")
	add(&short, always(300), "payple_max_age_seconds")
	const steps = 8*perDay + 240
	for step := range steps {
		appender := db.Appender(b.Context())
		write := func(lines []*line) {
			for _, l := range lines {
				ref, err := appender.Append(l.ref, l.labels, start.Add(time.Duration(step)*30*time.Second).UnixMilli(), l.value(step))
				if err != nil {
					b.Fatal(err)
				}
				l.ref = ref
			}
		}
		write(long)
		if step >= steps-perDay-300 {
			write(short)
		}
		if err := appender.Commit(); err != nil {
			b.Fatal(err)
		}
		if step%720 == 0 {
			if err := db.Compact(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return db, start.Add((steps - 1) * 30 * time.Second)
}
