package alerts_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/alerts/internal/rules"
)

const runbooks = "../docs/runbooks"

// ruleGroups is the part of a rule file that Prometheus reads.
type ruleGroups struct {
	Groups []struct {
		Name     string       `yaml:"name"`
		Interval string       `yaml:"interval"`
		Rules    []loadedRule `yaml:"rules"`
	} `yaml:"groups"`
}

type loadedRule struct {
	Record        string            `yaml:"record"`
	Alert         string            `yaml:"alert"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for"`
	KeepFiringFor string            `yaml:"keep_firing_for"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`
}

func loadGroups(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Load([]byte(text), into, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
}

func loadAlerts(t *testing.T) map[string]loadedRule {
	t.Helper()
	var file ruleGroups
	loadGroups(t, read(t, rules.RulesFile), &file)
	alerts := map[string]loadedRule{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert != "" {
				alerts[r.Alert] = r
			}
		}
	}
	return alerts
}

// Invariant: the committed files are what the source says.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for name, want := range rules.Files() {
		if read(t, name) != want {
			t.Errorf("%s is stale: run `go generate ./alerts`", name)
		}
	}
}

// Invariant: whoever runs the Prometheus Operator gets the same rules as everybody else.
func TestPrometheusRuleHoldsTheSameRules(t *testing.T) {
	t.Parallel()
	var plain ruleGroups
	loadGroups(t, read(t, rules.RulesFile), &plain)
	var resource struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name   string            `yaml:"name"`
			Labels map[string]string `yaml:"labels"`
		} `yaml:"metadata"`
		Spec ruleGroups `yaml:"spec"`
	}
	loadGroups(t, read(t, rules.PrometheusRuleFile), &resource)
	if resource.APIVersion != "monitoring.coreos.com/v1" || resource.Kind != "PrometheusRule" || resource.Metadata.Name == "" {
		t.Errorf("not a PrometheusRule: %+v", resource)
	}
	if len(plain.Groups) == 0 || !reflect.DeepEqual(resource.Spec, plain) {
		t.Error("the PrometheusRule and the rule file differ")
	}
}

// Invariant: times and severities are those that the runbooks and people's routes count on; an empty severity comes from the threshold.
func TestAlertsKeepTheirContract(t *testing.T) {
	t.Parallel()
	want := map[string][3]string{ // for, keep_firing_for, severity
		"PaypleTransferLimitExhausted":    {"1m", "15m", "critical"},
		"PaypleTransferLimitLow":          {"2m", "15m", ""},
		"PaypleTransferLimitRatioLow":     {"5m", "15m", ""},
		"PaypleTransferRunwayShort":       {"10m", "15m", ""},
		"PaypleTransferLimitShortOfNeed":  {"5m", "1h", ""},
		"PaypleTransferLimitUnknown":      {"10m", "", "critical"},
		"PaypleTransferLimitLostWhileLow": {"2m", "5m", "critical"},
		"PaypleCredentialsRejected":       {"5m", "10m", "critical"},
		"PaypleQueryFailing":              {"10m", "", "warning"},
		"PaypleDataStale":                 {"1m", "", "critical"},
		"PaypleExporterDown":              {"5m", "", "critical"},
		"PaypleExporterAbsent":            {"5m", "", "critical"},
		"PaypleHubFailing":                {"8m", "10m", "critical"},
		"PaypleExporterFlapping":          {"15m", "1h", "warning"},
		"PaypleWatchdog":                  {"0m", "", "none"},
		"PaypleTransferLimitLowered":      {"0m", "15m", "warning"},
		"PaypleConfigReloadFailed":        {"5m", "", "warning"},
	}
	got := map[string][3]string{}
	for name, r := range loadAlerts(t) {
		got[name] = [3]string{r.For, r.KeepFiringFor, r.Labels["severity"]}
	}
	if !maps.Equal(got, want) {
		t.Errorf("for, keep_firing_for, severity:\n got %v\nwant %v", got, want)
	}
}

