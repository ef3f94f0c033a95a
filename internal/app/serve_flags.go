package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kingpin/v2"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"payple_exporter/internal/web"
)

// serveFlags are those of the serve command.
type serveFlags struct {
	configCheck     bool
	web             *toolkit.FlagConfig
	telemetryPath   string
	timeoutOffset   time.Duration
	maxRequests     int
	lifecycle       bool
	withoutExporter bool
	sdAddress       string
}

func (f *serveFlags) define(serve *kingpin.CmdClause) {
	f.web = kingpinflag.AddFlags(serve, ":10911")
	serve.Flag("config.check", "Validate the configuration, print what would run with secrets hidden, and exit.").
		BoolVar(&f.configCheck)
	serve.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&f.telemetryPath)
	serve.Flag("web.timeout-offset", "Time to take off Prometheus' scrape time-out, so that the answer arrives before it.").
		Default("500ms").DurationVar(&f.timeoutOffset)
	serve.Flag("web.max-requests", "How many scrapes, probes and pages are answered at once.").
		Default("40").IntVar(&f.maxRequests)
	serve.Flag("web.enable-lifecycle", "Enable reload over HTTP: POST /-/reload.").
		BoolVar(&f.lifecycle)
	serve.Flag("web.disable-exporter-metrics", "Leave out metrics about the exporter itself (go_*, process_*, promhttp_*).").
		BoolVar(&f.withoutExporter)
	serve.Flag("web.sd-address", "Address that /sd names as every target, where this exporter is behind a proxy; by default the one that /sd was asked under.").
		StringVar(&f.sdAddress)
}

// validate refuses values that no flag type can refuse.
func (f *serveFlags) validate(ctx context.Context) error {
	faults := f.validateAddresses(ctx)
	if f.timeoutOffset < 0 {
		faults = append(faults, fmt.Errorf("--web.timeout-offset %s: want 0 or more", f.timeoutOffset))
	}
	if f.maxRequests < 1 {
		faults = append(faults, fmt.Errorf("--web.max-requests %d: want at least 1", f.maxRequests))
	}
	if !web.FreePath(f.telemetryPath) {
		faults = append(faults, fmt.Errorf(
			"--web.telemetry-path %q: want a path such as /metrics, without //, .. and characters such as %% or :, and other than the exporter's own", f.telemetryPath))
	}
	if f.sdAddress != "" && !web.IsTarget(f.sdAddress) {
		faults = append(faults, fmt.Errorf("--web.sd-address %q: want a host with or without a port, such as exporter.example:443", f.sdAddress))
	}
	if err := toolkit.Validate(*f.web.WebConfigFile); err != nil {
		faults = append(faults, fmt.Errorf("--web.config.file: %w", err))
	}
	return errors.Join(faults...)
}

// validateAddresses refuses what nobody can listen on.
func (f *serveFlags) validateAddresses(ctx context.Context) (faults []error) {
	if f.web.WebSystemdSocket != nil && *f.web.WebSystemdSocket {
		return nil // systemd listens, and the addresses are not used
	}
	for _, address := range *f.web.WebListenAddresses {
		if err := canListen(ctx, address); err != nil {
			faults = append(faults, fmt.Errorf("--web.listen-address %q: %w", address, err))
		}
	}
	return faults
}
