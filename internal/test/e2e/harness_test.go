package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(asCrash); how != "" {
		crash(how)
		return
	}
	// Tests name files as the repository does.
	if err := os.Chdir("../../.."); err != nil {
		panic(err)
	}
	// Whatever the language of the terminal that the tests run in.
	if err := os.Setenv("LC_ALL", "C"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// run runs the program in this process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return harness.Run(ctx, args, app.Options{Stdout: stdout, Stderr: stderr})
}

// output is a writer that can be read while it is written to.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed and replaced at each write
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	text, _ := o.read()
	return text
}

func (o *output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.more
}

// await returns the first match of pattern, waiting for it at the most 20 s.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	expression, deadline := regexp.MustCompile(pattern), time.After(20*time.Second)
	for {
		text, more := o.read()
		if match := expression.FindStringSubmatch(text); match != nil {
			return match
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no %q in:\n%s", pattern, text)
		}
	}
}

// listening matches the line with the address, in either format.
const listening = `(?:msg="Listening on" address=|{"address":")([^\s"]+)`

// running is an exporter that serves, in this process or in its own.
type running struct {
	url    string
	stderr *output
	stop   func() int // ends it in good order and returns its exit code
	// Of a process of its own:
	hangUp func()
	pid    int
	wait   func() syscall.WaitStatus // returns how it ended by itself
}

// serveHere runs the exporter in this process.
func serveHere(t *testing.T, args ...string) *running {
	t.Helper()
	return serveAs(t, run, args...)
}

// serveOn does so on another clock.
func serveOn(t *testing.T, clock *simulator.Clock, args ...string) *running {
	t.Helper()
	return serveAs(t, func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		return harness.Run(ctx, args, app.Options{Stdout: stdout, Stderr: stderr, Now: clock.Now})
	}, args...)
}

func serveAs(t *testing.T, run func(ctx context.Context, args []string, stdout, stderr io.Writer) int, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{stderr: newOutput()}
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, append([]string{"--web.listen-address=127.0.0.1:0"}, args...), io.Discard, r.stderr)
	}()
	r.stop = sync.OnceValue(func() int { cancel(); return <-exit })
	t.Cleanup(func() {
		if r.stop() == harness.ExitDeparted {
			t.Error(r.stderr.String())
		}
	})
	r.awaitListening(t)
	return r
}

// serveApart runs the exporter as a process of its own.
func serveApart(t *testing.T, args ...string) *running {
	t.Helper()
	return serveProcess(t, programs.Exporter(t), nil, args...)
}

func serveProcess(t *testing.T, path string, env []string, args ...string) *running {
	t.Helper()
	r := startProcess(t, path, env, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
	r.awaitListening(t)
	return r
}

// startProcess runs the program as a process of its own, and does not wait
// until it serves.
func startProcess(t *testing.T, path string, env []string, args ...string) *running {
	t.Helper()
	r := &running{stderr: newOutput()}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Env = append(os.Environ(), env...)
	command.Stderr = r.stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r.pid = command.Process.Pid
	r.wait = sync.OnceValue(func() syscall.WaitStatus {
		_ = command.Wait()
		return command.ProcessState.Sys().(syscall.WaitStatus)
	})
	r.stop = sync.OnceValue(func() int {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = r.wait()
		return command.ProcessState.ExitCode()
	})
	r.hangUp = func() { _ = command.Process.Signal(syscall.SIGHUP) }
	t.Cleanup(func() { r.stop() })
	return r
}

// awaitListening waits until an exporter serves, and notes where.
func (r *running) awaitListening(t *testing.T) {
	t.Helper()
	r.url = "http://" + r.stderr.await(t, listening)[1]
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
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, response.Trailer, string(body)}
}

// scrape returns all samples of the metrics page, by name and labels as they
// are written.
func (r *running) scrape(t *testing.T, header ...string) map[string]float64 {
	t.Helper()
	status, body := r.get(t, "/metrics", header...)
	if status != http.StatusOK {
		t.Fatalf("scrape: HTTP %d: %s", status, body)
	}
	return parseSamples(t, body)
}

// parseSamples reads an exposition in text form.
func parseSamples(t *testing.T, body string) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(body)); err != nil {
		t.Fatalf("the exposition does not parse: %v", err)
	}
	samples := make(map[string]float64)
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndex(line, " ")
		var value float64
		if _, err := fmt.Sscan(line[cut+1:], &value); err != nil {
			t.Fatalf("sample %q: %v", line, err)
		}
		samples[line[:cut]] = value
	}
	return samples
}

// eventually waits for something that happens in another process, 20 s at the
// most.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// testKey is the partner's key. It holds what URLs, HTML, JSON and shells write
// in another way.
const testKey = `test+cust/key="7f3a91&b2<c8>d4`

// simulated starts a simulated hub with one partner named store, and returns
// the flags that ask it.
func simulated(t *testing.T) (*simulator.Hub, []string) {
	t.Helper()
	sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{
		CstID: "store", CustKey: testKey,
		Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
	})
	return sim, []string{"--payple.hub=" + stand.ServeHub(t, sim).URL, "--payple.cst-id=store", "--payple.cust-key-file=" + harness.WriteFile(t, "key", testKey+"\n")}
}
