package weeks

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	day    = 24 * 60     // in minutes, as all times here
	before = 8*day + 120 // what the rules remember of the time before they are judged
)

// start is a Monday, midnight in Seoul.
var start = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.FixedZone("KST", 9*3600))

// merchant is what the hub knows of a merchant.
type merchant struct {
	remain, account, transferred float64
	out, in                      float64 // the exporter's counters
	rand                         *rand.Rand
	empty                        int // when a payout was first refused, or nothing was left; -1 before
}

// pay pays out, unless too little is left.
func (m *merchant) pay(won float64, now int) {
	won = math.Round(won)
	if won > m.remain {
		m.empty = first(m.empty, now)
		return
	}
	m.remain -= won
	m.transferred += won
	m.out += won
	if m.remain <= 0 {
		m.empty = first(m.empty, now)
	}
}

func (m *merchant) topUp(won float64) {
	m.remain += won
	m.account += won
	m.in += won
}

func first(old, now int) int {
	if old >= 0 || now < before {
		return old
	}
	return now
}

// profile is one merchant with an exporter and a hub of its own, which are named after it.
type profile struct {
	name       string
	warning    map[string]float64 // thresholds by kind; without any, the exporter's defaults
	critical   map[string]float64
	remain     float64
	live       func(m *merchant, now int)        // what happens in a minute
	hub        func(m *merchant, now int) string // why the hub does not answer, or nothing
	unanswered func(m *merchant, now int) bool   // whether this minute's scrape fails
	account    func(now int) string              // the cst_id
	expected   string                            // alerts that are right to fire; all others are false
	pages      int                               // at most
	tickets    int                               // at most
	lead       int                               // minutes between the first page and the first refused payout, at least
}

// told is one alert that fired.
type told struct {
	alert, severity string
	since           int
}

// outcome is what came of a profile.
type outcome struct {
	pages, tickets int
	wrong          []told
	lead           int // minutes; 0 where nothing ran out
	ranOut         bool
}

// play plays all profiles for so many days, and judges them.
func play(t *testing.T, profiles []profile, days int) map[string]outcome {
	t.Helper()
	options := tsdb.DefaultOptions()
	options.RetentionDuration = int64(365 * 24 * time.Hour / time.Millisecond)
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	length := before + days*day
	merchants := fill(t, db, profiles, length)
	fired := evaluate(t, db, length)
	outcomes := map[string]outcome{}
	for i, p := range profiles {
		outcomes[p.name] = judge(p, merchants[i], fired[p.name])
	}
	return outcomes
}

