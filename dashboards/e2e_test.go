package dashboards_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/grafana"
	"payple_exporter/internal/test/programs"
)

const job = "payple"

// mayBeEmpty lists the panels that a healthy demo leaves empty, and why.
var mayBeEmpty = map[string]string{}

// minutesOfHistory are those before now that the demo could not live through
// in a test: a day for the pace, and the same hour a week ago.
func minutesOfHistory() []int {
	var minutes []int
	for m := 7*24*60 + 75; m > 7*24*60-75; m-- {
		minutes = append(minutes, m)
	}
	for m := 25 * 60; m > 0; m-- {
		minutes = append(minutes, m)
	}
	return minutes
}

// The one test that all queries have to pass: Prometheus itself runs them, on
// what two exporters really serve.
func TestEveryQueryFindsData(t *testing.T) {
	t.Parallel()
	programs.Tool(t, "PROMETHEUS", "prometheus", "prometheus")
	programs.Promtool(t)
	prometheus := scraping(t, startExporters(t, 2)...)
	for _, d := range committed(t) {
		for _, q := range queries(d) {
			t.Run(q.where, func(t *testing.T) {
				t.Parallel()
				result := prometheus.query(t, q.target)
				if reason, listed := mayBeEmpty[q.where]; (len(result) == 0) != listed {
					t.Errorf("%d series, allowed to be empty: %v %s\n%s", len(result), listed, reason, q.target.Expr)
				}
				isShownOnce(t, q, result)
			})
		}
	}
	t.Run("the worst comes first", func(t *testing.T) { tellsWhoIsInDanger(t, prometheus) })
}

// isShownOnce fails if two series have the same legend, or a merchant two rows:
// a pair of exporters must not show everything twice.
func isShownOnce(t *testing.T, q query, result []series) {
	t.Helper()
	label := regexp.MustCompile(`{{(\w+)}}`)
	seen := map[string]bool{}
	for _, s := range result {
		legend := label.ReplaceAllStringFunc(q.target.LegendFormat, func(name string) string { return s.Metric[strings.Trim(name, "{}")] })
		switch {
		case q.repeated == "merchant", q.target.Format == "table":
			legend += s.Metric["merchant"]
		case q.target.RefID == "Anno":
			legend = s.Metric["merchant"] + s.Metric["instance"]
		}
		if seen[legend] {
			t.Errorf("%q is shown twice", legend)
		}
		seen[legend] = true
	}
}

func tellsWhoIsInDanger(t *testing.T, prometheus server) {
	t.Helper()
	const table = "payple-overview: Merchants, worst first: "
	columns := map[string]grafana.Target{}
	for _, q := range queries(find(t, "payple-overview")) {
		if name, ok := strings.CutPrefix(q.where, table); ok {
			columns[name] = q.target
		}
	}
	// draining is above its shares and amounts; what makes it critical is that
	// it pays out a million a minute.
	want := map[string]map[string]float64{
		"state":    {"empty": 4, "nearly-empty": 3, "draining": 3, "key-refused": 2, "healthy": 0},
		"remain":   {"empty": 0, "nearly-empty": 4_400_000, "healthy": 444_000_000},
		"critical": {"empty": 3_000_000, "nearly-empty": 8_000_000, "draining": 12_000_000, "healthy": 50_000_000},
		"warning":  {"empty": 6_000_000, "nearly-empty": 16_000_000, "draining": 24_000_000, "healthy": 100_000_000},
	}
	for column, values := range want {
		got := map[string]float64{}
		for _, s := range prometheus.query(t, columns[column]) {
			got[s.Metric["merchant"]] = s.last()
		}
		for merchant, value := range values {
			if have, known := got[merchant]; !known || have != value {
				t.Errorf("%s of %s: %v (%v), want %v", column, merchant, have, known, value)
			}
		}
		if _, known := got["key-refused"]; known && column == "remain" {
			t.Errorf("key-refused has an amount: %v", got)
		}
	}
	for _, s := range prometheus.query(t, columns["runway"]) {
		// 36 million at a million a minute.
		if s.Metric["merchant"] == "draining" && (s.last() < 33*60 || s.last() > 39*60) {
			t.Errorf("draining lasts for %v s", s.last())
		}
	}
}

func find(t *testing.T, uid string) grafana.Dashboard {
	t.Helper()
	for _, d := range committed(t) {
		if d.UID == uid {
			return d
		}
	}
	t.Fatalf("no dashboard %s", uid)
	return grafana.Dashboard{}
}

// startExporters starts demos with thresholds of every kind, and returns their
// addresses.
func startExporters(t *testing.T, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = programs.FreePort(t)
		programs.Start(t, addresses[i], "/-/ready", programs.Exporter(t), "--demo", "--web.listen-address="+addresses[i], "--payple.min-interval=1s",
			"--threshold.warning=20%", "--threshold.warning=2000000", "--threshold.warning=2h",
			"--threshold.critical=10%", "--threshold.critical=1000000", "--threshold.critical=1h")
	}
	return addresses
}

func get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}

// server is the address of a Prometheus.
type server string

