package docs

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/must"
)

// The runbooks that the program shows are rendered from those that people edit,
// and none outlives its source.
func TestDocsOfRunbooksAreRendered(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, source := range sources {
		rendered := filepath.Join("docs/runbooks/html", strings.TrimSuffix(filepath.Base(source), ".md")+".html")
		want = append(want, rendered)
		golden.Compare(t, rendered, renderRunbook(t, source), *update)
	}
	slices.Sort(want)
	if got, err := filepath.Glob("docs/runbooks/html/*"); err != nil || !slices.Equal(got, want) {
		t.Errorf("there are %v (%v), want %v", got, err, want)
	}
}

// renderRunbook renders a runbook. A link to another leads to where the program
// shows that, in that one's language; one to what the program does not show is
// only text.
func renderRunbook(t *testing.T, path string) string {
	t.Helper()
	source := []byte(must.Read(t, path))
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	document := markdown.Parser().Parse(text.NewReader(source))
	var links []*ast.Link
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := node.(*ast.Link); ok && entering {
			links = append(links, link)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		target := string(link.Destination)
		name, isRunbook := strings.CutSuffix(target, ".md")
		language := "en"
		if korean, ok := strings.CutSuffix(name, ".ko"); ok {
			name, language = korean, "ko"
		}
		switch {
		case strings.Contains(target, "://"):
		case !isRunbook || strings.Contains(name, "/"):
			for child := link.FirstChild(); child != nil; child = link.FirstChild() {
				link.Parent().InsertBefore(link.Parent(), link, child)
			}
			link.Parent().RemoveChild(link.Parent(), link)
		case name == "README":
			link.Destination = []byte("./?lang=" + language)
		default:
			link.Destination = []byte(name + "?lang=" + language)
		}
	}
	var out bytes.Buffer
	if err := markdown.Renderer().Render(&out, source, document); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A runbook in Korean has what the one in English has: the same headings, steps,
// queries and names, and no number or time less.
func TestDocsOfRunbooksKeepStep(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for _, source := range sources {
		name, korean := strings.CutSuffix(source, ".ko.md")
		if korean {
			if _, err := os.Stat(name + ".md"); err != nil {
				t.Error(err)
			}
			continue
		}
		pairs++
		name = strings.TrimSuffix(source, ".md")
		got, want := outlined(t, name+".ko.md"), outlined(t, source)
		if !slices.Equal(got.blocks, want.blocks) {
			t.Errorf("%s.ko.md has the parts\n%q, and English\n%q", name, got.blocks, want.blocks)
		}
		for code := range want.code {
			if !got.code[code] {
				t.Errorf("%s.ko.md lacks `%s`", name, code)
			}
		}
		for code := range got.code {
			if !want.code[code] {
				t.Errorf("%s.ko.md has `%s`, which English lacks", name, code)
			}
		}
		for _, number := range numbers(want.prose) {
			if !slices.Contains(numbers(got.prose), number) {
				t.Errorf("%s.ko.md lacks %s", name, number)
			}
		}
	}
	if pairs < 18 {
		t.Errorf("only %d runbooks", pairs)
	}
}

// outline is what a text has in every language.
type outline struct {
	blocks []string        // headings by level, items of lists, rows of tables, and code
	code   map[string]bool // within sentences
	prose  string
}

func outlined(t *testing.T, path string) outline {
	t.Helper()
	source := []byte(must.Read(t, path))
	found := outline{code: make(map[string]bool)}
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			found.blocks = append(found.blocks, strings.Repeat("#", node.Level))
		case *ast.FencedCodeBlock:
			found.blocks = append(found.blocks, string(node.Lines().Value(source)))
			return ast.WalkSkipChildren, nil
		case *ast.ListItem, *extensionast.TableRow:
			found.blocks = append(found.blocks, node.Kind().String())
		case *ast.CodeSpan:
			found.code[string(node.Text(source))] = true //nolint:staticcheck // code has no other text
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			found.prose += string(node.Segment.Value(source)) + " "
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// numbers returns the numbers of a text, and its times as a Korean text writes them.
func numbers(prose string) []string {
	for word, digits := range map[string]string{
		"half a day": "12 hours", "hour and a half": "90 minutes", "half hour": "30 minutes", "half-hourly": "30 minutes", "하루": "1일", "일주일": "7일", "한 시간": "1시간",
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
