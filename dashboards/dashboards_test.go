package dashboards_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/board"
	"payple_exporter/dashboards/internal/grafana"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// Without this, a dashboard and what it is generated from drift apart.
func TestTheCommittedFilesAreTheGeneratedOnes(t *testing.T) {
	t.Parallel()
	generated := board.Files()
	if committed := files(t); len(committed) != len(generated) {
		t.Errorf("committed: %v, and %d are generated", committed, len(generated))
	}
	for name, want := range generated {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run `go generate ./dashboards`", name)
		}
	}
}

// The program carries the files, for export, and nothing of what makes them.
func TestTheShippedBinaryHasTheFilesAlone(t *testing.T) {
	t.Parallel()
	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "payple_exporter").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(deps, []byte("payple_exporter/dashboards\n")) || bytes.Contains(deps, []byte("payple_exporter/dashboards/")) || bytes.Contains(deps, []byte("grafana")) {
		t.Errorf("the binary is made of\n%s", deps)
	}
}

// forEach runs check for each committed dashboard.
func forEach(t *testing.T, check func(*testing.T, grafana.Dashboard)) {
	t.Helper()
	for _, d := range committed(t) {
		t.Run(d.UID, func(t *testing.T) {
			t.Parallel()
			check(t, d)
		})
	}
}

// files are the dashboards that people install, in both languages.
func files(t *testing.T) []string {
	t.Helper()
	english, err := filepath.Glob("*.json")
	if err != nil || len(english) != 3 {
		t.Fatalf("want three dashboards: %v, %v", english, err)
	}
	korean, err := filepath.Glob(board.KoreanFolder + "/*")
	if err != nil || len(korean) != 3 {
		t.Fatalf("want the three in Korean: %v, %v", korean, err)
	}
	return append(english, korean...)
}

// committed reads the dashboards that people install, not those that would be
// generated.
func committed(t *testing.T) []grafana.Dashboard {
	t.Helper()
	names := files(t)
	all := make([]grafana.Dashboard, len(names))
	for i, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&all[i]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

func TestADashboardOpensTheSameForEverybody(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, d := range committed(t) {
		for _, identity := range []string{"uid " + d.UID, "title " + d.Title} {
			if other, taken := seen[identity]; taken {
				t.Errorf("%s has the %s of %s", d.UID, identity, other)
			}
			seen[identity] = d.UID
		}
	}
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		if !regexp.MustCompile(`^payple-[a-z]+(?:-ko)?$`).MatchString(d.UID) {
			t.Errorf("uid %q", d.UID)
		}
		if d.SchemaVersion < 36 || d.SchemaVersion > 41 {
			t.Errorf("schemaVersion %d: Grafana 11 reads up to 41", d.SchemaVersion)
		}
		if d.Editable || d.GraphTooltip != grafana.SharedCrosshair || d.Refresh != "1m" {
			t.Errorf("editable %v, graphTooltip %d, refresh %q", d.Editable, d.GraphTooltip, d.Refresh)
		}
		// Links lead to the dashboards of the same language, which share a tag.
		tags := []string{"payple"}
		if strings.HasSuffix(d.UID, "-ko") {
			tags = []string{"payple-ko"}
		}
		if !isSentence(d.Description) || !slices.Equal(d.Tags, tags) || len(d.Links) != 1 || !slices.Equal(d.Links[0].Tags, tags) {
			t.Errorf("description %q, tags %v, links %+v", d.Description, d.Tags, d.Links)
		}
	})
}

