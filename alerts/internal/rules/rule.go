// Package rules is the source of the rule files that ship with payple_exporter: every expression, duration and text stands here once.
package rules

import (
	"fmt"
	"strings"
)

// Names of the generated files, relative to the alerts directory.
const (
	RulesFile          = "payple.rules.yml"
	PrometheusRuleFile = "prometheusrule.yaml"
)

const (
	groupName     = "payple"
	service       = "payple"
	groupInterval = "1m"
)

// Rule is one alerting rule. None records: rulers add labels to what is recorded, and show it later.
type Rule struct {
	Alert string
	Why   string // what a reader of the generated file should know; becomes a comment
	Expr  string

	For           string
	KeepFiringFor string
	Severity      string // empty where the threshold metric brings the label
	Text          Text
}

// Text is what a person reads in a page, in both languages, as Prometheus templates. A summary in Korean is a noun phrase that is true once the
// alert is over, too, and fits a telephone's line: at most 62 bytes in EUC-KR, with a merchant's name of ten letters.
type Text struct {
	Summary, Description     string
	SummaryKo, DescriptionKo string
}

// Labels are the rule's own labels, in the order in which they are written. A value never stands in a label: each new value would be a new alert.
func (r Rule) Labels() [][2]string {
	labels := [][2]string{{"service", service}}
	if r.Severity != "" {
		labels = append(labels, [2]string{"severity", r.Severity})
	}
	return labels
}

// Annotations are the alert's annotations, in the order in which they are written.
func (r Rule) Annotations() [][2]string {
	return [][2]string{
		{"summary", withDefinitions(r.Text.Summary, false)},
		{"description", withDefinitions(r.Text.Description, false)},
		{"summary_ko", withDefinitions(r.Text.SummaryKo, true)},
		{"description_ko", withDefinitions(r.Text.DescriptionKo, true)},
		{"runbook_url", runbookURL(r.Alert)},
	}
}

// All is the whole list.
func All() []Rule { return alerts() }

// Files renders every generated file, by name.
func Files() map[string]string {
	return map[string]string{
		RulesFile:          YAML(All()),
		PrometheusRuleFile: prometheusRuleYAML(All()),
	}
}

const header = "# Generated from alerts/internal/rules by `go generate ./alerts`; edit there.\n"

// YAML renders rules as a Prometheus rule file.
func YAML(list []Rule) string {
	return header + groupsYAML(list)
}

// prometheusRuleYAML renders rules as the custom resource that the Prometheus Operator reads.
func prometheusRuleYAML(list []Rule) string {
	const head = `apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: payple-exporter
  labels:
    app.kubernetes.io/name: payple-exporter
spec:
`
	return header + head + indent(groupsYAML(list), "  ")
}

func groupsYAML(list []Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "groups:\n  - name: %s\n    interval: %s\n    rules:\n", groupName, groupInterval)
	for _, r := range list {
		b.WriteString(indent(ruleYAML(r), "      "))
	}
	return b.String()
}

func ruleYAML(r Rule) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(r.Why)) {
		fmt.Fprintf(&b, "# %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&b, "- alert: %s\n", r.Alert)
	writeText(&b, "expr", strings.TrimSpace(r.Expr), "  ")
	for _, d := range [][2]string{{"for", r.For}, {"keep_firing_for", r.KeepFiringFor}} {
		if d[1] != "" {
			fmt.Fprintf(&b, "  %s: %s\n", d[0], d[1])
		}
	}
	writeMap(&b, "labels", r.Labels())
	writeMap(&b, "annotations", r.Annotations())
	return b.String()
}

func writeMap(b *strings.Builder, key string, pairs [][2]string) {
	if len(pairs) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s:\n", key)
	for _, p := range pairs {
		writeText(b, p[0], p[1], "    ")
	}
}

// writeText writes one line plainly where YAML cannot misread it, in quotes where it could, and more of them as a literal block, so that no
// text needs escaping.
func writeText(b *strings.Builder, key, text, margin string) {
	if !strings.ContainsAny(text, "\n'") {
		if strings.ContainsAny(text, "#{}\"%") || strings.Contains(text, ": ") {
			text = "'" + text + "'"
		}
		fmt.Fprintf(b, "%s%s: %s\n", margin, key, text)
		return
	}
	fmt.Fprintf(b, "%s%s: |-\n%s", margin, key, indent(text+"\n", margin+"  "))
}

func indent(text, margin string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(margin)
		}
		b.WriteString(line)
	}
	return b.String()
}
