package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// webFault watches the file of --web.config.file and those that it names. The
// toolkit reads them for every connection, and where they have broken since the
// start it refuses all and says nothing, or says so of every request.
type webFault struct {
	file   string
	logger log.Logger

	mu   sync.Mutex
	last string // what was logged last; empty while all is well
}

// check reports what is wrong, and logs it where it was not wrong before.
func (f *webFault) check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := validateWeb(f.file)
	if err == nil {
		f.last = ""
		return nil
	}
	if err.Error() != f.last {
		f.last = err.Error()
		_ = level.Error(f.logger).Log("msg", "nobody can be answered", "err", err)
	}
	return err
}

// validateWeb reports what is wrong with a file of --web.config.file, and quotes
// nothing of it: where a value is of another kind than it should be, a YAML
// parser shows the value, which may be a password.
func validateWeb(file string) error {
	err := toolkit.Validate(file)
	if err == nil {
		return nil
	}
	return errors.New(named("web.config.file") + ": " + regexp.MustCompile("`[^`]*`").ReplaceAllString(wrongFile(err).Error(), "(not shown)"))
}

// serverLog is where an HTTP server tells of its connections. Strangers break
// many, so that this is for debugging; but a handshake may have failed for a
// fault of our own.
type serverLog struct {
	slog  *slog.Logger
	fault *webFault
}

// Write implements [io.Writer].
func (l serverLog) Write(line []byte) (int, error) {
	l.slog.Debug(string(bytes.TrimSpace(line)))
	if bytes.Contains(line, []byte("TLS handshake error")) {
		_ = l.fault.check()
	}
	return len(line), nil
}

// toolkitLog is what the toolkit logs, but for its error of every request.
type toolkitLog struct {
	slog.Handler

	fault *webFault
}

// Handle implements [slog.Handler].
func (l toolkitLog) Handle(ctx context.Context, record slog.Record) error {
	told := false
	if record.Level >= slog.LevelError {
		told = l.fault.check() != nil
	}
	if told {
		return nil
	}
	return l.Handler.Handle(ctx, record)
}
