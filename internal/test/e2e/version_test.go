package e2e

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// A build from the sources says dev and its revision wherever the exporter says
// what it is: somebody who reports a fault cannot report it of no version.
func TestABuildFromTheSourcesSaysWhichItIs(t *testing.T) {
	t.Parallel()
	const revision = "0123456789abcdef0123456789abcdef01234567"
	program := must.Get(programs.Build("payple_exporter", "-ldflags=-X github.com/prometheus/common/version.Revision="+revision))(t)
	told := must.Get(exec.CommandContext(t.Context(), program, "--version").Output())(t)
	if want := "payple_exporter, version dev (branch: , revision: " + revision + ")"; !strings.HasPrefix(string(told), want) {
		t.Errorf("--version tells %s", told)
	}
	sim := newStore(t)
	var mu sync.Mutex
	var userAgent string
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		userAgent = r.UserAgent()
		mu.Unlock()
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(listening.Close)
	exporter := serveProcess(t, program, nil, flagsOf(t, listening.URL)...)
	const short = "dev-0123456789ab"
	for path, want := range map[string]string{
		"/": "payple_exporter " + short + "<", "/runbooks/": "payple_exporter " + short + "<", "/status.json": `"exporter": "` + short + `"`,
	} {
		if _, body := exporter.get(t, path); !strings.Contains(body, want) {
			t.Errorf("%s does not tell %s", path, want)
		}
	}
	if _, body := exporter.get(t, "/metrics"); !strings.Contains(body, `revision="`+revision+`",tags="unknown",version="dev"}`) {
		t.Error("payple_exporter_build_info does not tell the version and the revision")
	}
	mu.Lock()
	defer mu.Unlock()
	if userAgent != "payple_exporter/"+short {
		t.Errorf("the hub is told %s", userAgent)
	}
	exporter.stderr.Await(t, `msg="starting payple_exporter" version="\(version=dev, branch=, revision=`+revision)
}
