package main

import (
	"io"
	"log/slog"
	"strings"

	stdlog "log"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"

	"payple_exporter/hub"
)

// loggers are the three forms of the one log: go-kit's, which this program
// uses, and those that libraries want. All lines have the same shape.
type loggers struct {
	kit  log.Logger
	slog *slog.Logger
}

// newLoggers returns loggers that write to w.
func newLoggers(w io.Writer, format, lowest string) loggers {
	base := log.NewLogfmtLogger(log.NewSyncWriter(w))
	if format == "json" {
		base = log.NewJSONLogger(log.NewSyncWriter(w))
	}
	base = level.NewFilter(base, level.Allow(level.ParseDefault(lowest, level.InfoValue())))
	// The bridge adds caller and time on its own, in this order and under
	// these names: so does the decoration of the go-kit logger.
	var slogLevel slog.LevelVar
	if err := slogLevel.UnmarshalText([]byte(strings.ToUpper(lowest))); err != nil {
		slogLevel.Set(slog.LevelInfo)
	}
	return loggers{
		kit:  log.With(base, "caller", log.DefaultCaller, "time", log.DefaultTimestamp),
		slog: slog.New(sloggokit.NewGoKitHandler(base, &slogLevel)),
	}
}

// http returns a logger for an HTTP server's own errors, which come one by
// every stranger that breaks a TLS handshake: debug is enough.
func (l loggers) http() *stdlog.Logger {
	return slog.NewLogLogger(l.slog.Handler(), slog.LevelDebug)
}

// exchanges returns an observer that logs every request at debug level.
func (l loggers) exchanges(next func(hub.Exchange)) func(hub.Exchange) {
	return func(exchange hub.Exchange) {
		next(exchange)
		if exchange.Err != nil {
			_ = level.Debug(l.kit).Log("msg", "asked the hub", "endpoint", exchange.Endpoint, "result", exchange.Code,
				"duration", exchange.Duration, "reason", exchange.Err.Reason, "err", exchange.Err)
			return
		}
		_ = level.Debug(l.kit).Log("msg", "asked the hub", "endpoint", exchange.Endpoint, "result", exchange.Code,
			"duration", exchange.Duration)
	}
}
