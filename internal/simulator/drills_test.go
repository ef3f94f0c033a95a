package simulator_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

// How the drills are played here: as docs/drills.md says that they are to be.
const (
	interval = 30 * time.Second
	length   = 60 * time.Minute
	simKey   = "simulated-key-1"
)

// inside is a transport that ends in a simulated hub in this process.
type inside struct{ hub *simulator.Hub }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	answered := make(chan *http.Response, 1)
	go func() {
		recorder := httptest.NewRecorder()
		i.hub.ServeHTTP(recorder, r)
		answered <- recorder.Result()
	}()
	select {
	case response := <-answered:
		if r.Context().Err() == nil {
			return response, nil
		}
	case <-r.Context().Done():
	}
	return nil, r.Context().Err()
}

// series are the samples of all scrapes, by series; nil where a scrape had
// none.
type series map[string][]*float64

// played lets the real exporter watch a drill for its whole length, on a clock
// of its own, scraped as Prometheus would.
func played(t *testing.T, file string) (about lang.Text, all series) {
	t.Helper()
	all = make(series)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		drill, err := simulator.FindDrill(file, simulator.DrillOptions{CustKey: simKey, Began: began})
		if err != nil {
			t.Fatal(err)
		}
		about = drill.About
		sim := stand.NewHub(t, simulator.Options{}, drill.Partners...)
		watch := collector.New(collector.Options{
			Settings: collector.Settings{
				MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Limiter: collector.NewLimiter(32, 0),
				Jitter: func() float64 { return 0.5 },
			},
			Transport: inside{sim},
		})
		configured := config.Config{MinInterval: 10 * time.Second}
		for _, partner := range drill.Partners {
			configured.Merchants = append(configured.Merchants, config.Merchant{
				Name: partner.CstID, CstID: partner.CstID, Key: hub.FixedKey(hub.NewSecret(partner.CustKey), "the drill"),
				Hub:        config.Hub{Label: "127.0.0.1:10912", URL: "http://127.0.0.1:10912"},
				Thresholds: config.Levels{config.Warning: {{Kind: config.Ratio, Value: 0.2}}, config.Critical: {{Kind: config.Ratio, Value: 0.1}}}, // as docs/drills.md starts it

			})
		}
		watch.Apply(configured)
		for scrape := range int(length/interval) + 1 {
			all.scrape(t, watch, scrape, began)
			time.Sleep(time.Until(began.Add(time.Duration(scrape+1) * interval)))
		}
	})
	return about, all
}

// scrape adds one scrape's samples.
func (s series) scrape(t *testing.T, watch *collector.Collector, number int, began time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
	defer cancel()
	families, _, err := watch.Bind(ctx).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			value := metric.GetGauge().GetValue()
			if family.GetType() == dto.MetricType_COUNTER {
				value = metric.GetCounter().GetValue()
			}
			if strings.HasSuffix(family.GetName(), "_timestamp_seconds") {
				value -= float64(began.Unix()) // promtool's time begins at 0
			}
			name := family.GetName() + "{" + strings.Join(append(pairs(metric), `job="payple"`, `instance="exporter:10911"`), ",") + "}"
			for len(s[name]) < number {
				s[name] = append(s[name], nil)
			}
			s[name] = append(s[name], &value)
		}
	}
}

func pairs(metric *dto.Metric) []string {
	labels := make([]string, 0, len(metric.GetLabel())+2)
	for _, label := range metric.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
	}
	return labels
}

