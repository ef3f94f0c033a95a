package stand_test

import (
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// tested is a test that is looked at by another.
type tested struct {
	testing.TB
	cleanups []func()
	failed   bool
}

func (*tested) Helper()                 {}
func (t *tested) Cleanup(f func())      { t.cleanups = append(t.cleanups, f) }
func (t *tested) Errorf(string, ...any) { t.failed = true }

// A test in which the hub was asked in another form than the documented one
// fails, and no other does.
func TestDeparturesFailTheTest(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/account/remain"} {
		inner := &tested{TB: t}
		sim := stand.NewHub(inner, simulator.Options{})
		if path != "" {
			sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		}
		for _, cleanup := range slices.Backward(inner.cleanups) {
			cleanup()
		}
		if asked := path != ""; inner.failed != asked {
			t.Errorf("asked %q: failed %t, want %t", path, inner.failed, asked)
		}
	}
}

// No end-to-end test and no test of the hub's client makes a simulated hub that
// nobody looks at.
func TestEveryHubIsLookedAt(t *testing.T) {
	t.Parallel()
	const child = "../e2e/process_test.go" // runs one in a process that crashes
	for _, folder := range []string{"../e2e", "../../../hub"} {
		seen := 0
		if err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			seen += strings.Count(string(text), "stand.NewHub(")
			if strings.Contains(string(text), "simulator.New(") && path != child {
				t.Errorf("%s calls simulator.New: call stand.NewHub, which fails the test if the hub was asked in another form than the documented one", path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if seen < 3 {
			t.Errorf("%s: only %d hubs were looked at", folder, seen)
		}
	}
}