func TestEveryDashboardHasTheSameVariables(t *testing.T) {
	t.Parallel()
	want := map[string]string{ // variable → what else its query depends on
		"datasource": "", "job": "", "instance": "$job", "merchant": "$instance",
	}
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		var names []string
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
			if v.Label == "" || !isSentence(v.Description) {
				t.Errorf("%s: label %q, description %q", v.Name, v.Label, v.Description)
			}
			if v.Name == "datasource" {
				continue
			}
			if !v.Multi || !v.IncludeAll || v.Current == nil || v.Current.Value != "$__all" || v.Refresh != grafana.RefreshOnTimeRange {
				t.Errorf("%s: want several or all, all at first, and found anew for each time range: %+v", v.Name, v)
			}
			if (v.Name == "merchant") != (v.AllValue == ".+") {
				t.Errorf("%s: all is %q; only for merchants may it be a pattern: they are many, and no other job has any", v.Name, v.AllValue)
			}
			query := variableQuery(t, v)
			if !strings.Contains(query, want[v.Name]) || !strings.HasSuffix(query, ", "+v.Name+")") {
				t.Errorf("%s: query %q", v.Name, query)
			}
		}
		if !slices.Equal(names, []string{"datasource", "job", "instance", "merchant"}) {
			t.Errorf("variables %v", names)
		}
	})
}

func variableQuery(t *testing.T, v grafana.Variable) string {
	t.Helper()
	fields, _ := v.Query.(map[string]any)
	query, ok := fields["query"].(string)
	if !ok {
		t.Fatalf("%s: query %v", v.Name, v.Query)
	}
	return query
}

