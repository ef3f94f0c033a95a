package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/programs"
)

// serveSimulator runs simulate as a process of its own; its output is where an
// exporter's log is.
func serveSimulator(t *testing.T, env ...string) *running {
	t.Helper()
	r := &running{stderr: newOutput()}
	simulator := exec.CommandContext(t.Context(), programs.Exporter(t), "simulate", "--simulate.listen-address=127.0.0.1:0")
	simulator.Env = append(os.Environ(), env...)
	simulator.Stdout, simulator.Stderr = r.stderr, r.stderr
	if err := simulator.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = simulator.Process.Signal(syscall.SIGTERM)
		_ = simulator.Wait()
	})
	r.url = r.stderr.await(t, `listens on (http://127\.0\.0\.1:\d+)\.`)[1]
	return r
}

// What other users of the machine can read of the process holds no key: not its
// command line, and not its environment if the key is in a file. If the key is
// in the environment, it can be read there by the same user and by root, as the
// documentation says.
func TestProcessShowsTheKeyOnlyWhereDocumented(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	_, flags := simulated(t)
	for name, test := range map[string]struct {
		flags []string
		env   string
		shown bool
	}{
		"file": {flags, "UNRELATED=1", false}, "environment": {flags[:2], "PAYPLE_CUST_KEY=" + testKey, true},
	} {
		exporter := serveProcess(t, programs.Exporter(t), []string{test.env}, test.flags...)
		exporter.scrape(t)
		proc := filepath.Join("/proc", strconv.Itoa(exporter.pid))
		for _, file := range []string{"cmdline", "comm", "status", "maps", "stat", "cgroup", "mountinfo"} {
			text, err := os.ReadFile(filepath.Join(proc, file))
			if err != nil {
				t.Fatal(err)
			}
			expectNoSecret(t, name+": "+file, string(text))
		}
		environ, err := os.ReadFile(filepath.Join(proc, "environ"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(environ), testKey) != test.shown {
			t.Errorf("%s: the environment shows the key: %v, documented: %v", name, !test.shown, test.shown)
		}
		if info, err := os.Stat(filepath.Join(proc, "environ")); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read the environment: %v, %v", info, err)
		}
		// The file with the key is not kept open, where a child could inherit it.
		descriptors, err := os.ReadDir(filepath.Join(proc, "fd"))
		if err != nil {
			t.Fatal(err)
		}
		for _, descriptor := range descriptors {
			if target, _ := os.Readlink(filepath.Join(proc, "fd", descriptor.Name())); strings.HasSuffix(target, "/key") {
				t.Errorf("%s: %s is kept open", name, target)
			}
		}
	}
}

// The dump of all goroutines that SIGQUIT brings, or a crash, holds no secret
// while requests with the key and a token in them are under way at both steps.
func TestStackDumpHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, endpoint := range hub.Endpoints() {
		sim, flags := simulated(t)
		fault, err := simulator.ParseFault("hang")
		if err != nil {
			t.Fatal(err)
		}
		sim.Break("store", endpoint, fault)
		exporter := serveProcess(t, programs.Exporter(t), []string{"GOTRACEBACK=system"}, append(flags, "--payple.timeout=1m")...)
		exporter.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "0.1") // its query outlives it
		eventually(t, "the query reaches "+string(endpoint), func() bool { return sim.Requests("store", endpoint) > 0 })
		if err := syscall.Kill(exporter.pid, syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		if code := exporter.stop(); code != 2 {
			t.Errorf("exit code %d", code)
		}
		dump := exporter.stderr.String()
		for _, want := range []string{"SIGQUIT", "goroutine ", "payple_exporter/hub.(*Client).exchange", "net/http.(*Client)"} {
			if !strings.Contains(dump, want) {
				t.Errorf("no %q in the dump:\n%s", want, dump)
			}
		}
		expectNoSecret(t, "the dump", dump)
	}
}

// asCrash makes the test binary crash, in the way that it names.
const asCrash = "PAYPLE_EXPORTER_TEST_AS_CRASH"

