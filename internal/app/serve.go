package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
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

// exporter is what serve puts together.
type exporter struct {
	log       loggers
	registry  *prometheus.Registry
	merchants *collector.Collector
	reloader  *config.Reloader
	server    *http.Server
	hangups   <-chan os.Signal
}

// serve runs the exporter until ctx ends.
func (p *program) serve(ctx context.Context) (err error) {
	if err := p.serving.validate(ctx); err != nil {
		return usageError{err}
	}
	merchants, err := p.source(keysRead)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	if p.serving.configCheck {
		return p.printConfig(merchants)
	}
	first, err := merchants.load()
	if err != nil {
		return usageError{err}
	}
	e := p.assemble(merchants)
	e.reloader.Start(first)
	if merchants.simulator != "" {
		_ = level.Warn(e.log.kit).Log("msg", "DEMO: the hub is simulated and the merchants are invented; nothing here is real",
			"simulator", merchants.simulator+"/simulator/")
	}
	_ = level.Info(e.log.kit).Log("msg", "starting "+appName, "version", version.Info(),
		"page", p.listenURL("/"), "metrics", p.listenURL(p.serving.telemetryPath))
	serve := p.Serve
	if serve == nil {
		serve = func(server *http.Server) error { return toolkit.ListenAndServe(server, p.serving.web, e.log.slog) }
	}
	return e.run(ctx, serve)
}

// assemble wires the exporter. Nothing runs yet.
func (p *program) assemble(merchants source) *exporter {
	e := &exporter{
		log:      p.log.loggers(p.Stderr),
		registry: prometheus.NewRegistry(), hangups: p.Hangups,
	}
	hubMetrics := collector.NewHubMetrics()
	e.merchants = collector.New(collector.Options{
		Settings: collector.Settings{
			MaxAge: p.merchants.maxAge, Timeout: p.merchants.timeout, Logger: e.log.kit, Now: p.Now,
			Limiter: collector.NewLimiter(p.merchants.maxConcurrency, p.merchants.maxRequestsPerSecond),
		},
		Transport: hub.NewTransport(p.merchants.maxConcurrency),
		Referer:   p.merchants.referer, UserAgent: userAgent(),
		Observe: e.log.exchanges(hubMetrics.Observe),
	})
	e.reloader = config.NewReloader(merchants.load, func(next config.Config) {
		p.holdLessMemory(len(next.Merchants))
		e.merchants.Apply(next)
	}, e.log.kit, p.Now)
	e.registry.MustRegister(hubMetrics, e.reloader, versioncollector.NewCollector(appName))
	if !p.serving.withoutExporter {
		e.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	e.server = &http.Server{
		Handler:           p.handler(e, merchants.simulator != ""),
		ErrorLog:          e.log.http(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ConnState:         web.NewConnections(web.DefaultConnections()).Track,
	}
	return e
}

func (p *program) handler(e *exporter, demo bool) http.Handler {
	options := web.Options{
		Collector: e.merchants, Own: e.registry, Instrument: !p.serving.withoutExporter,
		TelemetryPath: p.serving.telemetryPath, TimeoutOffset: p.serving.timeoutOffset, MaxRequests: p.serving.maxRequests,
		SDAddress: p.serving.sdAddress, Logger: e.log.kit,
		Page: statuspage.New(statuspage.Options{
			Collector: e.merchants, Version: shownVersion(), Demo: demo, MetricsPath: p.serving.telemetryPath, Logger: e.log.kit, Now: p.Now,
		}),
		Runbooks: statuspage.NewRunbooks(shownVersion()),
	}
	if p.serving.lifecycle {
		options.Reload = func(context.Context) error { return e.reloader.Reload() }
	}
	return web.New(options)
}

// shownVersion returns the version that was built in, or says that there is
// none, as in a build straight from the sources.
func shownVersion() string {
	if version.Version == "" {
		return "dev"
	}
	return version.Version
}

func userAgent() string { return appName + "/" + shownVersion() }

// listenURL returns the address of a path at the first listener.
func (p *program) listenURL(path string) string {
	return localURL((*p.serving.web.WebListenAddresses)[0]) + path
}

// run serves until ctx ends, then lets the scrapes that are under way finish.
func (e *exporter) run(ctx context.Context, serve func(*http.Server) error) error {
	go e.reloadOnHangup(ctx)
	failed := make(chan error, 1)
	go func() { failed <- serve(e.server) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	_ = level.Info(e.log.kit).Log("msg", "stopping: scrapes under way finish first")
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := shutdown(late, e.server); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// shutdown ends an HTTP server in good order, or after ctx at once.
func shutdown(ctx context.Context, server *http.Server) error {
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}

// reloadOnHangup reloads on SIGHUP until ctx ends. Errors are the reloader's
// to log.
func (e *exporter) reloadOnHangup(ctx context.Context) {
	for {
		select {
		case <-e.hangups:
			_ = e.reloader.Reload()
		case <-ctx.Done():
			return
		}
	}
}
