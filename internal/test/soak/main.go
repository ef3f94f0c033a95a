// Command soak runs the exporter as a process of its own in front of a
// simulated hub that fails at random, scrapes it without pause, reloads it,
// rotates keys, and fails if a scrape was not answered, if a figure was not
// true, or if the process holds more in the end than in the beginning:
//
//	go run ./internal/test/soak -for 1h     # what docs/reliability.md tells
//	go run ./internal/test/soak -for 2m     # the short form
//
// It prints a table in Markdown.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"payple_exporter/internal/test/programs"
)

// options are what the command line says.
type options struct {
	total     time.Duration
	round     time.Duration
	merchants int
	scrapers  int
	seed      uint64
	exporter  string // path of the built program; empty: build it
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		fmt.Fprintf(os.Stderr, "soak: error: %v\n", err)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "soak: FAILED: %v\n", err)
		os.Exit(1)
	}
}

type usageError struct{ error }

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.DurationVar(&o.total, "for", 2*time.Minute, "how long, at least 2m")
	set.DurationVar(&o.round, "round", 10*time.Minute, "after how long the hub is whole again and the exporter is measured")
	set.IntVar(&o.merchants, "merchants", 100, "merchants to watch, at least 10")
	set.IntVar(&o.scrapers, "scrapers", 4, "scrapers, each once a second")
	set.Uint64Var(&o.seed, "seed", 1, "what chance begins with")
	set.StringVar(&o.exporter, "exporter", "", "program to run instead of building it")
	if err := set.Parse(args); err != nil {
		return o, usageError{err}
	}
	switch {
	case set.NArg() > 0:
		return o, usageError{fmt.Errorf("%q: want flags only", set.Arg(0))}
	case o.total < 2*time.Minute || o.round < 2*time.Minute:
		return o, usageError{errors.New("-for and -round want at least 2m: recovery alone may take one")}
	case o.merchants < 10 || o.scrapers < 1:
		return o, usageError{errors.New("want at least 10 -merchants and 1 of -scrapers")}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "payple-soak-")
	if err != nil {
		return fmt.Errorf("scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.exporter == "" {
		if o.exporter, err = build(ctx, dir); err != nil {
			return err
		}
	}
	s, err := newSoak(o, dir, stderr)
	if err != nil {
		return err
	}
	ran := s.run(ctx)
	s.report(stdout)
	return errors.Join(ran, s.verdict())
}

// build makes the exporter as it is shipped, of the sources that are there: the
// revision is said to be dirty if they are not those committed.
func build(ctx context.Context, dir string) (string, error) {
	revision, err := exec.CommandContext(ctx, "git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty").Output()
	if err != nil {
		revision = []byte("unknown")
	}
	overlay, err := resolverOverlay(ctx, dir)
	if err != nil {
		return "", err
	}
	return programs.Build("payple_exporter", "-overlay="+overlay, "-ldflags=-s -w -X github.com/prometheus/common/version.Revision="+string(bytes.TrimSpace(revision)))
}
