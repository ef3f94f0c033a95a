package docs

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/web"
)

func readmes() []string { return []string{"README.md", "README.ko.md"} }

// documents are all that people read.
func documents(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/runbooks/*.md", "dashboards/*.md", "deploy/*/README.md"} {
		all = append(all, must.Get(filepath.Glob(pattern))(t)...)
	}
	return all
}

// No document tells of a flag or a metric that there is not, nor of another default
// than the code's.
func TestDocumentsAreTrue(t *testing.T) {
	t.Parallel()
	known, defaults := knownFlags(t), make(map[string]string)
	model := app.Model()
	flags := model.Flags
	for _, command := range model.Commands {
		flags = append(flags, command.Flags...)
	}
	for _, flag := range flags {
		defaults["--"+flag.Name] = strings.Join(flag.Default, ", ")
	}
	metrics, stated := must.Read(t, "docs/metrics.md"), 0
	for _, path := range documents(t) {
		text := must.Read(t, path)
		for _, flag := range regexp.MustCompile("--(payple|threshold|config|web|log|simulate)[.][a-z.-]+[a-z]").FindAllString(text, -1) {
			if !known[flag] && !strings.HasPrefix(flag, "--config.file=alerts") && !strings.Contains(text, "prometheus "+flag) && path != "CHANGELOG.md" {
				t.Errorf("%s: there is no %s", path, flag)
			}
		}
		for _, name := range regexp.MustCompile("`payple_[a-z_]+`").FindAllString(text, -1) {
			if name != "`payple_exporter`" && !strings.Contains(metrics, name) {
				t.Errorf("%s: there is no %s", path, name)
			}
		}
		for _, match := range regexp.MustCompile("`(--[a-z.-]+)` ?\\((\\d[\\w.]*)[):]").FindAllStringSubmatch(text, -1) {
			stated++
			if value, found := defaults[match[1]]; found && value != match[2] {
				t.Errorf("%s: %s is %s, and the default is %s", path, match[1], match[2], value)
			}
		}
	}
	if stated < 3 {
		t.Errorf("only %d defaults are stated", stated)
	}
}

// The limits and numbers that documents state are those of the code.
func TestLimitsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	server := web.NewServer(http.NotFoundHandler())
	for path, texts := range map[string][]string{
		"docs/security.md": {
			fmt.Sprintf("hung up on after %.0f s (header), %.0f s (body) or %.0f s (idle)", server.ReadHeaderTimeout.Seconds(), server.ReadTimeout.Seconds(), server.IdleTimeout.Seconds()),
			fmt.Sprintf("headers and path have %d KiB", server.MaxHeaderBytes>>10+4), // as net/http has it
		},
		"docs/check.md": {
			fmt.Sprintf("| %d | all merchants answered |", app.ExitOK), fmt.Sprintf("| %d | at least one failed", app.ExitFailure),
			fmt.Sprintf("| %d | wrong usage or configuration", app.ExitUsage), fmt.Sprintf("| %d | all answered, and one has less", app.ExitLow),
		},
		"README.md": {"over a hundred wrong answers", "one of eleven reasons"},
	} {
		for _, text := range texts {
			if !strings.Contains(must.Read(t, path), text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
	}
	if n := len(simulator.Faults()); n <= 100 {
		t.Errorf("README.md speaks of over a hundred wrong answers, and there are %d", n)
	}
	if n := len(hub.Reasons()); n != 11 {
		t.Errorf("README.md speaks of eleven reasons, and there are %d", n)
	}
}

func help(t *testing.T, name string) string {
	t.Helper()
	code, out, _ := harness.Command(t, name, "--help")
	if code != app.ExitOK {
		t.Fatalf("%s --help exits %d", name, code)
	}
	return out
}

// The merchants file in README.md is the example that the tests load, but for
// the path of the key.
func TestReadmeExampleIsTheTestedOne(t *testing.T) {
	t.Parallel()
	_, tested, _ := strings.Cut(must.Read(t, "internal/config/testdata/merchants.yml"), "hub: real")
	tested = strings.Replace(tested, "partner1.custkey", "/run/secrets/partner1", 1)
	if !strings.Contains(must.Read(t, "README.md"), "hub: real"+tested) {
		t.Errorf("README.md does not hold\n%s", tested)
	}
}

// What the READMEs say of Prometheus is a whole configuration, down to the
// Alertmanager that tells somebody: the one that docs/drills.md starts.
func TestReadmePrometheusTellsSomebody(t *testing.T) {
	t.Parallel()
	for _, path := range readmes() {
		block := regexp.MustCompile("(?s)```yaml\n(scrape_configs:.*?)```").FindStringSubmatch(must.Read(t, path))
		if block == nil {
			t.Fatalf("%s has no configuration of Prometheus", path)
		}
		var configuration struct {
			Alerting struct {
				Alertmanagers []struct {
					Static []struct{ Targets []string } `yaml:"static_configs"`
				}
			}
		}
		must.Do(t, yaml.Load([]byte(block[1]), &configuration))
		if all := configuration.Alerting.Alertmanagers; len(all) != 1 || len(all[0].Static) != 1 || !slices.Equal(all[0].Static[0].Targets, []string{"localhost:9093"}) {
			t.Errorf("%s: the rules tell %+v", path, all)
		}
		file := harness.WriteFile(t, "prometheus.yml", block[1])
		must.Write(t, filepath.Join(filepath.Dir(file), "payple.rules.yml"), must.Read(t, "alerts/payple.rules.yml"))
		if output, err := exec.CommandContext(t.Context(), programs.Promtool(t), "check", "config", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, output)
		}
	}
}