func TestPanelsHaveTheirOwnPlaceAndNumber(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		ids := map[int]string{}
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if other, used := ids[p.ID]; used || p.ID < 1 {
				t.Errorf("%q has id %d, and so has %q", p.Title, p.ID, other)
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.Y < 0 || g.X+g.W > grafana.GridWidth {
				t.Errorf("%q does not fit: %+v", p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, used := taken[[2]int{x, y}]; used {
						t.Fatalf("%q lies over %q", p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	})
}

// isSentence reports whether a text is one sentence; in Korean, one may begin with any letter.
func isSentence(text string) bool {
	return len(text) > 20 && regexp.MustCompile(`^[A-Z]|\p{Hangul}`).MatchString(text) && strings.HasSuffix(text, ".") && strings.Count(text, ". ") == 0
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		titles := map[string]bool{}
		for _, p := range d.Panels {
			if p.Title == "" || titles[p.Title] {
				t.Errorf("title %q: none, or there already", p.Title)
			}
			titles[p.Title] = true
			if p.Type != grafana.Row && !isSentence(p.Description) {
				t.Errorf("%q: description %q", p.Title, p.Description)
			}
			// Operators read words, not names of metrics.
			if strings.Contains(p.Title+p.Description, "_") {
				t.Errorf("%q: %q", p.Title, p.Description)
			}
		}
	})
}

// In Korean a dashboard differs in its texts alone, and has all of them in Korean; no text is translated that nobody is shown.
func TestKoreanDashboardsAreTheSameInKorean(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for path, file := range board.Files() {
		name, korean := strings.CutPrefix(path, board.KoreanFolder+"/")
		if !korean {
			continue
		}
		want, got := literals(board.Files()[name]), literals(file)
		if len(got) != len(want) {
			t.Fatalf("%s has %d strings, in English %d", path, len(got), len(want))
		}
		for i, english := range want {
			shown[english] = true
			translated := english != got[i]
			if translated && strings.ReplaceAll(got[i], "-ko", "") != english && !regexp.MustCompile(`\p{Hangul}|^CPU$|^job$|^exporter$`).MatchString(got[i]) {
				t.Errorf("%s: %q in place of %q", path, got[i], english)
			}
			// Two words, or one with a capital: what nobody is shown has neither, or is one of these.
			forPeople := regexp.MustCompile(`^[A-Z$]|^[a-z]+(?: [a-z']+)+$`).MatchString(english)
			if forPeople && !translated && !slices.Contains(notTexts, english) && !strings.HasPrefix(english, "Value #") {
				t.Errorf("%s: %q is not in Korean", path, english)
			}
		}
	}
	for english := range board.Texts() {
		if !shown[english] {
			t.Errorf("%q is in no dashboard", english)
		}
	}
}

// notTexts are strings of a dashboard that look like texts.
var notTexts = []string{"A", "B", "C", "Anno", "Prometheus", "$__all", "$merchant", "${datasource}", "external link"}

// literals are the strings of a JSON file.
func literals(file []byte) (all []string) {
	for _, literal := range regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindAll(file, -1) {
		var text string
		_ = json.Unmarshal(literal, &text)
		all = append(all, text)
	}
	return all
}

// A reason that is new to the exporter must not reach an operator as a code.
func TestEveryReasonIsInWords(t *testing.T) {
	t.Parallel()
	for _, d := range committed(t) {
		if strings.HasPrefix(d.UID, "payple-exporter") {
			continue // for engineers, who search the log for the code
		}
		named := map[string]int{}
		panels := 0
		for _, p := range data(d) {
			if !slices.ContainsFunc(p.Targets, func(target grafana.Target) bool { return strings.Contains(target.Expr, "by (merchant, reason)") }) {
				continue
			}
			panels++
			overrides, err := json.Marshal(p.FieldConfig.Overrides)
			if err != nil {
				t.Fatal(err)
			}
			for _, reason := range hub.Reasons() {
				words := regexp.MustCompile(`"options":"` + string(reason) + `"},"properties":\[{"id":"displayName","value":"[A-Z\p{Hangul}][^"_]+ |"` + string(reason) + `":{"color":"red","index":\d+,"text":"[A-Z\p{Hangul}][^"_]+ `)
				if words.Match(overrides) {
					named[string(reason)]++
				}
			}
		}
		for _, reason := range hub.Reasons() {
			if panels == 0 || named[string(reason)] != panels {
				t.Errorf("%s: %s is in words in %d of %d panels", d.UID, reason, named[string(reason)], panels)
			}
		}
	}
}

// units are those that were looked at in Grafana.
var units = []string{"locale", "currencyKRW", "s", "percentunit", "short", "bytes", "reqps", "none"}

// currencyKRW rounds to ₩1.23M: a figure that somebody acts on must be exact,
// and say that it is won.
func TestUnitsFitWhatTheyStandAt(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, p := range data(d) {
			unit := p.FieldConfig.Defaults.Unit
			if !slices.Contains(units, unit) {
				t.Errorf("%q: unit %q", p.Title, unit)
			}
			if unit == "currencyKRW" && p.Type != "timeseries" {
				t.Errorf("%q: currencyKRW is for axes only", p.Title)
			}
			if p.Type == "stat" && (unit == "locale") != saysWon(p.Title) {
				t.Errorf("%q: the unit %q and ₩ or 원 in the title go together", p.Title, unit)
			}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if property.ID != "unit" {
						continue
					}
					unit, _ := property.Value.(string)
					if !slices.Contains(units, unit) || unit == "currencyKRW" || saysWon(o.Matcher.Options) {
						t.Errorf("%q, %q: unit %v", p.Title, o.Matcher.Options, property.Value)
					}
				}
			}
		}
	})
}

func saysWon(title string) bool {
	return strings.HasSuffix(title, " (₩)") || strings.HasSuffix(title, "(원)")
}

// data returns the panels that show data.
func data(d grafana.Dashboard) []grafana.Panel {
	return slices.DeleteFunc(slices.Clone(d.Panels), func(p grafana.Panel) bool { return p.Type == grafana.Row })
}

// Calm are the colours that say "nobody knows" or "bad". Green says "good".
var calm = []string{"#808080", "red", "dark-red"}

