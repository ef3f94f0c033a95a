package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

func readmes() []string { return []string{"README.md", "README.ko.md"} }

// Both languages of README.md tell of no flag and no metric that there is not.
func TestReadmesAreTrue(t *testing.T) {
	t.Parallel()
	known := knownFlags(t)
	metrics := make(map[string]bool)
	for _, metric := range collector.Metrics() {
		metrics[metric.Name] = true
	}
	for _, path := range append(readmes(), "docs/check.md", "docs/drills.md") {
		text := must.Read(t, path)
		for _, flag := range regexp.MustCompile("--(payple|threshold|config|web|log|simulate)[.][a-z.-]+[a-z]").FindAllString(text, -1) {
			if !known[flag] && !strings.HasPrefix(flag, "--config.file=alerts") && flag != "--web.listen-address" {
				t.Errorf("%s: there is no %s", path, flag)
			}
		}
		for _, name := range regexp.MustCompile("`payple_[a-z_]+`").FindAllString(text, -1) {
			if name := strings.Trim(name, "`"); !metrics[name] && name != "payple_exporter" && !strings.HasPrefix(name, "payple_max_age") {
				t.Errorf("%s: there is no %s", path, name)
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
		case strings.HasPrefix(line, "```"):
			if inBlock {
				d.blocks = append(d.blocks, block)
			}
			block, inBlock = line+"\n", !inBlock
		case inBlock:
			block += withoutWords(line) + "\n"
		case strings.HasPrefix(line, "#"):
			d.headings = append(d.headings, strings.TrimRight(line[:strings.IndexByte(line, ' ')]+" "+regexp.MustCompile(`\d\.|payple_exporter|Prometheus|Alertmanager`).FindString(line), " "))
		case strings.HasPrefix(line, "|"):
			d.rows = append(d.rows, strings.Repeat("|", strings.Count(line, "|"))+" "+quoted(line))
		case strings.HasPrefix(line, "- "):
			d.points++
		}
		if !inBlock {
			for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(line, -1) {
				if !slices.Contains(languageLinks, link[1]) {
					d.links = append(d.links, link[1])
				}
			}
		}
	}
	slices.Sort(d.links)
	return d
}

// withoutWords takes comments, and the labels of pictures, out of a line of
// code.
func withoutWords(line string) string {
	line = regexp.MustCompile(`(^| +)# .*$`).ReplaceAllString(line, "")
	return regexp.MustCompile(`(\["|\|")[^"]*("\]|"\|)`).ReplaceAllString(line, "$1…$2")
}

// README.ko.md has what README.md has: the same sections in the same order,
// the same code, tables and links. Only the words differ.
func TestReadmesKeepInStep(t *testing.T) {
	t.Parallel()
	english, korean := dissect(must.Read(t, "README.md")), dissect(must.Read(t, "README.ko.md"))
	for _, part := range []struct {
		name string
		a, b []string
	}{
		{"headings", english.headings, korean.headings},
		{"code blocks", english.blocks, korean.blocks},
		{"links", english.links, korean.links},
		{"rows of tables", english.rows, korean.rows},
	} {
		if len(part.a) == 0 {
			t.Errorf("README.md has no %s", part.name)
		}
		for i := range max(len(part.a), len(part.b)) {
			var a, b string
			if i < len(part.a) {
				a = part.a[i]
			}
			if i < len(part.b) {
				b = part.b[i]
			}
			if a != b {
				t.Errorf("%s: README.md has %q where README.ko.md has %q", part.name, a, b)
				break
			}
		}
	}
	if english.points != korean.points || english.points == 0 {
		t.Errorf("%d points of lists in English, %d in Korean", english.points, korean.points)
	}
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