// scraping starts a Prometheus that has scraped the exporters a few times and
// remembers more of them.
func scraping(t *testing.T, exporters ...string) server {
	t.Helper()
	dir, address := t.TempDir(), programs.FreePort(t)
	remember(t, dir, exporters)
	config := filepath.Join(dir, "prometheus.yml")
	content := fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: %s\n  static_configs: [{targets: [%s]}]\n",
		job, `"`+strings.Join(exporters, `","`)+`"`)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	programs.Start(t, address, "/-/ready", programs.Tool(t, "PROMETHEUS", "prometheus", "prometheus"), "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	prometheus := server("http://" + address)
	await := func(what, query string, want int) {
		programs.Eventually(t, what, func() bool {
			body, err := get(t.Context(), string(prometheus)+"/api/v1/query?query="+url.QueryEscape(query))
			return err == nil && strings.Contains(string(body), fmt.Sprintf(`"%d"`, want))
		})
	}
	await("six scrapes of each exporter", "count(count_over_time("+collector.NameUp+"[1m]) >= 6)", 7*len(exporters))
	// By then a merchant whose key is refused backs off for longer than six scrapes take.
	await("requests that fail are seen to do so", "count(sum by (instance) (increase("+collector.NameHubRequestFailures+"[4m])) > 0)", len(exporters))
	return prometheus
}

// remember writes a past of what the exporters serve now, for the queries that
// look back: what remained, totals that grew by a steady amount each minute, and a limit that
// changed ten minutes ago.
func remember(t *testing.T, dir string, exporters []string) {
	t.Helper()
	var past strings.Builder
	for _, name := range []string{collector.NameTotalTransfer, collector.NameTotalAccount, collector.NameRemain} {
		fmt.Fprintf(&past, "# TYPE %s gauge\n", name)
		for _, address := range exporters {
			served := present(t, address, name)
			for _, merchant := range slices.Sorted(maps.Keys(served)) {
				for _, minute := range minutesOfHistory() {
					value := served[merchant]
					switch {
					case name == collector.NameTotalTransfer && merchant == "draining":
						value -= 1e6 * float64(minute)
					case name == collector.NameTotalAccount && minute > 10:
						value--
					}
					fmt.Fprintf(&past, "%s{job=%q,instance=%q,merchant=%q} %.0f %d\n",
						name, job, address, merchant, value, time.Now().Add(-time.Duration(minute)*time.Minute).Unix())
				}
			}
		}
	}
	past.WriteString("# EOF\n")
	file := filepath.Join(dir, "past.txt")
	if err := os.WriteFile(file, []byte(past.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), programs.Promtool(t), "tsdb", "create-blocks-from", "openmetrics", "--quiet", file, filepath.Join(dir, "data")).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool: %v\n%s", err, output)
	}
}

// present reads a metric from an exporter, by merchant.
func present(t *testing.T, address, name string) map[string]float64 {
	t.Helper()
	page, err := get(t.Context(), "http://"+address+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, found := range regexp.MustCompile(`(?m)^`+name+`\{merchant="([^"]+)"\} (\S+)$`).FindAllStringSubmatch(string(page), -1) {
		if values[found[1]], err = strconv.ParseFloat(found[2], 64); err != nil {
			t.Fatal(err)
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s serves no %s", address, name)
	}
	return values
}

// series is one series of an answer.
type series struct {
	Metric map[string]string
	Value  *[2]any
	Values [][2]any
}

func (s series) values() []float64 {
	samples := s.Values
	if s.Value != nil {
		samples = append(samples, *s.Value)
	}
	var values []float64
	for _, sample := range samples {
		text, _ := sample[1].(string)
		if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
			values = append(values, value)
		}
	}
	return values
}

func (s series) last() float64 { return s.values()[len(s.values())-1] }

// query runs a target as Grafana would, and returns the series that have a
// value.
func (p server) query(t *testing.T, target grafana.Target) []series {
	t.Helper()
	expr := strings.NewReplacer("$job", job, "$instance", ".+", "$merchant", ".+",
		"$__rate_interval_ms", "240000", "$__rate_interval", "4m", "$__interval_ms", "15000", "$__interval", "15s", "$__range", "1h").Replace(target.Expr)
	if strings.Contains(expr, "$") {
		t.Fatalf("a variable that Grafana does not know: %s", expr)
	}
	now := time.Now()
	at := func(ago time.Duration) string { return strconv.FormatInt(now.Add(-ago).Unix(), 10) }
	path, form := "/api/v1/query", url.Values{"query": {expr}, "time": {at(0)}}
	if target.Range {
		path, form = "/api/v1/query_range", url.Values{"query": {expr}, "start": {at(30 * time.Minute)}, "end": {at(0)}, "step": {"15"}}
	}
	body, err := get(t.Context(), string(p)+path+"?"+form.Encode())
	if err != nil {
		t.Fatalf("%v\n%s", err, expr)
	}
	var answer struct {
		Status, Error   string
		Warnings, Infos []string
		Data            struct{ Result []series }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if answer.Status != "success" || answer.Error != "" || len(answer.Warnings)+len(answer.Infos) > 0 {
		t.Errorf("%s %s, warnings %v, infos %v\n%s", answer.Status, answer.Error, answer.Warnings, answer.Infos, expr)
	}
	return slices.DeleteFunc(answer.Data.Result, func(s series) bool { return len(s.values()) == 0 })
}
