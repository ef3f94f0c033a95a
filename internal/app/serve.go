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
	"payple_exporter/internal/web"
)

// shutdownTimeout is how long scrapes that are under way may take to finish.
const shutdownTimeout = 30 * time.Second

// maxConnections is how many clients may be connected: with some 20 KB each
// there is room for them in a small container. Where only few files may be
// open, half of them are kept for the hub and for the exporter itself.
const maxConnections = 1024

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
	if err := p.flags.validateServing(ctx); err != nil {
		return usageError{err}
	}
	merchants, err := p.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	if p.flags.configCheck {
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
		"page", p.lookHere("/"), "metrics", p.lookHere(p.flags.telemetryPath))
	return e.run(ctx, p.flags.web)
}

// assemble wires the exporter. Nothing runs yet.
func (p *program) assemble(merchants source) *exporter {
	e := &exporter{
		log:      newLoggers(p.Stderr, p.flags.logFormat, p.flags.logLevel),
		registry: prometheus.NewRegistry(), hangups: p.Hangups,
	}
	hubMetrics := collector.NewHubMetrics()
	e.merchants = collector.New(collector.Options{
		Settings: collector.Settings{
			MaxAge: p.flags.maxAge, Timeout: p.flags.timeout, Logger: e.log.kit, Now: p.Now,
			Limiter: collector.NewLimiter(p.flags.maxConcurrency, p.flags.maxRequestsPerSecond),
		},
		Transport: hub.NewTransport(p.flags.maxConcurrency),
		Referer:   p.flags.referer, UserAgent: userAgent(),
		Observe: e.log.exchanges(hubMetrics.Observe),
	})
	e.reloader = config.NewReloader(merchants.load, func(next config.Config) {
		p.holdLessMemory(len(next.Merchants))
		e.merchants.Apply(next)
	}, e.log.kit, p.Now)
	e.registry.MustRegister(hubMetrics, e.reloader, versioncollector.NewCollector(appName))
	if !p.flags.withoutExporter {
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
		ConnState:         web.NewConnections(int(min(maxConnections, maxFiles()/2))).Track,
	}
	return e
}

func (p *program) handler(e *exporter, demo bool) http.Handler {
	options := web.Options{
		Collector: e.merchants, Own: e.registry, Instrument: !p.flags.withoutExporter,
		TelemetryPath: p.flags.telemetryPath, TimeoutOffset: p.flags.timeoutOffset, MaxRequests: p.flags.maxRequests,
		SDAddress: p.flags.sdAddress, Demo: demo, Version: shownVersion(), Logger: e.log.kit, Now: p.Now,
	}
	if p.flags.lifecycle {
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

// lookHere returns where a person finds a path of the first listener.
func (p *program) lookHere(path string) string {
	return localURL((*p.flags.web.WebListenAddresses)[0]) + path
}

// run listens until ctx ends, then lets the scrapes that are under way finish.
func (e *exporter) run(ctx context.Context, flags *toolkit.FlagConfig) error {
	go e.reloadOnHangup(ctx)
	failed := make(chan error, 1)
	go func() { failed <- toolkit.ListenAndServe(e.server, flags, e.log.slog) }()
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