// document is what two languages of one text must have in common.
type document struct {
	headings []string // their levels, and what stands in backquotes
	blocks   []string // code without comments and words
	links    []string // but for the screenshot and the other language
	rows     []string // of tables: how many columns, and what stands in backquotes
	points   int      // of lists
	code     []string // what stands in backquotes anywhere
	prose    string   // the rest
}

var languageLinks = []string{"README.md", "README.ko.md", "docs/images/page.png", "docs/images/page-ko.png"}

// dissect reads a Markdown document.
func dissect(text string) document {
	var d document
	block, inBlock := "", false
	quoted := func(line string) string {
		return strings.Join(slices.Sorted(slices.Values(regexp.MustCompile("`[^`]+`").FindAllString(line, -1))), " ")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			if inBlock {
				d.blocks = append(d.blocks, block)
			}
			block, inBlock = line+"\n", !inBlock
		case strings.HasPrefix(line, "<!--"):
			continue
		case inBlock:
			block += withoutWords(line) + "\n"
		case strings.HasPrefix(line, "#"):
			d.headings = append(d.headings, strings.TrimRight(line[:strings.IndexByte(line, ' ')]+" "+regexp.MustCompile(`\d\.|payple_exporter|Prometheus|Alertmanager`).FindString(line), " "))
		case strings.HasPrefix(line, "|"):
			d.rows = append(d.rows, strings.Repeat("|", strings.Count(line, "|"))+" "+quoted(line))
		case regexp.MustCompile(`^ *(?:-|\d+\.) `).MatchString(line):
			d.points++
		}
		if !inBlock {
			for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(line, -1) {
				if !slices.Contains(languageLinks, link[1]) {
					d.links = append(d.links, inEnglish(link[1]))
				}
			}
			code := regexp.MustCompile("`[^`]+`")
			d.code = append(d.code, code.FindAllString(line, -1)...)
			d.prose += code.ReplaceAllString(line, "") + "\n"
		}
	}
	slices.Sort(d.links)
	return d
}

// inEnglish is where a link leads, without the language and the heading, which differ.
func inEnglish(link string) string {
	path, _, _ := strings.Cut(link, "#")
	return strings.Replace(path, ".ko.md", ".md", 1)
}

// withoutWords takes comments, and the labels of pictures, out of a line of
// code.
func withoutWords(line string) string {
	line = regexp.MustCompile(`(^| +)# .*$`).ReplaceAllString(line, "")
	return regexp.MustCompile(`(\["|\|")[^"]*("\]|"\|)`).ReplaceAllString(line, "$1…$2")
}

// English documents of which there is one in Korean: README.md, every runbook, and all that an operator needs. What of alerts.md is in
// English alone begins with its weeks.
func inKoreanToo(t *testing.T) []string {
	t.Helper()
	all := must.Get(filepath.Glob("docs/runbooks/*.md"))(t)
	all = slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, ".ko.md") })
	return append(all, "README.md", "docs/alerts.md", "docs/check.md", "docs/configuration.md", "docs/drills.md")
}

