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
	"runtime/debug"
	"syscall"

	stdlog "log"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // it ran, and something failed
	exitUsage   = 2 // wrong usage or configuration: nothing ran
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	own := process{standardLog: new(standardLog), hangups: make(chan os.Signal, 1), setGCPercent: debug.SetGCPercent}
	stdlog.SetOutput(own.standardLog)
	// Before anything is loaded: by default the signal ends the process.
	signal.Notify(own.hangups, syscall.SIGHUP)
	os.Exit(own.run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// process is what there is one of in a process, and what main alone sets up.
// Tests, which run the program many times in theirs, go without.
type process struct {
	standardLog *standardLog
	// hangups brings every SIGHUP, which asks a server to reload, to the end of
	// the process: one that comes while it starts is obeyed once it has
	// started, and one that comes while it stops changes nothing.
	hangups chan os.Signal
	// setGCPercent sets when garbage is collected.
	setGCPercent func(percent int) int
}

// usageError is a mistake in flags or configuration, told before anything
// runs.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program but for what its process has one of; it is what
// tests call. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return process{}.run(ctx, args, stdout, stderr)
}

func (own process) run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p, err := parse(args, stdout, stderr, os.Getenv)
	if err == nil && p.execute != nil {
		p.hangups, p.setGCPercent = own.hangups, own.setGCPercent
		if !p.reloads() {
			signal.Stop(own.hangups)
		}
		own.standardLog.tell(newLoggers(stderr, p.flags.logFormat, p.flags.logLevel).kit)
		err = p.execute(ctx)
	}
	return exitCode(err, stderr)
}

// exitCode tells of an error, unless it was told, and returns what to exit
// with.
func exitCode(err error, stderr io.Writer) int {
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
