package docs

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
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
