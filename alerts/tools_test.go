package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"payple_exporter/internal/test/programs"
)

func promtool(t *testing.T) string { t.Helper(); return programs.Promtool(t) }

func amtool(t *testing.T) string { t.Helper(); return programs.Amtool(t) }

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
