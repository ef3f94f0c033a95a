package app

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/alerts"
	"payple_exporter/dashboards"
	"payple_exporter/docs/runbooks"
	"payple_exporter/internal/lang"
)

// exportFlags are those of the export command.
type exportFlags struct {
	kind, outputDir, runbookURL string
	language                    languageFlag // of what there is in one language a file
}

func (f *exportFlags) define(export *kingpin.CmdClause) {
	var kinds []string
	for _, e := range exports() {
		kinds = append(kinds, e.kind)
	}
	export.Arg("kind", "What to print: "+strings.Join(kinds, ", ")+".").Required().HintOptions(kinds...).EnumVar(&f.kind, kinds...)
	export.Flag("output-dir", "Directory to write the files to, instead of printing them one after the other.").
		StringVar(&f.outputDir)
	export.Flag("runbook-url", "Address below which alerts find their runbooks where no exporter with --web.external-url shows them, such as https://wiki.example/runbooks; of rules and prometheusrule.").
		StringVar(&f.runbookURL)
	f.language.define(export)
}

// carried is files of the repository that the program carries.
type carried struct {
	kind    string
	files   embed.FS
	pattern string // which of the files
	korean  string // which in Korean, where that is another file
}

func exports() []carried {
	return []carried{
		{"rules", alerts.Files, "payple.rules.yml", ""},
		{"prometheusrule", alerts.Files, "prometheusrule.yaml", ""},
		{"alertmanager", alerts.Files, "alertmanager.example.yml", ""},
		{"dashboards", dashboards.Files, "*.json", "ko/*.json"},
		{"runbooks", runbooks.Files, "*.md", ""},
	}
}

// export prints what the program carries, or writes it to files.
func (p *program) export(context.Context) error {
	f := p.exporting
	var links string
	var mistake error
	if f.runbookURL != "" {
		base, err := parseBase(f.runbookURL)
		if err != nil {
			mistake = wrong("runbook-url", f.runbookURL, err.Error())
		} else { // in a text that YAML quotes
			links = strings.NewReplacer("$", "$$", "'", "%27", "{", "%7B").Replace(base.String())
		}
	}
	if err := p.refused(mistake); err != nil {
		return err
	}
	for _, e := range exports() {
		if e.kind == f.kind {
			if err := p.exportAll(e, links); err != nil {
				return fmt.Errorf("export: %w", err)
			}
		}
	}
	return nil
}

// exportAll exports all files of a kind. Where links is set, links to runbooks lead there if no exporter says where it is reached.
func (p *program) exportAll(e carried, links string) error {
	pattern := e.pattern
	if e.korean != "" && p.exporting.language.language(p.Getenv) == lang.Korean {
		pattern = e.korean
	}
	names, err := fs.Glob(e.files, pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := e.files.ReadFile(name)
		if err != nil {
			return err
		}
		if links != "" {
			content = regexp.MustCompile(`(/runbooks/(Payple\w+)){{ end }}`).ReplaceAll(content, []byte("${1}{{ else }}"+links+"/${2}{{ end }}"))
		}
		if err := p.exportOne(name, content); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) exportOne(name string, content []byte) error {
	folder := p.exporting.outputDir
	if folder == "" {
		_, err := p.Stdout.Write(content)
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // Prometheus, Alertmanager and Grafana run as other users
		return err
	}
	path := filepath.Join(folder, filepath.Base(name))
	if err := os.WriteFile(path, content, 0o644); err != nil { //nolint:gosec // see above
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, path)
	return err
}
