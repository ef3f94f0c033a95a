package programs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"payple_exporter/internal/test/must"
)

// Listening matches the exporter's line with the address that it listens on,
// in either format of the log.
const Listening = `(?:msg="Listening on" address=|{"address":")([^\s"]+)`

// Output is what a program says, to be read while it is written. The zero
// value will do.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Find returns the first match of pattern so far, and nil if there is none.
func (o *Output) Find(pattern string) []string {
	return regexp.MustCompile(pattern).FindStringSubmatch(o.String())
}

// Await returns the first match of pattern, and waits for it.
func (o *Output) Await(tb testing.TB, pattern string) []string {
	tb.Helper()
	Eventually(tb, pattern+" is said", func() bool { return o.Find(pattern) != nil })
	return o.Find(pattern)
}

// Process is a program that runs.
type Process struct {
	Output

	// Wait returns how it ended, when it has.
	Wait    func() *os.ProcessState
	command *exec.Cmd
}

// Launch runs a program, with variables besides those of the environment.
func Launch(env []string, path string, args ...string) (*Process, error) {
	p := &Process{command: exec.Command(path, args...)} //nolint:noctx // Run or Stop ends it
	// A variable of the tests is none of the program's.
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "PAYPLE_EXPORTER_E2E=") })
	p.command.Env = slices.Concat(own, env)
	p.command.Stdout, p.command.Stderr = &p.Output, &p.Output
	p.command.SysProcAttr = dieTogether()
	p.Wait = sync.OnceValue(func() *os.ProcessState { _ = p.command.Wait(); return p.command.ProcessState })
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return p, nil
}

// Run runs a program until the test ends, and shows what it said if that fails.
func Run(tb testing.TB, env []string, path string, args ...string) *Process {
	tb.Helper()
	p := must.Get(Launch(env, path, args...))(tb)
	tb.Cleanup(func() {
		p.Signal(syscall.SIGKILL)
		p.Wait()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", filepath.Base(path), p)
		}
	})
	return p
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Signal sends a signal to the process, which may have ended.
func (p *Process) Signal(signal syscall.Signal) { _ = p.command.Process.Signal(signal) }

// Stop ends the process in good order, and returns its exit code; -1 if it had
// to be killed.
func (p *Process) Stop() int {
	p.Signal(syscall.SIGTERM)
	defer time.AfterFunc(Patience, func() { p.Signal(syscall.SIGKILL) }).Stop()
	return p.Wait().ExitCode()
}
