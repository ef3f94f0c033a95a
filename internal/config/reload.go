package config

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// The names of the metrics that describe the configuration in force.
const (
	NameLoadSuccessful = "payple_exporter_config_last_reload_successful"
	NameLoadTime       = "payple_exporter_config_last_reload_success_timestamp_seconds"
)

// Reloader loads a configuration again and puts it in force, or keeps the last
// good one.
type Reloader struct {
	load   func() (Config, error)
	apply  func(Config)
	logger log.Logger
	now    func() time.Time

	mu         sync.Mutex // one reload at a time
	inForce    Config
	fault      string // why the latest load failed; empty if it did not
	successful prometheus.Gauge
	at         prometheus.Gauge
}

// NewReloader returns a reloader that has loaded nothing yet. now is time.Now.
func NewReloader(
	load func() (Config, error), apply func(Config), logger log.Logger, now func() time.Time,
) *Reloader {
	return &Reloader{
		load: load, apply: apply, logger: logger, now: now,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: NameLoadSuccessful,
			Help: "1 if the latest attempt to load the configuration succeeded, else 0.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: NameLoadTime,
			Help: "When the configuration in force was loaded, in seconds since the epoch.",
		}),
	}
}

// Reload loads the configuration and applies it if it is valid. If it is not,
// nothing changes, and the error says why.
func (r *Reloader) Reload() error { return r.reload(false) }

// Watch reloads every interval, until ctx ends, if the outcome would be another
// than that of the time before: what is in force is left alone where nothing
// has changed, and a fault is logged once.
func (r *Reloader) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = r.reload(true) // which logs why it fails
		case <-ctx.Done():
			return
		}
	}
}

func (r *Reloader) reload(ifChanged bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.load()
	before := r.fault
	r.fault = ""
	if err != nil {
		r.fault = err.Error()
	}
	if ifChanged && r.fault == before && (err != nil || next.equal(r.inForce)) {
		return err
	}
	if err != nil {
		r.successful.Set(0)
		_ = level.Error(r.logger).Log("msg", "configuration refused, the last good one stays", "err", err)
		return err
	}
	r.enforce(next)
	return nil
}

// Start applies the first configuration, which has been loaded already.
func (r *Reloader) Start(first Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enforce(first)
}

func (r *Reloader) enforce(next Config) {
	r.apply(next)
	r.inForce = next
	r.successful.Set(1)
	r.at.Set(float64(r.now().Unix()))
	for _, warning := range next.Warnings {
		_ = level.Warn(r.logger).Log("msg", warning)
	}
	_ = level.Info(r.logger).Log("msg", "configuration in force", "merchants", len(next.Merchants), "min_interval", next.MinInterval)
}

// Describe implements [prometheus.Collector].
func (r *Reloader) Describe(descs chan<- *prometheus.Desc) {
	r.successful.Describe(descs)
	r.at.Describe(descs)
}

// Collect implements [prometheus.Collector].
func (r *Reloader) Collect(metrics chan<- prometheus.Metric) {
	r.successful.Collect(metrics)
	r.at.Collect(metrics)
}

// equal reports whether two configurations are the same to those who use them:
// keys by where they come from, since they are read again for every token.
func (c Config) equal(other Config) bool {
	return c.MinInterval == other.MinInterval && slices.Equal(c.Warnings, other.Warnings) &&
		c.Roots.Equal(other.Roots) &&
		slices.EqualFunc(c.Merchants, other.Merchants, func(a, b Merchant) bool {
			source := a.Key.Source() == b.Key.Source()
			a.Key, b.Key = nil, nil
			return source && reflect.DeepEqual(a, b)
		})
}
