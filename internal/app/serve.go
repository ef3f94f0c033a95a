package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/web"
)

// shutdownTimeout is how long scrapes that are under way may take to finish.
const shutdownTimeout = 30 * time.Second

// serve runs the exporter until ctx ends.
func (p *program) serve(ctx context.Context) (err error) {
	merchants, first, err := p.begin(p.serving.validate(ctx))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	if p.serving.configCheck {
		p.warn(first)
		return p.printConfig(first)
	}
	fault := &webFault{file: *p.serving.web.WebConfigFile, logger: p.loggers.kit}
	reloader, server := p.assemble(merchants, fault)
	reloader.Start(first)
	if merchants.simulator != "" {
		_ = level.Warn(p.loggers.kit).Log("msg", "DEMO: the hub is simulated and the merchants are invented; nothing here is real",
			"simulator", merchants.simulator+"/simulator/")
	}
	_ = level.Info(p.loggers.kit).Log("msg", "starting "+appName, "version", version.Info())
	server.BaseContext = func(listener net.Listener) context.Context {
		secure := server.TLSConfig != nil && server.TLSConfig.GetConfigForClient != nil // which the toolkit sets, with certificates
		p.tellAddress(listenerURL(ctx, listener.Addr(), secure))
		return context.WithoutCancel(ctx)
	}
	return p.run(ctx, reloader, server, fault)
}

// tellAddress logs where people look, when it is known: what a port 0 or a
// socket of systemd has become.
func (p *program) tellAddress(address string) {
	address += p.serving.routes.prefix
	if p.serving.routes.external != nil {
		address = p.serving.routes.external.String()
	}
	_ = level.Info(p.loggers.kit).Log("msg", "serving", "page", address+"/", "metrics", address+p.serving.telemetryPath)
}

// assemble wires the exporter. Nothing runs yet.
func (p *program) assemble(merchants source, fault *webFault) (*config.Reloader, *http.Server) {
	logger, registry, hubMetrics := p.loggers.kit, prometheus.NewRegistry(), collector.NewHubMetrics()
	all := collector.New(collector.Options{
		Settings: collector.Settings{
			MaxAge: p.merchants.maxAge, Timeout: p.merchants.timeout, Logger: logger, Language: p.serving.lang.language(p.Getenv), Now: p.Now,
			Limiter: collector.NewLimiter(p.merchants.maxConcurrency, p.merchants.maxRequestsPerSecond),
		},
		Transport: hub.NewTransport(p.merchants.maxConcurrency),
		Referer:   p.merchants.referer, UserAgent: userAgent(),
		Observe: p.loggers.exchanges(hubMetrics.Observe),
	})
	load := func() (config.Config, error) {
		if err := fault.check(); err != nil {
			return config.Config{}, err
		}
		return merchants.load()
	}
	reloader := config.NewReloader(load, func(next config.Config) {
		p.holdLessMemory(len(next.Merchants))
		all.Apply(next)
	}, logger, p.Now)
	registry.MustRegister(hubMetrics, reloader, versioncollector.NewCollector(appName))
	if !p.serving.withoutExporter {
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	external, externalURL := p.serving.routes.external, ""
	if external != nil {
		externalURL = external.String()
		registry.MustRegister(web.NewInfo(externalURL))
	}
	page := statuspage.Options{
		Collector: all, Version: shownVersion(), Demo: merchants.simulator != "", MetricsPath: p.serving.telemetryPath, ExternalURL: externalURL, Logger: logger, Now: p.Now,
	}
	options := web.Options{
		Collector: all, Own: registry, Instrument: !p.serving.withoutExporter,
		External: external, Prefix: p.serving.routes.prefix, TelemetryPath: p.serving.telemetryPath, TimeoutOffset: p.serving.timeoutOffset, MaxRequests: p.serving.maxRequests,
		SDAddress: p.serving.sdAddress, Logger: logger,
		Page: statuspage.New(page), Status: statuspage.NewStatus(page, p.merchants.timeout), Runbooks: statuspage.NewRunbooks(shownVersion()),
	}
	if p.serving.lifecycle {
		options.Reload = func(context.Context) error { return reloader.Reload() }
	}
	server := web.NewServer(web.New(options))
	server.ErrorLog = log.New(serverLog{p.loggers.slog, fault}, "", 0)
	return reloader, server
}

// devVersion is the version of a build straight from the sources.
const devVersion = "dev"

// NameVersion gives a build straight from the sources its version. It is for
// main, once: the library tells what it holds in many places.
func NameVersion() { version.Version = cmp.Or(version.Version, devVersion) }

// shownVersion returns the version that was built in, and of a build straight
// from the sources, which all have one version, the revision as well.
func shownVersion() string {
	shown := cmp.Or(version.Version, devVersion)
	if revision := version.GetRevision(); shown == devVersion && revision != "unknown" {
		const enough = 12
		shown += "-" + revision[:min(enough, len(revision))]
	}
	return shown
}

func userAgent() string { return appName + "/" + shownVersion() }

// run serves, and reloads on SIGHUP, until ctx ends, then lets the scrapes that
// are under way finish.
func (p *program) run(ctx context.Context, reloader *config.Reloader, server *http.Server, fault *webFault) error {
	serve := p.Serve
	if serve == nil {
		serve = func(server *http.Server) error {
			return toolkit.ListenAndServe(server, p.serving.web, slog.New(toolkitLog{p.loggers.slog.Handler(), fault}))
		}
	}
	if p.serving.autoReload > 0 {
		go reloader.Watch(ctx, p.serving.autoReload)
	}
	go func() {
		for {
			select {
			case <-p.Hangups:
				_ = reloader.Reload() // which logs why it fails
			case <-ctx.Done():
				return
			}
		}
	}()
	failed := make(chan error, 1)
	go func() { failed <- serve(server) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	_ = level.Info(p.loggers.kit).Log("msg", "stopping: scrapes under way finish first")
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if server.Shutdown(late) != nil {
		if err := server.Close(); err != nil {
			return fmt.Errorf("stopping: %w", err)
		}
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
