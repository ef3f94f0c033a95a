package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool finds an external program: the one that the environment variable names, or the first of the usual names. Without it the test is
// skipped, unless PAYPLE_EXPORTER_E2E=required says that a skip would hide something.
func tool(t *testing.T, variable, install string, names ...string) string {
	t.Helper()
	if named := os.Getenv(variable); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	complain := t.Skipf
	if os.Getenv("PAYPLE_EXPORTER_E2E") == "required" {
		complain = t.Fatalf
	}
	complain("%s is missing: install it (Debian: apt-get install %s) or name it in %s", names[0], install, variable)
	return ""
}

func promtool(t *testing.T) string {
	t.Helper()
	return tool(t, "PROMTOOL", "prometheus", "promtool")
}

func amtool(t *testing.T) string {
	t.Helper()
	return tool(t, "AMTOOL", "prometheus-alertmanager", "amtool")
}

func alertmanager(t *testing.T) string {
	t.Helper()
	return tool(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")
}

// succeeds runs a program that must exit with 0, and shows what it said otherwise.
func succeeds(t *testing.T, path string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", filepath.Base(path), args, err, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
