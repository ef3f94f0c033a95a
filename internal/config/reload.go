package config

import (
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
func (r *Reloader) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next, err := r.load()
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
