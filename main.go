// Command payple_exporter exposes how much a Payple partner may still pay out
// as Prometheus metrics.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"payple_exporter/internal/app"
)

func main() {
	app.NameVersion()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	// Who reads the log may end, and the exporter goes on without.
	signal.Ignore(syscall.SIGPIPE)
	// Before anything is loaded: by default the signal ends the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	os.Exit(app.Run(ctx, os.Args[1:], app.Options{
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		Environ:        os.Environ,
		Hangups:        hangups,
		ReleaseHangups: func() { signal.Stop(hangups) },
		SetStandardLog: log.SetOutput,
		SetGCPercent:   debug.SetGCPercent,
	}))
}
