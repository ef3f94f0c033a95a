package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"payple_exporter/alerts/internal/rules"
)

// Invariant: every kind of break is made, and each one changes the expression in one place.
func TestExpressionsAreBrokenInEveryWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expr string
		want []string
	}{
		{"a < b", []string{"a <= b", "a > b"}},
		{"a and b unless c", []string{"a unless b unless c", "a or b unless c", "a and b and c", "a and b or c", "a unless c", "a and b "}},
		{"f(a and (b or c)) or d", []string{"f(a ) or d", "f(a and (b )) or d", "f(a and (b or c))"}},
		{"f(a or b, 1)", []string{"f(a , 1)"}},
		{"clamp_min(a, 0)", []string{"clamp_max(a, 0)", "clamp_min(a, 1)", "clamp_min(a, -1)"}},
		{"a / 300", []string{"a * 300", "a / 450", "a / 150"}},
		{"last_over_time(a:b1h[1d] offset 1m)", []string{
			"min_over_time(a:b1h[1d] offset 1m)", "last_over_time(a:b1h[129600s] offset 1m)", "last_over_time(a:b1h[1d] offset 30s)",
			"last_over_time(a:b1h[1d])",
		}},
		{"max by (x, y) (a) == on (x) b", []string{"min by (x, y) (a) == on (x) b", "max by (y) (a) == on (x) b", "max by (x, y) (a) == on () b"}},
		{`a{r=~"u|v"}`, []string{`a{r=~"u"}`, `a{r=~"v"}`, `a{r=~".+"}`}},
	} {
		t.Run(c.expr, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, e := range expressions(c.expr) {
				got = append(got, e.expr)
			}
			for _, want := range c.want {
				trimmed := func(s string) bool { return strings.TrimSpace(s) == strings.TrimSpace(want) }
				if !slices.ContainsFunc(got, trimmed) {
					t.Errorf("no mutant %q among %q", want, got)
				}
			}
		})
	}
}

// Invariant: every mutant differs from the rules and has a name of its own, so that an explanation means one mutant.
func TestMutantsAreDistinct(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	same := rules.YAML(rules.All())
	for _, m := range allMutants(rules.All()) {
		if names[m.name] {
			t.Errorf("two mutants are called %s", m.name)
		}
		names[m.name] = true
		if m.rulesYAML == same {
			t.Errorf("%s changes nothing", m.name)
		}
	}
	for name := range equivalents {
		if !names[name] {
			t.Errorf("an explanation for %s, which is no mutant", name)
		}
	}
}

// Invariant: the exit status is 0 only if nothing survived without a reason and nothing was tested in vain.
func TestReportFailsOnSurvivors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		outcome outcome
		want    int
	}{
		{"killed", killed, 0},
		{"survived", survived, 1},
		{"invalid", invalid, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			results := []result{{mutant: mutant{name: "m"}, outcome: c.outcome}}
			var out strings.Builder
			if got := report(&out, results, options{}, time.Second); got != c.want {
				t.Errorf("status %d, want %d:\n%s", got, c.want, out.String())
			}
		})
	}
}
