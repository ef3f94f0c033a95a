// Package harness runs the exporter within a test. Only tests import it.
package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/must"
)

// ExitDeparted is the exit code of Run where the program simulated a hub, and
// that was asked in another form than the documented one.
const ExitDeparted = 99

// Run runs the program in this process.
func Run(ctx context.Context, args []string, options app.Options) int {
	var departures []string
	look := func() {}
	options.Simulated = func(sim *simulator.Hub) { look = func() { departures = sim.Departures() } }
	code := app.Run(ctx, args, options)
	if look(); len(departures) > 0 {
		_, _ = fmt.Fprintf(options.Stderr, "departures from the documented form: %q\n", departures)
		return ExitDeparted
	}
	return code
}

// Command runs the program to its end, which must come by itself, and returns
// its exit code and what it printed.
func Command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, errors bytes.Buffer
	code = Run(ctx, args, app.Options{Stdout: &out, Stderr: &errors})
	if code == ExitDeparted {
		t.Error(errors.String())
	}
	if ctx.Err() != nil {
		t.Errorf("%v does not end", args)
	}
	return code, out.String(), errors.String()
}

// Handler returns what the program that these arguments run serves, on a clock
// and without a listener, until the test ends. It reads no environment.
func Handler(t *testing.T, now func() time.Time, args ...string) http.Handler {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	handlers, exit := make(chan http.Handler, 1), make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		exit <- Run(ctx, args, app.Options{
			Stdout: io.Discard, Stderr: &stderr, Getenv: func(string) string { return "" }, Now: now,
			Serve: func(server *http.Server) error {
				handlers <- server.Handler
				<-ctx.Done()
				return http.ErrServerClosed
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if <-exit == ExitDeparted {
			t.Error(stderr.String())
		}
	})
	select {
	case handler := <-handlers:
		return handler
	case code := <-exit:
		exit <- code
		t.Fatalf("exit code %d", code)
	}
	return nil
}

// WriteFile writes a text into a file of that name, which goes with the test,
// and returns its path.
func WriteFile(t *testing.T, name, text string) string {
	t.Helper()
	return must.Write(t, filepath.Join(t.TempDir(), name), text)
}