// fill writes what Prometheus would have scraped each minute.
func fill(t *testing.T, db *tsdb.DB, profiles []profile, length int) []*merchant {
	t.Helper()
	merchants := make([]*merchant, len(profiles))
	writers := make([]*writer, len(profiles))
	for i, p := range profiles {
		merchants[i] = &merchant{remain: p.remain, account: p.remain, empty: -1, rand: rand.New(rand.NewPCG(7, uint64(i)))}
		writers[i] = &writer{known: map[string]*series{}}
	}
	for now := range length {
		appender := db.Appender(t.Context())
		for i, p := range profiles {
			p.live(merchants[i], now)
			writers[i].scrape(t, appender, p, merchants[i], now)
		}
		if err := appender.Commit(); err != nil {
			t.Fatal(err)
		}
		if now%(6*60) == 0 {
			if err := db.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return merchants
}

type series struct {
	ref    storage.SeriesRef
	labels labels.Labels
	last   int // the minute in which it was last written
}

// writer is one target: what it shows, and the marks that Prometheus leaves where a series ends.
type writer struct {
	known   map[string]*series
	success int // the minute of the last success
	figures merchant
}

func (w *writer) scrape(t *testing.T, to storage.Appender, p profile, m *merchant, now int) {
	t.Helper()
	at := start.Add(time.Duration(now) * time.Minute).UnixMilli()
	put := func(v float64, name string, pairs ...string) {
		key := fmt.Sprint(name, pairs)
		s, ok := w.known[key]
		if !ok {
			s = &series{labels: labels.FromStrings(append([]string{"__name__", name, "job", p.name, "instance", "a"}, pairs...)...)}
			w.known[key] = s
		}
		ref, err := to.Append(s.ref, s.labels, at, v)
		if err != nil {
			t.Fatal(err)
		}
		s.ref, s.last = ref, now
	}
	answers := p.unanswered == nil || !p.unanswered(m, now)
	reason := ""
	if p.hub != nil {
		reason = p.hub(m, now)
	}
	if answers {
		put(1, "up")
		w.show(p, m, now, reason, put)
	} else {
		put(0, "up")
	}
	for _, s := range w.known {
		if s.last == now-1 {
			if _, err := to.Append(s.ref, s.labels, at, math.Float64frombits(value.StaleNaN)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// show puts what the exporter shows, as it does with the default settings.
func (w *writer) show(p profile, m *merchant, now int, reason string, put func(v float64, name string, pairs ...string)) {
	of := []string{"merchant", p.name}
	account := "c"
	if p.account != nil {
		account = p.account(now)
	}
	seconds := func(minute int) float64 { return float64(start.Unix()) + 60*float64(minute) }
	if reason == "" {
		w.success, w.figures = now, *m
	}
	put(1, "payple_exporter_build_info")
	put(25, "payple_min_interval_seconds")
	put(300, "payple_max_age_seconds")
	put(1, "payple_exporter_config_last_reload_successful")
	put(1, "payple_merchant_info", append(of, "cst_id", account, "hub", p.name)...)
	put(seconds(now)+25, "payple_next_query_timestamp_seconds", of...)
	put(seconds(w.success), "payple_last_success_timestamp_seconds", of...)
	put(w.figures.out, "payple_transfer_outflow_won_total", of...)
	put(w.figures.in, "payple_transfer_inflow_won_total", of...)
	if reason == "" {
		put(1, "payple_up", of...)
	} else {
		put(0, "payple_up", of...)
		put(1, "payple_failure", append(of, "reason", reason)...)
	}
	if now-w.success <= 5 {
		put(w.figures.remain, "payple_transfer_remain_amount", of...)
		put(w.figures.account, "total_account_amt", of...)
		put(w.figures.transferred, "total_transfer_amt", of...)
	}
	for severity, levels := range map[string]map[string]float64{"warning": p.warning, "critical": p.critical} {
		if p.warning == nil && p.critical == nil {
			levels = map[string]map[string]float64{"warning": {"runway_seconds": 86400}, "critical": {"runway_seconds": 14400}}[severity]
		}
		for kind, level := range levels {
			put(level, "payple_transfer_threshold_"+kind, append(of, "severity", severity)...)
		}
	}
}

// evaluate evaluates all rules minute by minute, and returns what fired, by profile. The expressions are evaluated over the whole time at once,
// which gives the same as minute by minute and is much cheaper; for and keep_firing_for are the rules' own doing.
func evaluate(t *testing.T, db *tsdb.DB, length int) map[string][]told {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: math.MaxInt, Timeout: time.Hour, EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
	})
	fired := map[string][]told{}
	for _, rule := range loadRules(t) {
		results := map[int64]promql.Vector{}
		query, err := engine.NewRangeQuery(t.Context(), db, nil, rule.Query().String(), start.Add(before*time.Minute), start.Add(time.Duration(length-1)*time.Minute), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		matrix, err := query.Exec(t.Context()).Matrix()
		if err != nil {
			t.Fatalf("%s: %v", rule.Name(), err)
		}
		for _, s := range matrix {
			for _, point := range s.Floats {
				results[point.T] = append(results[point.T], promql.Sample{Metric: s.Metric, T: point.T, F: point.F})
			}
		}
		answer := func(_ context.Context, _ string, at time.Time) (promql.Vector, error) {
			return results[at.UnixMilli()], nil
		}
		firing := map[string]bool{}
		for now := before; now < length; now++ {
			vector, err := rule.Eval(t.Context(), 0, start.Add(time.Duration(now)*time.Minute), answer, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			next := map[string]bool{}
			for _, sample := range vector {
				if sample.Metric.Get("alertstate") != "firing" || sample.Metric.Get("__name__") != "ALERTS" {
					continue
				}
				key := sample.Metric.String()
				next[key] = true
				if !firing[key] {
					name := first3(sample.Metric.Get("merchant"), sample.Metric.Get("job"), sample.Metric.Get("hub"))
					fired[name] = append(fired[name], told{rule.Name(), sample.Metric.Get("severity"), now})
				}
			}
			firing = next
		}
		query.Close()
	}
	return fired
}

func first3(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func loadRules(t testing.TB) []*rules.AlertingRule {
	t.Helper()
	content, err := os.ReadFile("../payple.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	expressions := parser.NewParser(parser.Options{})
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, expressions, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var list []*rules.AlertingRule
	for _, group := range groups.Groups {
		for _, r := range group.Rules {
			expression, err := expressions.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, rules.NewAlertingRule(r.Alert, expression, time.Duration(r.For), time.Duration(r.KeepFiringFor),
				labels.FromMap(r.Labels), labels.EmptyLabels(), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler)))
		}
	}
	return list
}

func judge(p profile, m *merchant, fired []told) outcome {
	right := regexp.MustCompile("^Payple(" + p.expected + ")$")
	var o outcome
	firstPage := -1
	for _, f := range fired {
		if f.severity == "critical" {
			o.pages++
			if right.MatchString(f.alert) && (firstPage < 0 || f.since < firstPage) {
				firstPage = f.since
			}
		} else {
			o.tickets++
		}
		if !right.MatchString(f.alert) {
			o.wrong = append(o.wrong, f)
		}
	}
	if o.ranOut = m.empty >= 0; o.ranOut {
		o.lead = -1
		if firstPage >= 0 {
			o.lead = m.empty - firstPage
		}
	}
	return o
}
