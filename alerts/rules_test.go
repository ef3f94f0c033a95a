package alerts_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/encoding/korean"

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

// fired is an alert that a promtool case expects, with its exact labels and texts.
type fired struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// firedIn are the alerts that the promtool cases expect, by name.
func firedIn(t *testing.T) map[string][]fired {
	t.Helper()
	all := map[string][]fired{}
	for _, file := range testFiles(t) {
		var content struct {
			Tests []struct {
				Alerts []struct {
					Name string  `yaml:"alertname"`
					Exp  []fired `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		if err := yaml.Load([]byte(read(t, file)), &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range content.Tests {
			for _, alert := range test.Alerts {
				all[alert.Name] = append(all[alert.Name], alert.Exp...)
			}
		}
	}
	return all
}

// Invariant: a Korean text can be sent in EUC-KR, and a title, of a merchant whose name has ten letters, fits a text message's line with room
// for what has happened to the alert; it is no sentence, so that it is true of an alert that is over.
func TestKoreanTitlesFitATelephone(t *testing.T) {
	t.Parallel()
	const merchant, instance, most = "main-store", "10.244.12.34:10911", 62
	for name, list := range firedIn(t) {
		for _, alert := range list {
			title, ofMerchant := strings.CutPrefix(alert.Annotations["summary_ko"], alert.Labels["merchant"]+": ")
			if ofMerchant {
				title = merchant + ": " + title
			}
			title = strings.Replace(title, "("+alert.Labels["instance"]+")", "("+instance+")", 1)
			for _, text := range []string{title, alert.Annotations["description_ko"]} {
				encoded, err := korean.EUCKR.NewEncoder().String(text)
				if err != nil || text == title && len(encoded) > most {
					t.Errorf("%s: %q has %d bytes in EUC-KR, %v; at most %d", name, text, len(encoded), err, most)
				}
			}
			if regexp.MustCompile(`(?:다|요)[.]?$`).MatchString(title) {
				t.Errorf("%s: %q is a sentence", name, title)
			}
		}
	}
}

// Invariant: alert, test, runbook and README know each other: none is without the others, and none speaks of an alert that is not there.
func TestAlertsTestsAndRunbooksCoverEachOther(t *testing.T) {
	t.Parallel()
	alerts := loadAlerts(t)
	fired := firedIn(t)
	for name := range alerts {
		if len(fired[name]) == 0 {
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
	checkMentions(t, "docs/runbooks/README.ko.md", read(t, filepath.Join(runbooks, "README.ko.md")), alerts)
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

// checkRunbook looks for the parts that a person at 3 a.m. relies on, in either language.
func checkRunbook(t *testing.T, alert string) {
	t.Helper()
	for suffix, parts := range map[string][]string{
		".md":    {"# " + alert + "\n", "\n## Meaning\n", "\n## Impact\n", "\n## Diagnosis\n", "\n```promql\n", "\n## Mitigation\n"},
		".ko.md": {"# " + alert + ": ", "\n## 의미\n", "\n## 영향\n", "\n## 진단\n", "\n```promql\n", "\n## 조치 방법\n"},
	} {
		text, err := os.ReadFile(filepath.Join(runbooks, alert+suffix))
		if err != nil {
			t.Errorf("%s has no runbook: %v", alert, err)
		}
		for _, part := range parts {
			if !strings.Contains(string(text), part) {
				t.Errorf("runbook %s%s lacks %q", alert, suffix, strings.TrimSpace(part))
			}
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
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".md"), ".ko")
		if _, ok := alerts[name]; !ok && name != "README" {
			t.Errorf("%s belongs to no alert", file)
		}
	}
}

// Invariant: in the incident that a runbook is for, the query that it runs first answers what its text says, in each language.
func TestRunbookQueriesAnswer(t *testing.T) {
	t.Parallel()
	const incidents = "testdata/runbooks.yml and runbooks_long.yml"
	texts := []string{read(t, "testdata/runbooks.yml"), read(t, "testdata/runbooks_long.yml")} // the second is evaluated once an hour
	for name := range loadAlerts(t) {
		sources, err := filepath.Glob(filepath.Join(runbooks, name+".*md"))
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s has no runbook: %v", name, err)
		}
		var first string
		for _, source := range sources {
			block := regexp.MustCompile("(?s)```promql\n(.*?)\n```").FindStringSubmatch(read(t, source))
			switch {
			case block == nil:
				t.Errorf("%s has no query", source)
				continue
			case first == "":
				first = block[1]
			case block[1] != first:
				t.Errorf("%s asks\n%s\nand %s\n%s", sources[0], first, source, block[1])
			}
		}
		expression := "expr: first of " + name + "\n"
		if all := strings.Join(texts, ""); !strings.Contains(all, expression) || !strings.Contains(all, `alertname="`+name+`",alertstate="firing"`) {
			t.Errorf("%s play no incident of %s, or do not ask the runbook's query", incidents, name)
		}
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], expression, "expr: "+strconv.Quote(first)+"\n")
		}
	}
	absolute, err := filepath.Abs(rules.RulesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		file := filepath.Join(t.TempDir(), "runbooks.yml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "RULES", absolute)), 0o600); err != nil {
			t.Fatal(err)
		}
		succeeds(t, promtool(t), "test", "rules", file)
	}
}
