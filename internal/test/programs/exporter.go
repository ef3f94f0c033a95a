package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
)

// Exporter returns the path of payple_exporter, built from the sources at hand
// once for all tests of a package, with the race detector where the tests have
// it. It goes with the machine's temporary files.
func Exporter(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

//nolint:gochecknoglobals // a build is what there is one of in a test binary
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "payple_exporter-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "payple_exporter")
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "-race" && setting.Value == "true" {
				args = append(args, "-race")
			}
		}
	}
	command := exec.Command("go", append(args, "payple_exporter")...) //nolint:gosec // a path of its own making
	command.Stderr = os.Stderr
	return path, command.Run()
})