// A document in Korean has what the English one has: the same sections in the
// same order, the same code, tables, steps and links, and no number or time
// less. Only the words differ. None outlives the English one.
func TestKoreanKeepsStep(t *testing.T) {
	t.Parallel()
	var wants []string
	for _, path := range inKoreanToo(t) {
		inKorean := strings.TrimSuffix(path, ".md") + ".ko.md"
		wants = append(wants, inKorean)
		text := must.Read(t, path)
		if path == "docs/alerts.md" {
			text, _, _ = strings.Cut(text, "\n## Weeks\n")
		}
		english, korean := dissect(text), dissect(must.Read(t, inKorean))
		for _, part := range []struct {
			name string
			a, b []string
		}{
			{"headings", english.headings, korean.headings},
			{"code blocks", english.blocks, korean.blocks},
			{"links", english.links, korean.links},
			{"rows of tables", english.rows, korean.rows},
		} {
			for i := range max(len(part.a), len(part.b)) {
				a, b := at(part.a, i), at(part.b, i)
				if a != b {
					t.Errorf("%s: %s has %q where %s has %q", part.name, path, a, inKorean, b)
					break
				}
			}
		}
		if english.points != korean.points || len(english.headings) == 0 {
			t.Errorf("%s: %d points of lists in English, %d in Korean", path, english.points, korean.points)
		}
		if path != "README.md" { // which is also written, not translated alone
			saysTheSame(t, inKorean, english, korean)
		}
	}
	have := must.Get(filepath.Glob("docs/*.ko.md"))(t)
	have = append(append(have, must.Get(filepath.Glob("docs/runbooks/*.ko.md"))(t)...), "README.ko.md")
	if slices.Sort(wants); !slices.Equal(slices.Sorted(slices.Values(have)), wants) {
		t.Errorf("in Korean there are %v, want %v", have, wants)
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func saysTheSame(t *testing.T, path string, english, korean document) {
	t.Helper()
	for _, code := range english.code {
		if !slices.Contains(korean.code, code) {
			t.Errorf("%s lacks %s", path, code)
		}
	}
	for _, code := range korean.code {
		if !slices.Contains(english.code, code) {
			t.Errorf("%s has %s, which English lacks", path, code)
		}
	}
	said := numbers(korean.prose)
	for _, number := range numbers(english.prose) {
		if !slices.ContainsFunc(said, func(korean string) bool {
			return korean == number || strings.TrimRight(korean, "분시간일") == number // "minute 5", and after "two hours" the 28
		}) {
			t.Errorf("%s lacks %s", path, number)
		}
	}
}

// numbers returns the numbers of a text, and its times as a Korean text writes them.
func numbers(prose string) []string {
	for word, digits := range map[string]string{
		"half a day": "12 hours", "hour and a half": "90 minutes", "half hour": "30 minutes", "half-hourly": "30 minutes",
		"quarter of an hour": "15 minutes", "하루": "1일", "일주일": "7일", "한 시간": "1시간",
	} {
		prose = strings.ReplaceAll(prose, word, digits)
	}
	units := map[string]string{"minute": "분", "hour": "시간", "day": "일"}
	words := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}
	time := regexp.MustCompile(`\b(a|an|` + strings.Join(words, "|") + `|\d+) (minute|hour|day)s?\b`)
	prose = time.ReplaceAllStringFunc(prose, func(found string) string {
		part := time.FindStringSubmatch(found)
		number := part[1]
		if number == "a" || number == "an" {
			number = "1"
		}
		if i := slices.Index(words, number); i >= 0 {
			number = strconv.Itoa(i)
		}
		return number + units[part[2]]
	})
	var all []string
	for _, found := range regexp.MustCompile(`([A-Z]?\d+(?:[.,]\d+)*) ?(분|시간|일)?`).FindAllStringSubmatch(prose, -1) {
		all = append(all, found[1]+found[2])
	}
	return all
}

// Every relative link of every document leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutBlocks(must.Read(t, path)), -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			seen++
			leads := path
			if target != "" {
				leads = filepath.Join(filepath.Dir(path), filepath.FromSlash(target))
			}
			if _, err := os.Stat(leads); err != nil {
				t.Errorf("%s links to %s, which is not there", path, link[1])
				continue
			}
			if anchor != "" && filepath.Ext(leads) == ".md" && !slices.Contains(anchors(must.Read(t, leads)), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", path, link[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 40 {
		t.Errorf("only %d links were looked at", seen)
	}
}

func withoutBlocks(text string) string {
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
}

// anchors are the names that a forge gives to headings.
func anchors(text string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutBlocks(text), -1) {
		name := strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")
		all = append(all, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(name, ""))
	}
	return all
}
