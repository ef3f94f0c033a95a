package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/internal/app"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
)

// exported are the files of the repository that each kind stands for.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	kinds := make(map[string][]string)
	for kind, pattern := range map[string]string{
		"rules": "alerts/payple.rules.yml", "prometheusrule": "alerts/prometheusrule.yaml", "alertmanager": "alerts/alertmanager.example.yml",
		"dashboards": "dashboards/*.json", "dashboards --lang=ko": "dashboards/ko/*.json", "runbooks": "docs/runbooks/*.md",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		kinds[kind] = files
	}
	return kinds
}

// What is exported is, byte for byte, what the repository has: those who have the
// image alone lack nothing, and other users, such as Prometheus, may read it.
func TestExportsAreTheRepositorysFiles(t *testing.T) {
	t.Parallel()
	for kind, files := range exported(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			command := append([]string{"export"}, strings.Fields(kind)...)
			folder := filepath.Join(t.TempDir(), "new", "folder")
			for range 2 { // the second time over the files of the first
				if code, _, stderr := harness.Command(t, append(command, "--output-dir="+folder)...); code != app.ExitOK {
					t.Fatalf("exit %d: %s", code, stderr)
				}
			}
			var whole strings.Builder
			for _, file := range files {
				want, path := must.Read(t, file), filepath.Join(folder, filepath.Base(file))
				whole.WriteString(want)
				if must.Read(t, path) != want {
					t.Errorf("%s is not %s", path, file)
				}
				if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o044 != 0o044 {
					t.Errorf("%s: not for others to read: %v %v", path, info.Mode(), err)
				}
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) != len(files) {
				t.Errorf("%d files (%v), want %v", len(entries), err, files)
			}
			if code, stdout, stderr := harness.Command(t, command...); code != app.ExitOK || stdout != whole.String() || stderr != "" {
				t.Errorf("exit %d, and not the same on stdout: %s", code, stderr)
			}
		})
	}
}

// --runbook-url is where every alert's runbook is looked for, whatever stands in
// the address, and changes nothing else.
func TestExportedRulesLeadToTheRunbooks(t *testing.T) {
	t.Parallel()
	alert := regexp.MustCompile(`alert: (\w+)`)
	for url, base := range map[string]string{
		"https://exporter.example/runbooks":  "https://exporter.example/runbooks/",
		"http://10.0.0.1:10911/a/runbooks//": "http://10.0.0.1:10911/a/runbooks/",
		"https://wiki.example/$1/{{x}}/'":    "https://wiki.example/$1/%7B%7Bx%7D%7D/%27/",
	} {
		for _, kind := range []string{"rules", "prometheusrule"} {
			_, plain, _ := harness.Command(t, "export", kind)
			code, changed, stderr := harness.Command(t, "export", kind, "--runbook-url="+url)
			if code != app.ExitOK {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			before, after := strings.Split(plain, "\n"), strings.Split(changed, "\n")
			if len(before) != len(after) {
				t.Fatalf("%s has %d lines, and %d before", kind, len(after), len(before))
			}
			name, led := "", 0
			for i, line := range after {
				if match := alert.FindStringSubmatch(line); match != nil {
					name = match[1]
				}
				if line == before[i] {
					continue
				}
				if led++; name == "" || !regexp.MustCompile(regexp.QuoteMeta(base+name)+`\b[^.]*$`).MatchString(line) {
					t.Errorf("%s: %s leads to %s, want %s%s", kind, name, strings.TrimSpace(line), base, name)
				}
			}
			if alerts := len(alert.FindAllString(changed, -1)); led != alerts || alerts < 10 {
				t.Errorf("%s: %d of %d alerts lead to a runbook below %s", kind, led, alerts, base)
			}
		}
	}
}

// What cannot be written is told, with exit code 1.
func TestExportTellsWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	file := harness.WriteFile(t, "file", "")
	code, stdout, stderr := harness.Command(t, "export", "rules", "--output-dir="+file)
	if code != app.ExitFailure || stdout != "" || !strings.Contains(stderr, "export: mkdir "+file) {
		t.Errorf("exit %d, %q %q", code, stdout, stderr)
	}
}