func TestWhatIsNotKnownIsNeverGreen(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, p := range data(d) {
			field := p.FieldConfig.Defaults
			if field.NoValue == "" {
				t.Errorf("%q says nothing where there is nothing", p.Title)
			}
			if steps := field.Thresholds.Steps; len(steps) == 0 || steps[0].Value != nil || !slices.Contains(calm, steps[0].Color) {
				t.Errorf("%q: the first step is the colour of nothing: %+v", p.Title, field.Thresholds.Steps)
			}
			if field.Color.Mode == "fixed" && strings.Contains(field.Color.FixedColor, "green") {
				t.Errorf("%q is always green", p.Title)
			}
			if p.Type == "timeseries" {
				continue // a graph draws nothing where there is nothing
			}
			if color := colorOfNothing(field.Mappings); !slices.Contains(calm, color) {
				t.Errorf("%q shows nothing in %q", p.Title, color)
			}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if property.ID != "mappings" {
						continue
					}
					if color := colorOfNothing(property.Value); !slices.Contains(calm, color) {
						t.Errorf("%q, %q shows nothing in %q", p.Title, o.Matcher.Options, color)
					}
				}
			}
		}
	})
}

// colorOfNothing returns the colour that mappings give to no value.
func colorOfNothing(mappings any) string {
	content, _ := json.Marshal(mappings)
	var parsed []struct {
		Type    string
		Options json.RawMessage
	}
	_ = json.Unmarshal(content, &parsed)
	for _, m := range parsed {
		var special grafana.Special
		if m.Type == "special" && json.Unmarshal(m.Options, &special) == nil && special.Match == "null+nan" {
			return special.Result.Color
		}
	}
	return ""
}

// A last value found somewhere in a range would show a figure that vanished
// long ago as if it were there still.
func TestWhatIsSoNowIsAskedForThisMomentAlone(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, p := range data(d) {
			momentary := p.Type == "stat" || p.Type == "gauge" || p.Type == "table"
			for _, target := range p.Targets {
				if target.Instant != momentary || target.Range == momentary {
					t.Errorf("%q is a %s, and asks with instant=%v range=%v", p.Title, p.Type, target.Instant, target.Range)
				}
			}
		}
	})
}

// query is one thing that a dashboard asks Prometheus.
type query struct {
	where  string
	target grafana.Target
	// repeated is the variable that the query's panel is repeated for, if any.
	repeated string
}

// queries returns all that a dashboard asks.
func queries(d grafana.Dashboard) []query {
	var all []query
	repeated := ""
	for _, p := range d.Panels {
		if p.Type == grafana.Row {
			repeated = p.Repeat
		}
		for _, target := range p.Targets {
			all = append(all, query{d.UID + ": " + p.Title + ": " + target.RefID, target, repeated})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, query{d.UID + ": annotation " + a.Name, a.Target, ""})
	}
	return all
}

func TestEveryQueryFollowsTheReadersChoice(t *testing.T) {
	t.Parallel()
	labels := metrics()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, q := range queries(d) {
			if q.target.Datasource.UID != "${datasource}" || q.target.Datasource.Type != "prometheus" {
				t.Errorf("%s: datasource %+v", q.where, q.target.Datasource)
			}
			for _, s := range selectors(q.target.Expr) {
				for _, variable := range []string{"job", "instance", "merchant"} {
					hasLabel := variable != "merchant" || slices.Contains(labels[s.name], variable)
					if strings.Contains(s.matchers, variable+`=~"$`+variable+`"`) != hasLabel {
						t.Errorf("%s: %s{%s} and $%s", q.where, s.name, s.matchers, variable)
					}
				}
			}
		}
	})
}

func TestEveryMetricNamedExists(t *testing.T) {
	t.Parallel()
	known := metrics()
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, q := range queries(d) {
			found := selectors(q.target.Expr)
			if len(found) == 0 {
				t.Errorf("%s names no metric: %s", q.where, q.target.Expr)
			}
			for _, s := range found {
				if _, exists := known[s.name]; !exists {
					t.Errorf("%s: there is no %s", q.where, s.name)
				}
			}
		}
		for _, v := range d.Templating.List[1:] {
			name, _, _ := strings.Cut(strings.TrimPrefix(variableQuery(t, v), "label_values("), ",")
			name, _, _ = strings.Cut(name, "{")
			if _, exists := known[name]; !exists {
				t.Errorf("variable %s: there is no %s", v.Name, name)
			}
		}
	})
}