// Invariant: a label holds no value, since each new one would be a new alert; every text exists in both languages and leads to a runbook.
func TestAlertsAreWhole(t *testing.T) {
	t.Parallel()
	hangul := regexp.MustCompile(`\p{Hangul}`)
	for name, r := range loadAlerts(t) {
		if r.Labels["service"] != "payple" {
			t.Errorf("%s: labels %v", name, r.Labels)
		}
		for label, value := range r.Labels {
			if strings.Contains(value, "{{") {
				t.Errorf("%s: label %s is a template", name, label)
			}
		}
		// That the exporter's address comes before it, and nothing where there is none, is in tests/runbooks.yml.
		if link := r.Annotations["runbook_url"]; !strings.HasSuffix(link, "/runbooks/"+name+"{{ end }}") || strings.Contains(link, "://") {
			t.Errorf("%s: runbook_url %s", name, link)
		}
		for _, key := range []string{"summary", "description", "summary_ko", "description_ko"} {
			text := regexp.MustCompile(`(?s){{ define .*{{ end -}}`).ReplaceAllString(r.Annotations[key], "")
			if korean := strings.HasSuffix(key, "_ko"); text == "" || hangul.MatchString(text) != korean {
				t.Errorf("%s: %s is %q", name, key, text)
			}
		}
	}
}

// Invariant: Prometheus accepts the rules.
func TestPromtoolAcceptsTheRules(t *testing.T) {
	t.Parallel()
	succeeds(t, promtool(t), "check", "rules", rules.RulesFile)
}

// Invariant: the rules fire when, and only when, tests/ says so.
func TestPromtoolTestsPass(t *testing.T) {
	t.Parallel()
	path := promtool(t)
	for _, file := range testFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			succeeds(t, path, "test", "rules", file)
		})
	}
}

func testFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("tests/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no promtool tests: %v", err)
	}
	return files
}

// firedIn counts, for each alert, the promtool cases that expect it to fire with its exact labels and texts.
func firedIn(t *testing.T) map[string]int {
	t.Helper()
	fired := map[string]int{}
	for _, file := range testFiles(t) {
		var content struct {
			Tests []struct {
				Alerts []struct {
					Name string `yaml:"alertname"`
					Exp  []struct {
						Annotations map[string]string `yaml:"exp_annotations"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		if err := yaml.Load([]byte(read(t, file)), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range content.Tests {
			for _, alert := range test.Alerts {
				fired[alert.Name] += len(alert.Exp)
			}
		}
	}
	return fired
}

// Invariant: alert, test, runbook and README know each other: none is without the others, and none speaks of an alert that is not there.
func TestAlertsTestsAndRunbooksCoverEachOther(t *testing.T) {
	t.Parallel()
	alerts := loadAlerts(t)
	fired := firedIn(t)
	for name := range alerts {
		if fired[name] == 0 {
			t.Errorf("no promtool test expects %s to fire", name)
		}
		checkRunbook(t, name)
	}
	for name := range fired {
		if _, ok := alerts[name]; !ok {
			t.Errorf("tests/ expects %s, which is no alert", name)
		}
	}

	index := read(t, filepath.Join(runbooks, "README.md"))
	checkMentions(t, "docs/runbooks/README.md", index, alerts)
	checkMentions(t, "README.md", read(t, "../README.md"), alerts)
}

func checkMentions(t *testing.T, file, text string, alerts map[string]loadedRule) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(alerts)) {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(text) {
			t.Errorf("%s does not mention %s", file, name)
		}
	}
}

// checkRunbook looks for the parts that a person at 3 a.m. relies on.
func checkRunbook(t *testing.T, alert string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(runbooks, alert+".md"))
	if err != nil {
		t.Errorf("%s has no runbook: %v", alert, err)
		return
	}
	for _, part := range []string{"# " + alert + "\n", "\n## Meaning\n", "\n## Impact\n", "\n## Diagnosis\n", "\n```promql\n", "\n## Mitigation\n", "\n## 한국어 요약\n"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("runbook of %s lacks %q", alert, strings.TrimSpace(part))
		}
	}
}

// Invariant: no runbook outlives its alert.
func TestNoRunbookIsOrphaned(t *testing.T) {
	t.Parallel()
	alerts := loadAlerts(t)
	files, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if _, ok := alerts[name]; !ok && name != "README" {
			t.Errorf("%s belongs to no alert", file)
		}
	}
}

// Invariant: the query that a runbook runs first is one that Prometheus can parse.
func TestRunbookQueriesParse(t *testing.T) {
	t.Parallel()
	path := promtool(t)
	block := regexp.MustCompile("(?s)```promql\n(.*?)```")
	var b strings.Builder
	b.WriteString("groups:\n  - name: runbooks\n    rules:\n")
	for name := range loadAlerts(t) {
		for _, m := range block.FindAllStringSubmatch(read(t, filepath.Join(runbooks, name+".md")), -1) {
			query := strings.ReplaceAll(strings.TrimSpace(m[1]), "\n", "\n          ")
			b.WriteString("      - record: runbook:" + name + "\n        expr: |\n          " + query + "\n")
		}
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	succeeds(t, path, "check", "rules", file)
}
