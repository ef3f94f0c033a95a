package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(asCrash); how != "" {
		crash(how)
		return
	}
	// Tests name files as the repository does.
	// And speak English, whatever the language of the terminal that they run in.
	if err := errors.Join(os.Chdir("../../.."), os.Setenv("LC_ALL", "C")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// running is an exporter that serves, in this process or in its own.
type running struct {
	*programs.Process // if it is one

	url    string
	stderr *programs.Output
	stop   func() int // ends it in good order and returns its exit code
}

// anyPort has an exporter listen where nobody else does.
const anyPort = "--web.listen-address=127.0.0.1:0"

// serveHere runs the exporter in this process.
func serveHere(t *testing.T, args ...string) *running {
	t.Helper()
	return serveOn(t, time.Now, args...)
}

// serveOn does so on another clock.
func serveOn(t *testing.T, now func() time.Time, args ...string) *running {
	t.Helper()
	r := startHere(t, now, append([]string{anyPort}, args...)...)
	r.url = "http://" + r.stderr.Await(t, programs.Listening)[1]
	return r
}

// startHere runs the program in this process, and does not wait until it serves.
func startHere(t *testing.T, now func() time.Time, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, exit := &running{stderr: new(programs.Output)}, make(chan int, 1)
	go func() { exit <- harness.Run(ctx, args, app.Options{Stdout: r.stderr, Stderr: r.stderr, Now: now}) }()
	r.stop = sync.OnceValue(func() int { cancel(); return <-exit })
	t.Cleanup(func() {
		if r.stop() == harness.ExitDeparted {
			t.Error(r.stderr)
		}
	})
	return r
}

// serveApart runs the exporter as a process of its own, with variables besides
// those of the environment.
func serveApart(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	return serveProcess(t, programs.Exporter(t), env, args...)
}

func serveProcess(t *testing.T, path string, env []string, args ...string) *running {
	t.Helper()
	process := programs.Run(t, env, path, append([]string{anyPort}, args...)...)
	return &running{process, "http://" + process.Await(t, programs.Listening)[1], &process.Output, process.Stop}
}

// get returns the status and body of a path.
func (r *running) get(t *testing.T, path string, header ...string) (int, string) {
	t.Helper()
	return r.ask(t, http.MethodGet, path, header...)
}

// post sends an empty POST.
func (r *running) post(t *testing.T, path string) (int, string) {
	t.Helper()
	return r.ask(t, http.MethodPost, path)
}

func (r *running) ask(t *testing.T, method, path string, header ...string) (int, string) {
	t.Helper()
	got := r.exchange(t, method, path, header...)
	return got.status, got.body
}

// reply is an answer that has been read to its end.
type reply struct {
	status          int
	header, trailer http.Header
	body            string
}

func (r *running) exchange(t *testing.T, method, path string, header ...string) reply {
	t.Helper()
	request := must.Get(http.NewRequestWithContext(t.Context(), method, r.url+path, http.NoBody))(t)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	must.Do(t, err)
	defer response.Body.Close()
	body := must.Get(io.ReadAll(response.Body))(t)
	return reply{response.StatusCode, response.Header, response.Trailer, string(body)}
}

// scrape returns all samples of the metrics page.
func (r *running) scrape(t *testing.T, header ...string) exposition.Page {
	t.Helper()
	return r.page(t, "/metrics", header...)
}

// page returns all samples of an exposition.
func (r *running) page(t *testing.T, path string, header ...string) exposition.Page {
	t.Helper()
	got := r.exchange(t, http.MethodGet, path, header...)
	if got.status != http.StatusOK {
		t.Fatalf("%s answers %d: %s", path, got.status, got.body)
	}
	return must.Get(exposition.Parse(got.header.Get("Content-Type"), []byte(got.body)))(t)
}

// testKey is the partner's key. It holds what URLs, HTML, JSON and shells write
// in another way.
const testKey = `test+cust/key="7f3a91&b2<c8>d4`

// newStore is a simulated hub with one partner named store.
func newStore(t *testing.T) *simulator.Hub {
	t.Helper()
	return stand.NewHub(t, simulator.Options{}, simulator.Partner{
		CstID: "store", CustKey: testKey, Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
	})
}

// simulated starts such a hub, and returns the flags that ask it.
func simulated(t *testing.T) (*simulator.Hub, []string) {
	t.Helper()
	sim := newStore(t)
	return sim, flagsOf(t, stand.ServeHub(t, sim).URL)
}

// flagsOf are the flags that ask a hub for store.
func flagsOf(t *testing.T, hub string) []string {
	t.Helper()
	return []string{"--payple.hub=" + hub, "--payple.cst-id=store", "--payple.cust-key-file=" + harness.WriteFile(t, "key", testKey+"\n")}
}

// valueOf returns the value of a flag.
func valueOf(flag string) string { _, value, _ := strings.Cut(flag, "="); return value }