// crashes are ways to crash with secrets at hand.
func crashes() map[string]func(secret hub.Secret, credentials hub.Credentials, err error) {
	return map[string]func(secret hub.Secret, credentials hub.Credentials, err error){
		"error":       func(_ hub.Secret, _ hub.Credentials, err error) { panic(err) },
		"wrapped":     func(_ hub.Secret, c hub.Credentials, err error) { panic(fmt.Errorf("asking with %+v: %w", c, err)) },
		"joined":      func(s hub.Secret, _ hub.Credentials, err error) { panic(errors.Join(err, fmt.Errorf("%#v", s))) },
		"text":        func(s hub.Secret, c hub.Credentials, err error) { panic(fmt.Sprintf("%v %x %#v %+v", s, s, c, err)) },
		"secret":      func(s hub.Secret, _ hub.Credentials, _ error) { panic(s) },
		"credentials": func(_ hub.Secret, c hub.Credentials, _ error) { panic(c) },
		"pointer":     func(_ hub.Secret, c hub.Credentials, _ error) { panic(&c) },
		"runtime": func(hub.Secret, hub.Credentials, error) {
			_ = os.Args[len(os.Args)]
		},
		"within a panic": func(s hub.Secret, _ hub.Credentials, err error) {
			defer func() { panic(fmt.Sprint(recover(), s)) }()
			panic(err)
		},
	}
}

// crash fails at the hub, with its secrets sent back, and panics.
func crash(how string) {
	way, fault, _ := strings.Cut(how, "/")
	sim := simulator.New(simulator.Options{}, simulator.Partner{CstID: "store", CustKey: testKey})
	if err := sim.Apply("", "", fault); err != nil {
		panic(err)
	}
	server, err := simulator.Start(sim, "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	credentials := hub.Credentials{CstID: "store", CustKey: hub.NewSecret(testKey)}
	_, err = hub.NewClient(hub.Options{URL: server.URL}).Token(ctx, credentials)
	blowUp(crashes()[way], credentials.CustKey, credentials, err)
}

//go:noinline
func blowUp(way func(hub.Secret, hub.Credentials, error), secret hub.Secret, credentials hub.Credentials, err error) {
	way(secret, credentials, err)
}

// A crash that has secrets and the hub's errors among its arguments, or for its
// reason, prints none of them.
func TestCrashHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for way := range crashes() {
		for _, fault := range []string{"no-http", "echo-message", "echo-result"} {
			t.Run(way+"/"+fault, func(t *testing.T) {
				t.Parallel()
				crashing := exec.CommandContext(t.Context(), os.Args[0])
				crashing.Env = append(os.Environ(), asCrash+"="+way+"/"+fault, "GOTRACEBACK=system")
				dump, err := crashing.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(dump), "panic: ") || !strings.Contains(string(dump), ".blowUp(") {
					t.Errorf("%v:\n%s", err, dump)
				}
				expectNoSecret(t, "the crash", string(dump))
			})
		}
	}
}

// parrotHub is a hub that answers one query, and then sends the last request's
// body back, although nobody asked for more. When the exporter has hung up, done
// is closed.
func parrotHub(t *testing.T, answered <-chan struct{}) (url string, done <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		connection, err := listener.Accept()
		if err != nil {
			return // the test has ended
		}
		defer connection.Close()
		requests := bufio.NewReader(connection)
		var body []byte
		for _, answer := range []string{
			`{"result":"T0000","code":"%s","access_token":"eyJ0123456789abcdef","expires_in":"60"}`,
			`{"result":"A0000","cst_id":"store","total_account_amt":"2","total_transfer_amt":"1","remain_amt":"1"}`,
		} {
			request, err := http.ReadRequest(requests)
			if err != nil {
				t.Error(err)
				return
			}
			if body, err = io.ReadAll(request.Body); err != nil {
				t.Error(err)
				return
			}
			var asked struct{ Code string }
			_ = json.Unmarshal(body, &asked)
			answer = strings.Replace(answer, "%s", asked.Code, 1)
			_, _ = fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		}
		<-answered
		_, _ = connection.Write(body)
		_, _ = io.Copy(io.Discard, connection)
	}()
	return "http://" + listener.Addr().String(), gone
}

