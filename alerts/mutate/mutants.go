package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"payple_exporter/alerts/internal/rules"
)

// mutant is the whole list of rules with one of them broken in one place.
type mutant struct {
	name      string
	rule      string
	rulesYAML string
	inTexts   bool // broken in its annotations
}

// change is one way to break one rule.
type change struct {
	name    string
	rule    rules.Rule
	inTexts bool
}

func allMutants(list []rules.Rule) []mutant {
	var out []mutant
	add := func(r rules.Rule, what string, broken []rules.Rule, inTexts bool) {
		out = append(out, mutant{name: r.Alert + ": " + what, rule: r.Alert, rulesYAML: rules.YAML(broken), inTexts: inTexts})
	}
	for i, r := range list {
		if len(list) > 1 {
			add(r, "removed", slices.Delete(slices.Clone(list), i, i+1), false)
		}
		for _, c := range changes(r) {
			broken := slices.Clone(list)
			broken[i] = c.rule
			add(r, c.name, broken, c.inTexts)
		}
	}
	return distinct(out, rules.YAML(list))
}

// distinct drops what came out the same twice, or as it was.
func distinct(all []mutant, original string) []mutant {
	seen := map[string]bool{original: true}
	return slices.DeleteFunc(all, func(m mutant) bool {
		defer func() { seen[m.rulesYAML] = true }()
		return seen[m.rulesYAML]
	})
}

func changes(r rules.Rule) []change {
	var out []change
	for _, e := range expressions(r.Expr) {
		broken := r
		broken.Expr = e.expr
		out = append(out, change{name: e.name, rule: broken})
	}
	if r.Alert == "" {
		return out
	}
	out = append(out, durations(r, "for", r.For, func(r *rules.Rule, d string) { r.For = d })...)
	out = append(out, durations(r, "keep_firing_for", r.KeepFiringFor, func(r *rules.Rule, d string) { r.KeepFiringFor = d })...)
	out = append(out, severities(r)...)
	return append(out, texts(r)...)
}

// durations are the ways to get a waiting time wrong: none at all, and a minute too little or too much.
func durations(r rules.Rule, field, value string, set func(*rules.Rule, string)) []change {
	var out []change
	was, _ := time.ParseDuration(value)
	for _, d := range []time.Duration{0, was - time.Minute, was + time.Minute} {
		if d < 0 || d == was {
			continue
		}
		broken := r
		set(&broken, "")
		if d > 0 {
			set(&broken, fmt.Sprintf("%ds", int(d.Seconds())))
		}
		out = append(out, change{name: fmt.Sprintf("%s %s -> %s", field, value, d), rule: broken})
	}
	return out
}

func severities(r rules.Rule) []change {
	var out []change
	for _, s := range []string{"", "warning", "critical"} {
		if s != r.Severity {
			broken := r
			broken.Severity = s
			out = append(out, change{name: fmt.Sprintf("severity %q -> %q", r.Severity, s), rule: broken})
		}
	}
	return out
}

// texts exchanges the languages, each text on its own.
func texts(r rules.Rule) []change {
	var out []change
	add := func(name string, t rules.Text) {
		broken := r
		broken.Text = t
		out = append(out, change{name: name, rule: broken, inTexts: true})
	}
	for _, m := range []struct {
		name string
		edit func(*rules.Text)
	}{
		{"summary in Korean", func(t *rules.Text) { t.Summary = t.SummaryKo }},
		{"summary_ko in English", func(t *rules.Text) { t.SummaryKo = t.Summary }},
		{"description in Korean", func(t *rules.Text) { t.Description = t.DescriptionKo }},
		{"description_ko in English", func(t *rules.Text) { t.DescriptionKo = t.Description }},
	} {
		t := r.Text
		m.edit(&t)
		add(m.name, t)
	}
	return out
}

type expression struct{ name, expr string }

var (
	comparator = regexp.MustCompile(` ?(<=|>=|==|!=|<|>) `)
	setOp      = regexp.MustCompile(`\b(and|or|unless)\b`)
	number     = regexp.MustCompile(`\b\d+(\.\d+)?\b`)
	timeRange  = regexp.MustCompile(`\b\d+[smhd]\b`)
	offset     = regexp.MustCompile(` offset \d+[smhd]\b`)
	matching   = regexp.MustCompile(`\b(on|by) \(([a-z_, ]*)\)`)
	function   = regexp.MustCompile(`\b([a-z_]+) ?(?:by \(|\()`)
	arithmetic = regexp.MustCompile(` ([-+*/]) `)
	alternates = regexp.MustCompile(`"([a-z_]+)\|([a-z_]+)"`)
)

