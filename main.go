// Command payple_exporter exposes how much a Payple partner may still pay out
// as Prometheus metrics.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // it ran, and something failed
	exitUsage   = 2 // wrong usage or configuration: nothing ran
)

func main() {
	holdLessMemory(os.Getenv)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// usageError is a mistake in flags or configuration, told before anything
// runs.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program: main calls it, and so do tests. It returns the
// exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p, err := parse(args, stdout, stderr, os.Getenv)
	if err == nil && p.execute != nil {
		err = p.execute(ctx)
	}
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(stderr, "payple_exporter: error: %v\n", err)
		return exitUsage
	case !errors.Is(err, errToldAlready):
		_, _ = fmt.Fprintf(stderr, "payple_exporter: error: %v\n", err)
	}
	return exitFailure
}

// errToldAlready is for a failure that a command has shown in its own form.
var errToldAlready = errors.New("told already")
