// Package app is the program payple_exporter: its commands, flags, exit codes
// and log.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/go-kit/log/level"

	"payple_exporter/internal/simulator"
)

// Exit codes.
const (
	ExitOK      = 0
	ExitFailure = 1 // it ran, and something failed
	ExitUsage   = 2 // wrong usage or configuration: nothing ran
	ExitLow     = 3 // check: all answered, and one has less than --min-remain
)

// Options is what a process has one of: main gives its own, and a test what it
// wants to see. The zero value of each field but Stdout and Stderr will do.
type Options struct {
	Stdout, Stderr io.Writer
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
	// Environ lists the environment, so that misspelt variables are found; nil
	// means that nobody looks.
	Environ func() []string
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Hangups brings every SIGHUP, which asks a server to reload, to the end of
	// the process: one that comes while it starts is obeyed once it has
	// started, and one that comes while it stops changes nothing.
	Hangups <-chan os.Signal
	// ReleaseHangups is called by a command that does not reload: the signal
	// ends it, as it ends any program.
	ReleaseHangups func()
	// SetStandardLog sends what the Go standard library logs to a writer.
	SetStandardLog func(io.Writer)
	// Serve serves until the server is shut down; nil means on the listeners
	// that the flags name.
	Serve func(*http.Server) error
	// SetGCPercent sets when the process collects garbage; nil leaves it.
	SetGCPercent func(percent int) int
	// Simulated is told of the hub that the demo or simulate runs; nil means
	// nobody is.
	Simulated func(*simulator.Hub)
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Simulated == nil {
		o.Simulated = func(*simulator.Hub) {}
	}
	if o.SetStandardLog == nil {
		o.SetStandardLog = func(io.Writer) {}
	}
	return o
}

// usageError is a mistake in flags or configuration, told before anything
// runs.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Run is the whole program: it does what args ask for until it is done or ctx
// ends, and returns the exit code.
func Run(ctx context.Context, args []string, options Options) int {
	options = options.withDefaults()
	standardLog := new(standardLog)
	options.SetStandardLog(standardLog)
	p, err := parse(args, options)
	if err == nil && p.execute != nil {
		if !p.reloads() && options.ReleaseHangups != nil {
			options.ReleaseHangups()
		}
		p.loggers = p.log.loggers(options.Stderr)
		standardLog.to.Store(&p.loggers.kit)
		err = p.execute(ctx)
	}
	return exitCode(err, func(err error) {
		if logsJSON(args, options.Getenv) {
			_ = level.Error(logFlags{format: formatJSON}.loggers(options.Stderr).kit).Log("msg", appName+" ends", "err", err)
			return
		}
		_, _ = fmt.Fprintf(options.Stderr, "payple_exporter: error: %v\n", err)
	})
}

// exitCode tells of an error, unless it was told, and returns what to exit
// with.
func exitCode(err error, tell func(error)) int {
	if err == nil {
		return ExitOK
	}
	if shown, ok := errors.AsType[shownError](err); ok {
		return int(shown)
	}
	tell(err)
	if _, usage := errors.AsType[usageError](err); usage {
		return ExitUsage
	}
	return ExitFailure
}

// shownError is a failure that a command has shown in its own form. Its value
// is the exit code.
type shownError int

func (shownError) Error() string { return "shown already" }
