// Package house_test holds the project to its plan: what stands at its root, and which way imports run.
package house_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// floors are the rooms, from the highest floor to the lowest. No room imports one of a higher floor.
var floors = []string{
	".",
	"internal/app internal/test",
	"internal/web internal/statuspage internal/check alerts dashboards docs",
	"collector",
	"internal/history internal/config internal/advice",
	"internal/simulator hub internal/lang internal/strictyaml deploy",
}

// only are all that a folder imports beside itself, where it is less than all on no higher floor.
var only = map[string]string{
	".":                        "internal/app",
	"internal/simulator":       "hub internal/lang internal/strictyaml",
	"internal/test/exposition": "hub",
	"internal/test/soak":       "hub internal/simulator internal/test/exposition internal/test/names internal/test/programs",
	"hub":                      "",
	"internal/lang":            "",
	"internal/strictyaml":      "",
}

// importers are all that import a package, or whose tests do, where they are fewer than all on no lower floor.
var importers = map[string]string{
	"internal/app":                                     ". internal/test/harness internal/test/e2e",
	"internal/app test":                                "internal/test/e2e docs",
	"internal/simulator":                               "internal/app internal/test",
	"internal/test":                                    "internal/test",
	"alerts/internal":                                  "alerts/internal alerts/mutate", // the program carries what generators have made, not them
	"dashboards/internal":                              "dashboards/internal",
	"github.com/prometheus/prometheus":                 "internal/test",
	"github.com/yuin/goldmark":                         "",
	"github.com/prometheus github.com/go-kit/log":      "internal collector dashboards",
	"github.com/prometheus github.com/go-kit/log test": "internal collector dashboards alerts docs deploy",
}

func TestImportsRunDown(t *testing.T) {
	const format = `{{range .Imports}}{{$.ImportPath}} {{.}} {{"\n"}}{{end}}` +
		`{{range .TestImports}}{{$.ImportPath}} {{.}} test{{"\n"}}{{end}}{{range .XTestImports}}{{$.ImportPath}} {{.}} test{{"\n"}}{{end}}`
	imports := strings.NewReplacer("payple_exporter/", "", "payple_exporter", ".").Replace(output(t, "go", "list", "-e", "-f", format, "./..."))
	for line := range strings.Lines(imports) {
		fields := strings.Fields(line)
		importer, imported, test := fields[0], fields[1], len(fields) == 3
		if from, to := floor(importer), floor(imported); from < 0 {
			t.Errorf("%s is in no room: move it into one, or give it a floor here and in docs/development.md", importer)
		} else if 0 <= to && to < from && !test {
			t.Errorf("%s imports %s, which is on a higher floor: pass in what is needed, or move it down", importer, imported)
		}
		for folder, others := range only {
			if within(importer, folder) && floor(imported) >= 0 && !test && !within(imported, folder+" "+others) {
				t.Errorf("%s imports %s, and may import only %q of the project: pass in what is needed", importer, imported, others)
			}
		}
		for rule, others := range importers {
			folders, ofTests := strings.CutSuffix(rule, " test")
			if test == ofTests && within(imported, folders) && !within(importer, folders+" "+others) {
				t.Errorf("%s imports %s, which is for %q only: move what needs it there", importer, imported, others)
			}
		}
	}
}

func TestRootIsShort(t *testing.T) {
	entries := map[string]bool{}
	for file := range strings.Lines(output(t, "git", "ls-files")) {
		entry, _, _ := strings.Cut(strings.TrimSpace(file), "/")
		entries[entry] = true
		if strings.HasSuffix(entry, ".go") && entry != "main.go" {
			t.Errorf("%s is at the root, where only main.go is: move it to internal/app, or to the room it belongs to", entry)
		}
	}
	if len(entries) > 22 {
		t.Errorf("%d entries at the root, want at most 22: move the new one into a folder", len(entries))
	}
	program, err := os.ReadFile(root + "/main.go")
	if lines := bytes.Count(program, []byte("\n")); err != nil || lines > 60 {
		t.Errorf("main.go has %d lines (%v), want at most 60: move what is no signal and no exit code to internal/app", lines, err)
	}
}

func output(t *testing.T, name string, args ...string) string {
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = root
	printed, err := command.Output()
	if err != nil {
		t.Fatal(name, err)
	}
	return string(printed)
}

// floor is the index of a folder's floor, from the top; -1 of what is no room.
func floor(folder string) int {
	return slices.IndexFunc(floors, func(rooms string) bool { return within(folder, rooms) })
}

// within reports whether a path is one of the folders, which blanks separate, or in one.
func within(path, folders string) bool {
	return slices.ContainsFunc(strings.Fields(folders), func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}