// swaps are the other words that could stand in a place.
var swaps = map[string][]string{
	"<": {"<=", ">"}, "<=": {"<", ">="}, ">": {">=", "<"}, ">=": {">", "==", "<="}, "==": {"!=", ">=", "<="},
	"and": {"unless", "or"}, "unless": {"and", "or"}, "or": {"and", "unless"},
	"min": {"max"}, "max": {"min", "count"}, "group": {"count", "sum"},
	"clamp_min": {"clamp_max"}, "floor": {"ceil", ""}, "absent": {""}, "time": nil,
	"avg_over_time": {"max_over_time", "last_over_time", "sum_over_time"}, "min_over_time": {"avg_over_time", "max_over_time", "last_over_time"},
	"last_over_time": {"min_over_time", "max_over_time", "count_over_time"},
	"-":              {"+"}, "+": {"-"}, "*": {"/"}, "/": {"*"},
}

// expressions are all the ways to break a PromQL expression in one place.
func expressions(expr string) []expression {
	var out []expression
	replace := func(kind string, from, to int, with string) {
		broken := expr[:from] + with + expr[to:]
		line := strings.Count(expr[:from], "\n") + 1
		if !strings.HasPrefix(expr, "\n") {
			line++
		}
		column := from - strings.LastIndex(expr[:from], "\n")
		out = append(out, expression{fmt.Sprintf("%s at %d:%d %q -> %q", kind, line-1, column, strings.TrimSpace(expr[from:to]), with), broken})
	}
	for _, token := range []struct {
		kind string
		re   *regexp.Regexp
	}{{"comparator", comparator}, {"set operator", setOp}, {"function", function}, {"arithmetic", arithmetic}} {
		for _, m := range token.re.FindAllStringSubmatchIndex(expr, -1) {
			for _, other := range swaps[expr[m[2]:m[3]]] {
				replace(token.kind, m[2], m[3], other)
			}
		}
	}
	for _, m := range number.FindAllStringIndex(expr, -1) {
		for _, other := range otherNumbers(expr[m[0]:m[1]]) {
			replace("number", m[0], m[1], other)
		}
	}
	for _, m := range timeRange.FindAllStringIndex(expr, -1) {
		for _, other := range otherRanges(expr[m[0]:m[1]]) {
			replace("range", m[0], m[1], other)
		}
	}
	for _, m := range offset.FindAllStringIndex(expr, -1) {
		replace("offset", m[0], m[1], "")
	}
	for _, m := range matching.FindAllStringSubmatchIndex(expr, -1) {
		labels := strings.Split(expr[m[4]:m[5]], ", ")
		for i := range labels {
			fewer := strings.Join(slices.Delete(slices.Clone(labels), i, i+1), ", ")
			replace("labels", m[4], m[5], fewer)
		}
	}
	for _, m := range alternates.FindAllStringSubmatchIndex(expr, -1) {
		replace("alternative", m[0], m[1], `"`+expr[m[2]:m[3]]+`"`)
		replace("alternative", m[0], m[1], `"`+expr[m[4]:m[5]]+`"`)
		replace("alternative", m[0], m[1], `".+"`)
	}
	for _, m := range setOp.FindAllStringIndex(expr, -1) {
		replace("operand", m[0], operandEnd(expr, m[1]), "")
	}
	return out
}

// operandEnd is where the right operand of a set operator ends: at the next one beside it, or where its parentheses or its argument end.
func operandEnd(expr string, from int) int {
	depth := 0
	for i := from; i < len(expr); i++ {
		switch expr[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		if depth == 0 {
			if m := setOp.FindStringIndex(expr[i:]); len(m) > 0 && m[0] == 1 {
				return i + 1
			}
		}
	}
	return len(expr)
}

func otherNumbers(s string) []string {
	n, _ := strconv.ParseFloat(s, 64)
	if n == 0 {
		return []string{"1", "-1"}
	}
	return []string{fmt.Sprint(n * 1.5), fmt.Sprint(n * 0.5)}
}

func otherRanges(s string) []string {
	unit := map[byte]int{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[s[len(s)-1]]
	n, _ := strconv.Atoi(s[:len(s)-1])
	seconds := n * unit
	return []string{fmt.Sprintf("%ds", seconds*3/2), fmt.Sprintf("%ds", seconds/2)}
}