// input writes the samples as promtool reads them.
func (s series) input() string {
	var out strings.Builder
	n := int(length/interval) + 1
	steady := strings.TrimSpace(strings.Repeat("1 ", n))
	for _, name := range []string{"up", "payple_exporter_build_info"} {
		fmt.Fprintf(&out, "      - {series: '%s{job=\"payple\",instance=\"exporter:10911\"}', values: '%s'}\n", name, steady)
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		values := make([]string, 0, n)
		for i := range n {
			switch {
			case i < len(s[name]) && s[name][i] != nil:
				values = append(values, strconv.FormatFloat(*s[name][i], 'f', -1, 64))
			case len(values) > 0 && values[i-1] != "_" && values[i-1] != "stale":
				values = append(values, "stale") // as Prometheus marks a series that a scrape lacks
			default:
				values = append(values, "_")
			}
		}
		fmt.Fprintf(&out, "      - {series: '%s', values: '%s'}\n", name, strings.Join(values, " "))
	}
	return out.String()
}

// firing is a row of a timetable in docs/drills.md: an alert fires from one
// minute on until another.
type firing struct {
	name, severity, merchant string
	from, until              int
}

// timetable returns when which alert fires according to docs/drills.md.
func timetable(t *testing.T, drill string) (times []firing) {
	t.Helper()
	text, err := os.ReadFile("../../docs/drills.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### "+drill+"\n")
	if !found {
		t.Fatalf("docs/drills.md has no section ### %s", drill)
	}
	section, _, _ = strings.Cut(section, "\n### ")
	row := regexp.MustCompile("(?m)^\\| (?:\\[)?`(\\w+)`(?:\\]\\([^)]*\\))? \\| (\\w+) \\| ([\\w-]+) \\| (\\d+) \\| (\\d+|–) \\|$")
	for _, match := range row.FindAllStringSubmatch(section, -1) {
		from, _ := strconv.Atoi(match[4])
		until := int(length/time.Minute) + 1
		if match[5] != "–" {
			until, _ = strconv.Atoi(match[5])
		}
		times = append(times, firing{match[1], match[2], match[3], from, until})
	}
	if len(times) == 0 {
		t.Fatalf("docs/drills.md has no timetable of %s", drill)
	}
	return times
}

// expectations writes, for each minute, which alerts fire then and no others.
func expectations(times []firing) string {
	var out strings.Builder
	for minute := range int(length/time.Minute) + 1 {
		fmt.Fprintf(&out, "      - expr: count by (alertname, severity, merchant) (ALERTS{alertname!=\"PaypleWatchdog\",alertstate=\"firing\"})\n        eval_time: %dm\n        exp_samples:\n", minute)
		for _, a := range times {
			if minute >= a.from && minute < a.until {
				fmt.Fprintf(&out, "          - {labels: '{alertname=%q,severity=%q,merchant=%q}', value: 1}\n", a.name, a.severity, a.merchant)
			}
		}
	}
	return out.String()
}

var hangul = regexp.MustCompile(`\p{Hangul}`)

func drillFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("drills/*.yml")
	// The end-to-end tests play the one that needs a past.
	files = slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "forgotten-top-up.yml" })
	if err != nil || len(files) < 4 {
		t.Fatalf("%v %v", files, err)
	}
	return files
}

// The alerts that docs/drills.md promises for each drill, minute by minute,
// are those that the shipped rules give to what the real exporter says: these,
// then, and no others.
func TestDrillsRingWhenTheirTimetableSays(t *testing.T) {
	t.Parallel()
	promtool := programs.Promtool(t)
	rules, err := filepath.Abs("../../alerts/payple.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range drillFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		t.Run(name, func(t *testing.T) {
			about, seen := played(t, file)
			if korean := hangul.MatchString; korean(about.English) || !korean(about.Korean) || about.English == "" {
				t.Errorf("it does not say in both languages what it is about: %+v", about)
			}
			test := fmt.Sprintf("rule_files: ['%s']\nevaluation_interval: 1m\ntests:\n  - interval: %s\n    input_series:\n%s    promql_expr_test:\n%s",
				rules, interval, seen.input(), expectations(timetable(t, name)))
			path := filepath.Join(t.TempDir(), "drill.yml")
			if err := os.WriteFile(path, []byte(test), 0o600); err != nil {
				t.Fatal(err)
			}
			if output, err := exec.CommandContext(t.Context(), promtool, "test", "rules", path).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
