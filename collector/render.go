package collector

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"payple_exporter/threshold"
)

// sample is one sample of a metric: as a collector sends it, and as a gatherer
// hands it to whoever writes it. Neither is changed once it is made.
type sample struct {
	prometheus.Metric

	name    string
	written *dto.Metric
}

// renderer turns one merchant's snapshots into metrics. It keeps those that
// have not changed: most scrapes find that only a counter has moved, and to
// make all metrics anew would be half of what such a scrape costs.
type renderer struct {
	mu     sync.Mutex
	of     state
	kept   []sample
	counts map[Cause]count
}

// state tells whether two snapshots of a merchant show the same metrics, but
// for the counters of scrapes from memory. What a query brings is told by the
// number of queries; figures also go when they are too old.
type state struct {
	attempted bool
	queries   uint64
	known     bool
	next      time.Time
}

// count is a counter of scrapes from memory as it was last shown.
type count struct {
	value uint64
	shown sample
}

type (
	maker   func(name string, value float64, labels ...string) sample
	emitter func(name string, value float64, labels ...string)
)

// render returns the samples of a snapshot. The first slice is never changed
// once it is made.
func (r *renderer) render(metric maker, s Snapshot) (kept, counts []sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := (state{s.Attempted, s.Queries, s.Known, s.NextQuery}); r.kept == nil || now != r.of {
		r.of, r.kept = now, nil
		emit := func(name string, value float64, labels ...string) {
			r.kept = append(r.kept, metric(name, value, labels...))
		}
		emitFigures(emit, s)
		emitHealth(emit, s)
		emitCounts(emit, s)
		emitConfiguration(emit, s.Merchant)
	}
	if r.counts == nil {
		r.counts = make(map[Cause]count)
	}
	for _, cause := range Causes() {
		last, value := r.counts[cause], s.FromMemory[cause]
		if last.shown.written == nil || last.value != value {
			last = count{value, metric(NameScrapesFromMemory, float64(value), s.Merchant.Name, string(cause))}
			r.counts[cause] = last
		}
		counts = append(counts, last.shown)
	}
	return r.kept, counts
}

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