// What the Go standard library prints on its own, beside this program's log, is
// not shown: its HTTP client quotes what a hub sends out of turn, and that may
// be the key. Whoever debugs is told that there was something.
func TestSurplusOfTheHubIsNotQuoted(t *testing.T) {
	t.Parallel()
	for logLevel, told := range map[string]int{"info": 0, "debug": 1} {
		t.Run(logLevel, func(t *testing.T) {
			t.Parallel()
			answered := make(chan struct{})
			url, done := parrotHub(t, answered)
			exporter := serveApart(t, "--payple.hub="+url, "--payple.cst-id=store",
				"--payple.cust-key-file="+harness.WriteFile(t, "key", testKey), "--log.level="+logLevel)
			if got := exporter.scrape(t)[remainOfStore]; got != 1 { // its connection to the hub is idle when this is over
				t.Errorf("the hub's answer is shown as %v", got)
			}
			close(answered)
			<-done
			if code := exporter.stop(); code != app.ExitOK {
				t.Errorf("exit code %d", code)
			}
			text := exporter.stderr.String()
			expectNoSecret(t, "the log", text)
			line := regexp.MustCompile(`level=debug caller=\S+ time=\S+ msg="the Go standard library has something to say`)
			if n := len(line.FindAllString(text, -1)); n != told || strings.Contains(text, "Unsolicited") {
				t.Errorf("told %d times, want %d, and nothing quoted:\n%s", n, told, text)
			}
		})
	}
}

// SIGHUP asks for a reload from the first moment on: it does not end an
// exporter that is still reading its configuration, which reloads once it has
// started.
func TestHangupWhileStarting(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	file := filepath.Join(t.TempDir(), "merchants.yml")
	text := "merchants: [{cst_id: store, cust_key_file: " + strings.TrimPrefix(flags[2], "--payple.cust-key-file=") + "}]\n"
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	exporter := startProcess(t, programs.Exporter(t), nil, "--web.listen-address=127.0.0.1:0", flags[0], "--config.file="+file)
	var pipe *os.File
	eventually(t, "the exporter reads its configuration", func() (open bool) {
		var err error
		pipe, err = os.OpenFile(file, os.O_WRONLY|syscall.O_NONBLOCK, 0) // an error while nobody reads
		return err == nil
	})
	exporter.hangUp()
	// From here on it is a file like any other.
	if err := errors.Join(os.Remove(file), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	exporter.awaitListening(t)
	exporter.stderr.await(t, `(?s)configuration in force.*configuration in force`)
	if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
		t.Errorf("got %v", got)
	}
	if code := exporter.stop(); code != app.ExitOK {
		t.Errorf("exit code %d:\n%s", code, exporter.stderr)
	}
}

// SIGHUP does not end an exporter that is finishing its scrapes: whoever
// rotates keys while it stops does not cut anybody off.
func TestHangupWhileStopping(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	asked, release := make(chan struct{}, 2), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		sim.ServeHTTP(w, r)
	}))
	defer slow.Close()
	exporter := serveApart(t, append(flags, "--payple.hub="+slow.URL)[1:]...)
	answered, exit := make(chan map[string]float64, 1), make(chan int, 1)
	go func() { answered <- exporter.scrape(t) }()
	<-asked
	go func() { exit <- exporter.stop() }()
	exporter.stderr.await(t, "stopping: scrapes under way finish first")
	exporter.hangUp()
	exporter.hangUp()
	close(release)
	if code := <-exit; code != app.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, exporter.stderr)
	}
	if got := (<-answered)[remainOfStore]; got != 9_944_000 {
		t.Errorf("the scrape that was under way got %v", got)
	}
}

// SIGHUP ends a command that reloads nothing, as it ends any program whose
// terminal is closed.
func TestHangupEndsOtherCommands(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	if err := sim.Apply("store", "", "hang"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for command, test := range map[string]struct {
		flags []string
		runs  func() bool
	}{
		"check": {append(flags, "--payple.timeout=1m"), func() bool { return sim.Requests("store", hub.EndpointToken) > 0 }},
		"simulate": {[]string{"--simulate.listen-address=127.0.0.1:0", "--simulate.config-dir=" + folder}, func() bool {
			_, err := os.Stat(filepath.Join(folder, "merchants.yml"))
			return err == nil
		}},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			r := startProcess(t, programs.Exporter(t), nil, append([]string{command}, test.flags...)...)
			eventually(t, command+" runs", test.runs)
			r.hangUp()
			if status := r.wait(); !status.Signaled() || status.Signal() != syscall.SIGHUP {
				t.Errorf("ended with code %d:\n%s", status.ExitStatus(), r.stderr)
			}
		})
	}
}