// metrics returns the labels of each metric that a dashboard may name.
func metrics() map[string][]string {
	labels := map[string][]string{
		// Prometheus' own, and those of every Go program.
		"up": nil, "scrape_duration_seconds": nil,
		"process_start_time_seconds": nil, "process_resident_memory_bytes": nil, "process_cpu_seconds_total": nil, "go_goroutines": nil,
		// Of all merchants together.
		collector.NameHubRequests: nil, collector.NameHubRequestFailures: nil, collector.NameHubResults: nil,
		collector.NameHubRequestDuration + "_bucket": nil,
		config.NameLoadSuccessful:                    nil, config.NameLoadTime: nil,
	}
	for _, m := range collector.Metrics() {
		labels[m.Name] = m.Labels
	}
	return labels
}

// A fixed window is empty where Prometheus scrapes more seldom than that.
func TestEveryRateFollowsTheScrapeInterval(t *testing.T) {
	t.Parallel()
	window := regexp.MustCompile(`(?:rate|irate|increase|changes|resets|delta|deriv)\s*\([^\[]*\[([^\]]*)\]`)
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, q := range queries(d) {
			for _, found := range window.FindAllStringSubmatch(q.target.Expr, -1) {
				if found[1] != "$__rate_interval" {
					t.Errorf("%s: window %s", q.where, found[1])
				}
			}
		}
	})
}

// The dashboards have to work where our recording rules are not loaded.
func TestNoQueryNeedsRecordingRules(t *testing.T) {
	t.Parallel()
	recorded := regexp.MustCompile(`[a-z]:[a-z]`)
	forEach(t, func(t *testing.T, d grafana.Dashboard) {
		for _, q := range queries(d) {
			if name := recorded.FindString(withoutStrings(q.target.Expr)); name != "" {
				t.Errorf("%s: …%s…", q.where, name)
			}
		}
	})
}

// selector is a metric in a query.
type selector struct{ name, matchers string }

func withoutStrings(expr string) string {
	return regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, `""`)
}

// selectors finds the metrics in a query: every word that is not a function,
// a keyword, a label after one, or within brackets. The queries' syntax is
// Prometheus' to judge, in the end-to-end test.
func selectors(expr string) []selector {
	const grouping = `\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`
	matchers := regexp.MustCompile(`([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}`)
	var found []selector
	for _, match := range matchers.FindAllStringSubmatch(expr, -1) {
		found = append(found, selector{match[1], match[2]})
	}
	rest := matchers.ReplaceAllString(expr, " ")
	for _, noise := range []string{`"[^"]*"`, `\[[^\]]*\]`, grouping, `\boffset\s+\w+`, `\$\w+`, `\b(?:and|or|unless|bool)\b`, `[a-zA-Z_]\w*\s*\(`, `\b[0-9][\w.]*`} {
		rest = regexp.MustCompile(noise).ReplaceAllString(rest, " ")
	}
	for _, name := range regexp.MustCompile(`[a-zA-Z_:][\w:]*`).FindAllString(rest, -1) {
		found = append(found, selector{name: name})
	}
	return found
}

func TestSelectorsFindsEveryMetric(t *testing.T) {
	t.Parallel()
	tests := map[string][]selector{
		`sum by (job) (rate(a_total{x="y"}[5m])) > 0 * bare`:                  {{"a_total", `x="y"`}, {name: "bare"}},
		`b unless on (merchant) group_left () c{} offset 1w`:                  {{"c", ""}, {name: "b"}},
		`label_replace(avg_over_time(d[1h:5m] offset 40m), "x", "e", "", "")`: {{name: "d"}},
		`f > time() - $__rate_interval_ms / 1000 and 3600`:                    {{name: "f"}},
	}
	for expr, want := range tests {
		if got := selectors(expr); !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %v\nwant %v", expr, got, want)
		}
	}
}
