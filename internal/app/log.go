package app

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"

	"payple_exporter/hub"
)

// logFlags say what is logged, and how. All commands take them.
type logFlags struct{ level, format string }

func (f *logFlags) define(app *kingpin.Application) {
	app.Flag("log.level", "Only log messages of this severity or above: debug, info, warn, error.").
		Default("info").EnumVar(&f.level, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of log lines: logfmt or json.").
		Default("logfmt").EnumVar(&f.format, "logfmt", formatJSON)
}

const formatJSON = "json"

// logsJSON reports whether somebody reads what this command line writes as JSON,
// line by line: a server's log, to which belongs why it did not start, be it
// for another flag of the same command line.
func logsJSON(args []string, getenv func(string) string) bool {
	format := getenv("PAYPLE_EXPORTER_LOG_FORMAT")
	for i, arg := range args {
		if name, value, whole := strings.Cut(arg, "="); name == "--log.format" {
			if !whole && i+1 < len(args) {
				value = args[i+1]
			}
			format = value
		}
	}
	return format == formatJSON && !slices.ContainsFunc(args, func(arg string) bool {
		return arg == "--config.check" || slices.Contains([]string{commandCheck, commandExport, commandSimulate, commandHealthcheck}, arg)
	})
}

// loggers are the three forms of the one log: go-kit's, which this program
// uses, and those that libraries want. All lines have the same shape.
type loggers struct {
	kit  log.Logger
	slog *slog.Logger
}

// loggers returns loggers that write to w.
func (f logFlags) loggers(w io.Writer) loggers {
	base := log.NewLogfmtLogger(log.NewSyncWriter(w))
	if f.format == formatJSON {
		base = log.NewJSONLogger(log.NewSyncWriter(w))
	}
	base = level.NewFilter(base, level.Allow(level.ParseDefault(f.level, level.InfoValue())))
	// The bridge adds caller and time on its own, in this order and under
	// these names: so does the decoration of the go-kit logger.
	var slogLevel slog.LevelVar
	_ = slogLevel.UnmarshalText([]byte(f.level)) // the flag takes no other; without it, info
	return loggers{
		kit:  log.With(base, "caller", log.DefaultCaller, "time", log.DefaultTimestamp),
		slog: slog.New(sloggokit.NewGoKitHandler(base, &slogLevel)),
	}
}

// exchanges returns an observer that logs every request at debug level.
func (l loggers) exchanges(next func(hub.Exchange)) func(hub.Exchange) {
	return func(exchange hub.Exchange) {
		next(exchange)
		line := []any{"msg", "asked the hub", "endpoint", exchange.Endpoint, "result", exchange.Code, "duration", exchange.Duration}
		if exchange.Repeated {
			line = append(line, "repeated", "a kept connection had broken")
		}
		if exchange.Err != nil {
			line = append(line, "reason", exchange.Err.Reason, "err", exchange.Err)
		}
		_ = level.Debug(l.kit).Log(line...)
	}
}

// standardLog takes what the Go standard library prints through its package
// log, without the content: the HTTP client quotes there what a hub sends out
// of turn, which may be the request with custKey in it.
type standardLog struct{ to atomic.Pointer[log.Logger] } // nil: nothing is told yet

// Write implements [io.Writer]. It is for debugging, as is what an exchange
// with the hub was like: whether one failed is told elsewhere.
func (s *standardLog) Write(p []byte) (int, error) {
	if logger := s.to.Load(); logger != nil {
		_ = level.Debug(*logger).Log("msg", "the Go standard library has something to say, of a connection most likely; not shown, since it may quote the hub")
	}
	return len(p), nil
}
