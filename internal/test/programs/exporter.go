package programs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"payple_exporter/internal/test/must"
)

//nolint:gochecknoglobals // folder and builds are what there is one of in a process
var (
	folder   = sync.OnceValues(temporary)
	released = sync.OnceValues(func() (string, error) { return Build("payple_exporter") })
	tested   = sync.OnceValues(func() (string, error) {
		info, ok := debug.ReadBuildInfo()
		race := ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
		return build(nil, "payple_exporter", fmt.Sprintf("-race=%t", race)) // and else as the tests, or all would be compiled once more
	})
)

// Exporter returns the path of payple_exporter, built from the sources at hand
// once for all tests of a package, with the race detector where the tests have
// it.
func Exporter(tb testing.TB) string { tb.Helper(); return must.Get(tested())(tb) }

// Released returns the path of payple_exporter as it is released.
func Released(tb testing.TB) string { tb.Helper(); return must.Get(released())(tb) }

// Build builds a program of the project as a release does, with other flags
// besides, and returns its path. It goes with this process.
func Build(program string, flags ...string) (string, error) {
	return build([]string{"CGO_ENABLED=0"}, program, append([]string{"-trimpath", "-ldflags=-s -w"}, flags...)...)
}

func build(env []string, program string, flags ...string) (string, error) {
	all, err := folder()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(all.dir, "")
	if err != nil {
		return "", fmt.Errorf("a folder for %s: %w", program, err)
	}
	path := filepath.Join(dir, filepath.Base(program))
	command := exec.Command("go", slices.Concat([]string{"build", "-o", path}, flags, []string{program})...) //nolint:noctx // as long as it takes
	command.Env = append(os.Environ(), env...)
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", program, err, output)
	}
	return path, nil
}

// programFolder is where the programs are, as long as the pipe is open.
type programFolder struct {
	dir   string
	alive io.Closer
}

// temporary returns a folder that goes with this process, even if that is
// killed: then the pipe ends that a shell waits for.
func temporary() (programFolder, error) {
	dir, err := os.MkdirTemp("", "payple_exporter-")
	if err != nil {
		return programFolder{}, fmt.Errorf("a folder for programs: %w", err)
	}
	cleaner := exec.Command("sh", "-c", `trap "" INT; cat; rm -r "$0"`, dir) //nolint:noctx // ends with this process
	alive, err := cleaner.StdinPipe()
	if err == nil {
		err = cleaner.Start()
	}
	if err != nil {
		return programFolder{}, fmt.Errorf("a folder for programs: %w", err)
	}
	return programFolder{dir, alive}, nil
}
