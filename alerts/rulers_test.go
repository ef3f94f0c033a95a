package alerts_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/alerts/internal/rules"
)

// Invariant: no rule records, and none reads what a ruler writes: what is recorded comes with other labels, or later, in other rulers.
func TestNoRuleReadsWhatRulesWrite(t *testing.T) {
	t.Parallel()
	text := read(t, rules.RulesFile)
	for _, forbidden := range []string{"record:", "payple:", "ALERTS"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("the rules contain %q", forbidden)
		}
	}
	// Without on or by, one label more on one side would match nothing.
	for name, r := range loadAlerts(t) {
		for _, operator := range regexp.MustCompile(`\b(and|unless|group_left|group_right)\b.{0,4}`).FindAllString(r.Expr, -1) {
			if word, rest, _ := strings.Cut(operator, " "); (word == "and" || word == "unless") && !strings.HasPrefix(rest, "on") {
				t.Errorf("%s: %q names no labels to match by", name, operator)
			}
		}
	}
}

// Invariant: rulers differ in when and with which labels they evaluate, and the alerts do not: each rule in a group of its own, the last one
// first; and one label more on all that is scraped and fired, as the Prometheus operator enforces a namespace.
func TestOtherRulers(t *testing.T) {
	t.Parallel()
	var file ruleGroups
	loadGroups(t, read(t, rules.RulesFile), &file)
	list := slices.Clone(file.Groups[0].Rules)
	slices.Reverse(list)
	reversed := map[string]any{}
	var groups []map[string]any
	for _, r := range list {
		groups = append(groups, map[string]any{"name": r.Alert, "interval": "1m", "rules": []map[string]any{{
			"alert": r.Alert, "expr": r.Expr, "for": r.For, "keep_firing_for": cmp.Or(r.KeepFiringFor, "0s"), "labels": r.Labels, "annotations": r.Annotations,
		}}})
	}
	reversed["groups"] = groups
	alone, err := yaml.Marshal(reversed)
	if err != nil {
		t.Fatal(err)
	}
	series := regexp.MustCompile(`(series: '\w+\{)`)
	labelled := func(text string) string {
		text = series.ReplaceAllString(text, `${1}namespace="shop",`)
		text = strings.ReplaceAll(text, `service="payple"`, `namespace="shop",service="payple"`)
		return strings.ReplaceAll(text, "exp_labels: {", "exp_labels: {namespace: shop, ")
	}
	for _, ruler := range []struct {
		name, rules string
		test        func(string) string
	}{
		{"reversed", string(alone), func(text string) string { return text }},
		{"labelled", regexp.MustCompile(`(?m)^( +)service: payple$`).ReplaceAllString(read(t, rules.RulesFile), "$0\n${1}namespace: shop"), labelled},
	} {
		for _, name := range []string{"exhausted", "low", "lowered", "ratio", "exporter", "hub", "two_exporters"} {
			t.Run(ruler.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				test := strings.ReplaceAll(ruler.test(read(t, "tests/"+name+".yml")), "../payple.rules.yml", "rules.yml")
				for file, content := range map[string]string{"rules.yml": ruler.rules, "test.yml": test} {
					if err := os.WriteFile(filepath.Join(folder, file), []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				succeeds(t, promtool(t), "test", "rules", filepath.Join(folder, "test.yml"))
			})
		}
	}
}

// Invariant: vmalert, whose language is another one, fires what Prometheus fires, with the same texts and one label more. Not with tests that
// count on a clock that begins at 0: its tool's begins in the year 2000. CI's step rulers builds that tool and names it in VMALERT_TOOL.
func TestVmalert(t *testing.T) {
	t.Parallel()
	tool := os.Getenv("VMALERT_TOOL")
	if tool == "" {
		t.Skip("VMALERT_TOOL names no vmalert-tool")
	}
	alertname := regexp.MustCompile(`(?m)^( +- )(\{?)alertname: (.*)$`)
	for _, name := range []string{"exhausted", "hub", "interrupted", "low", "ratio", "steady", "two_exporters", "unknown"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rulesFile, err := filepath.Abs(rules.RulesFile)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("../payple.rules.yml", rulesFile, "promql_expr_test:", "metricsql_expr_test:",
				"ALERTS{", `ALERTS{alertgroup="payple",`).Replace(read(t, "tests/"+name+".yml"))
			text = alertname.ReplaceAllStringFunc(text, func(line string) string {
				parts := alertname.FindStringSubmatch(line)
				if parts[2] == "{" {
					return parts[1] + "{groupname: payple, alertname: " + parts[3]
				}
				return parts[1] + "groupname: payple\n" + strings.Repeat(" ", len(parts[1])) + "alertname: " + parts[3]
			})
			file := filepath.Join(t.TempDir(), "test.yml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			succeeds(t, tool, "unittest", "--files", file)
		})
	}
}
