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
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

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
		exporter := serveApart(t, []string{test.env}, test.flags...)
		exporter.scrape(t)
		proc := filepath.Join("/proc", strconv.Itoa(exporter.PID()))
		for _, file := range []string{"cmdline", "comm", "status", "maps", "stat", "cgroup", "mountinfo"} {
			text := must.Read(t, filepath.Join(proc, file))
			expectNoSecret(t, name+": "+file, text)
		}
		environ := must.Read(t, filepath.Join(proc, "environ"))
		if strings.Contains(environ, testKey) != test.shown {
			t.Errorf("%s: the environment shows the key: %v, documented: %v", name, !test.shown, test.shown)
		}
		if info, err := os.Stat(filepath.Join(proc, "environ")); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read the environment: %v, %v", info, err)
		}
		// The file with the key is not kept open, where a child could inherit it.
		descriptors := must.Get(os.ReadDir(filepath.Join(proc, "fd")))(t)
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
		fault := must.Get(simulator.ParseFault("hang"))(t)
		sim.Break("store", endpoint, fault)
		exporter := serveApart(t, []string{"GOTRACEBACK=system"}, append(flags, "--payple.timeout=1m")...)
		exporter.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "0.1") // its query outlives it
		programs.Eventually(t, "the query reaches "+string(endpoint), func() bool { return sim.Requests("store", endpoint) > 0 })
		exporter.Signal(syscall.SIGQUIT)
		if code := exporter.Wait().ExitCode(); code != 2 {
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
	listener := must.Get(net.Listen("tcp", "127.0.0.1:0"))(t)
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
			exporter := serveApart(t, nil, append(flagsOf(t, url), "--log.level="+logLevel)...)
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
	must.Do(t, syscall.Mkfifo(file, 0o600))
	exporter := programs.Run(t, nil, programs.Exporter(t), anyPort, flags[0], "--config.file="+file)
	var pipe *os.File
	programs.Eventually(t, "the exporter reads its configuration", func() (open bool) {
		var err error
		pipe, err = os.OpenFile(file, os.O_WRONLY|syscall.O_NONBLOCK, 0) // an error while nobody reads
		return err == nil
	})
	exporter.Signal(syscall.SIGHUP)
	// From here on it is a file like any other.
	must.Do(t, errors.Join(os.Remove(file), os.WriteFile(file, []byte(text), 0o600)))
	must.Get(pipe.WriteString(text))(t)
	must.Do(t, pipe.Close())
	exporter.Await(t, `(?s)configuration in force.*configuration in force`)
	serving := &running{url: "http://" + exporter.Await(t, programs.Listening)[1]}
	if got := serving.scrape(t)[remainOfStore]; got != 9_944_000 {
		t.Errorf("got %v", got)
	}
	if code := exporter.Stop(); code != app.ExitOK {
		t.Errorf("exit code %d", code)
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
	exporter := serveApart(t, nil, append(flags, "--payple.hub="+slow.URL)[1:]...)
	answered, exit := make(chan exposition.Page, 1), make(chan int, 1)
	go func() { answered <- exporter.scrape(t) }()
	<-asked
	go func() { exit <- exporter.stop() }()
	exporter.stderr.Await(t, "stopping: scrapes under way finish first")
	exporter.Signal(syscall.SIGHUP)
	exporter.Signal(syscall.SIGHUP)
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
	must.Do(t, sim.Apply("store", "", "hang"))
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
			p := programs.Run(t, nil, programs.Exporter(t), append([]string{command}, test.flags...)...)
			programs.Eventually(t, command+" runs", test.runs)
			p.Signal(syscall.SIGHUP)
			if state := p.Wait(); state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGHUP {
				t.Errorf("ended: %s", state)
			}
		})
	}
}
