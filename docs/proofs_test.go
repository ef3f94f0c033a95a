package docs

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"payple_exporter/internal/test/must"
)

// documentsOfProof make claims and name what proves them, at least so many
// tests in all.
var documentsOfProof = map[string]int{"security.md": 40, "reliability.md": 35, "development.md": 1}

// Every test that a document names as proof exists: a claim must not outlive
// its test.
func TestClaimsHaveTests(t *testing.T) {
	t.Parallel()
	tests := slices.Concat(slices.Collect(maps.Values(testsByFolder(t)))...)
	for document, least := range documentsOfProof {
		named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(must.Read(t, "docs/"+document), -1)
		for _, name := range named {
			if !slices.Contains(tests, name) {
				t.Errorf("%s names %s, and there is none", document, name)
			}
		}
		if len(named) < least {
			t.Errorf("%s: only %d tests are named", document, len(named))
		}
	}
}

// Every `go test` of a document runs what it names: one that matches
// nothing passes, and proves nothing.
func TestClaimsCommandsRunTheirTests(t *testing.T) {
	t.Parallel()
	tests := testsByFolder(t)
	command := regexp.MustCompile("go test[^`\n&]*")
	for _, document := range documents(t) {
		text := strings.ReplaceAll(must.Read(t, document), `\|`, "|") // as Markdown tables want it
		found := command.FindAllString(text, -1)
		for _, line := range found {
			folders := folderArguments(line)
			for _, name := range patternsOf(line) {
				if !runsIn(tests, name, folders) {
					t.Errorf("%s: %q runs no %s in %v", document, line, name, folders)
				}
			}
		}
		if _, proves := documentsOfProof[strings.TrimPrefix(document, "docs/")]; proves && len(found) == 0 {
			t.Errorf("%s has no command", document)
		}
	}
}

// patternsOf returns what a command wants to run, less what is only part of a
// test.
func patternsOf(line string) (names []string) {
	for _, match := range regexp.MustCompile(`-(?:run|bench)[ =]'?([^' ]+)`).FindAllStringSubmatch(line, -1) {
		for pattern := range strings.SplitSeq(match[1], "|") {
			name, _, _ := strings.Cut(pattern, "/")
			if name = strings.Trim(name, "^$"); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// runsIn reports whether a test whose name holds a pattern is in one of the
// folders, or wherever they say.
func runsIn(tests map[string][]string, pattern string, folders []string) bool {
	for folder, names := range tests {
		for _, wanted := range folders {
			below, all := strings.CutSuffix(wanted, "/...")
			within := folder == wanted || all && (below == "." || strings.HasPrefix(folder, below))
			if within && strings.Contains(strings.Join(names, " "), pattern) {
				return true
			}
		}
	}
	return false
}

// folderArguments returns the folders among a command's arguments.
func folderArguments(arguments string) (folders []string) {
	module := "." // go test -C names another
	for argument := range strings.FieldsSeq(arguments) {
		if module == "-C" || argument == "-C" {
			module = argument
		} else if argument == "." || strings.HasPrefix(argument, "./") {
			folders = append(folders, filepath.Join(module, argument))
		}
	}
	return folders
}

// testsByFolder returns the names of all tests and fuzz targets.
func testsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	tests := make(map[string][]string)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(\w+ \*testing\.[TFB]\)`)
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go", "*/*/*/*_test.go"} {
		files := must.Get(filepath.Glob(pattern))(t)
		for _, file := range files {
			source := must.Read(t, file)
			for _, match := range function.FindAllStringSubmatch(source, -1) {
				tests[filepath.Dir(file)] = append(tests[filepath.Dir(file)], match[1])
			}
		}
	}
	return tests
}
