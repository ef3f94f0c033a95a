package app

import (
	"context"
	"errors"
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
	autoReload      time.Duration
	routes          routeFlags
	lang            languageFlag // of what the log says a person must do
}

func (f *serveFlags) define(serve *kingpin.CmdClause) {
	f.web = kingpinflag.AddFlags(serve, ":10911")
	serve.Flag("config.check", "Validate the configuration, print what would run with secrets hidden, and exit.").
		BoolVar(&f.configCheck)
	serve.Flag("config.auto-reload-interval", "Look this often whether the configuration has changed (the merchants file, the keys and certificates that it and the environment name, --web.config.file), and reload it; 0s: never.").
		Default("0s").DurationVar(&f.autoReload)
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
	serve.Flag("web.sd-address", "Address that /sd names as every target, where Prometheus reaches this exporter under another than --web.external-url; by default that, else the one that /sd was asked under.").
		StringVar(&f.sdAddress)
	f.routes.define(serve)
	f.lang.define(serve)
}

// validate refuses values that no flag type can refuse.
func (f *serveFlags) validate(ctx context.Context) error {
	var faults []error
	if systemd := f.web.WebSystemdSocket; systemd == nil || !*systemd { // else the addresses are not used
		for _, address := range *f.web.WebListenAddresses {
			faults = append(faults, refuseAddress(ctx, "web.listen-address", address))
		}
	}
	return errors.Join(append(faults,
		f.routes.resolve(),
		refuse(f.timeoutOffset < 0, "web.timeout-offset", f.timeoutOffset, "want 0 or more"),
		refuse(f.autoReload < 0 || f.autoReload > 0 && f.autoReload < time.Second, "config.auto-reload-interval", f.autoReload, "want 0s or at least 1s"),
		refuse(f.maxRequests < 1, "web.max-requests", f.maxRequests, "want at least 1"),
		refuse(!web.FreePath(f.telemetryPath), "web.telemetry-path", f.telemetryPath,
			"want a path such as /metrics, without //, .. and characters such as % or :, and other than the exporter's own"),
		refuse(f.sdAddress != "" && !web.IsTarget(f.sdAddress), "web.sd-address", f.sdAddress,
			"want a host with or without a port, such as exporter.example:443"),
		validateWeb(*f.web.WebConfigFile),
	)...)
}
