package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/hub"
	"payple_exporter/threshold"
)

// Watched is a merchant and the gate to ask for it. The labels are not the
// gate's, so that a change of them leaves the gate as it is.
type Watched struct {
	Merchant

	Gate *Gate
}

// Collector turns what gates know into metrics.
type Collector struct {
	watched  []Watched
	settings Settings
	descs    map[string]*prometheus.Desc
	types    map[string]prometheus.ValueType
}

// New returns a collector of these merchants.
func New(settings Settings, watched []Watched) *Collector {
	c := &Collector{
		watched: watched, settings: settings,
		descs: make(map[string]*prometheus.Desc), types: make(map[string]prometheus.ValueType),
	}
	for _, m := range Metrics() {
		c.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		c.types[m.Name] = m.Type
	}
	return c
}

// Snapshots asks for all merchants at once and returns what is known of each,
// in the order of configuration, when the last has answered or ctx ends.
func (c *Collector) Snapshots(ctx context.Context) []Snapshot {
	visits := make([]visit, len(c.watched))
	for i, watched := range c.watched {
		visits[i] = watched.Gate.enter(ctx)
	}
	snapshots := make([]Snapshot, len(visits))
	for i, visit := range visits {
		snapshots[i] = visit.snapshot(ctx)
		snapshots[i].Merchant = c.watched[i].Merchant
	}
	return snapshots
}

// Bind returns a prometheus.Collector for one scrape, which must be answered
// before ctx ends.
func (c *Collector) Bind(ctx context.Context) prometheus.Collector { return bound{c, ctx} }

// bound is a Collector and the context of the one scrape that it lives for.
// A prometheus.Collector is not handed a context, so it has to carry it.
type bound struct {
	*Collector
	ctx context.Context //nolint:containedctx // see above
}

// Describe implements [prometheus.Collector].
func (b bound) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		descs <- b.descs[m.Name]
	}
}

// Collect implements [prometheus.Collector].
func (b bound) Collect(metrics chan<- prometheus.Metric) {
	emit := func(name string, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(b.descs[name], b.types[name], value, labels...)
	}
	emit(NameMinInterval, b.settings.MinInterval.Seconds())
	emit(NameMaxAge, b.settings.MaxAge.Seconds())
	for _, snapshot := range b.Snapshots(b.ctx) {
		emitFigures(emit, snapshot)
		emitHealth(emit, snapshot)
		emitCounts(emit, snapshot)
		emitConfiguration(emit, snapshot.Merchant)
	}
}

type emitter func(name string, value float64, labels ...string)

// emitFigures gives the three figures and the hub's time of them, or none.
func emitFigures(emit emitter, s Snapshot) {
	if !s.Known {
		return
	}
	emit(NameRemain, float64(s.Limit.Remain), s.Merchant.Name)
	emit(NameTotalAccount, float64(s.Limit.TotalAccount), s.Merchant.Name)
	emit(NameTotalTransfer, float64(s.Limit.TotalTransfer), s.Merchant.Name)
	if !s.Limit.HubTime.IsZero() {
		emit(NameHubTime, seconds(s.Limit.HubTime), s.Merchant.Name)
	}
}

func emitHealth(emit emitter, s Snapshot) {
	up := 0.0
	if s.Up {
		up = 1
	}
	emit(NameUp, up, s.Merchant.Name)
	if s.Failure != nil {
		emit(NameFailure, 1, s.Merchant.Name, string(s.Failure.Reason))
	}
	if !s.LastSuccess.IsZero() {
		emit(NameLastSuccess, seconds(s.LastSuccess), s.Merchant.Name)
	}
	if s.Attempted {
		emit(NameQueryDuration, s.Duration.Seconds(), s.Merchant.Name)
	}
	if !s.NextQuery.IsZero() {
		emit(NameNextQuery, seconds(s.NextQuery), s.Merchant.Name)
	}
}

func emitCounts(emit emitter, s Snapshot) {
	emit(NameQueries, float64(s.Queries), s.Merchant.Name)
	emit(NameQueryFailures, float64(s.Failures), s.Merchant.Name)
	for _, cause := range Causes() {
		emit(NameScrapesFromMemory, float64(s.FromMemory[cause]), s.Merchant.Name, string(cause))
	}
}

func emitConfiguration(emit emitter, m Merchant) {
	emit(NameMerchantInfo, 1, m.Name, m.CstID, m.Hub)
	for _, severity := range threshold.Severities() {
		for _, level := range m.Thresholds[severity] {
			emit(thresholdName(level.Kind), level.Value, m.Name, string(severity))
		}
	}
}

func thresholdName(kind threshold.Kind) string {
	switch kind {
	case threshold.Amount:
		return NameThresholdAmount
	case threshold.Ratio:
		return NameThresholdRatio
	case threshold.Runway:
	}
	return NameThresholdRunway
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Interface check: a session of package hub can stand behind a gate.
var _ Querier = (*hub.Session)(nil)

// Only returns a collector of one merchant alone, and whether there is one of
// that name.
func (c *Collector) Only(name string) (*Collector, bool) {
	for _, watched := range c.watched {
		if watched.Name == name {
			one := *c
			one.watched = []Watched{watched}
			return &one, true
		}
	}
	return nil, false
}

// Merchants returns all merchants in the order of configuration.
func (c *Collector) Merchants() []Merchant {
	merchants := make([]Merchant, len(c.watched))
	for i, watched := range c.watched {
		merchants[i] = watched.Merchant
	}
	return merchants
}
