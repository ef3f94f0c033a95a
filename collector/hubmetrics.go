package collector

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/hub"
)

// maxResults bounds how many of the hub's result codes get a series of their
// own; the others are counted together.
const (
	maxResults  = 50
	otherResult = "other"
)

// HubMetrics counts every single request to the hub, of all merchants.
type HubMetrics struct {
	requests *prometheus.CounterVec
	failures *prometheus.CounterVec
	duration *prometheus.HistogramVec
	results  *prometheus.CounterVec

	mu   sync.Mutex
	seen map[string]bool
}

// NewHubMetrics returns metrics with all their series, save results, at zero:
// a rate needs a zero to begin from.
func NewHubMetrics() *HubMetrics {
	m := &HubMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: NameHubRequests, Help: "Requests to the hub, by endpoint.",
		}, []string{"endpoint"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: NameHubRequestFailures, Help: "Requests to the hub that failed, by endpoint and reason.",
		}, []string{"endpoint", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: NameHubRequestDuration, Help: "What requests to the hub took, in seconds, by endpoint.",
			Buckets:                         []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"endpoint"}),
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: NameHubResults, Help: "Answers of the hub by endpoint and result code; at most 50 codes, then other.",
		}, []string{"endpoint", "result"}),
		seen: make(map[string]bool),
	}
	for _, endpoint := range hub.Endpoints() {
		m.requests.WithLabelValues(string(endpoint))
		m.duration.WithLabelValues(string(endpoint))
		for _, reason := range hub.Reasons() {
			m.failures.WithLabelValues(string(endpoint), string(reason))
		}
	}
	return m
}

// Observe counts one exchange. It fits [hub.Options].
func (m *HubMetrics) Observe(exchange hub.Exchange) {
	endpoint := string(exchange.Endpoint)
	m.requests.WithLabelValues(endpoint).Inc()
	m.duration.WithLabelValues(endpoint).Observe(exchange.Duration.Seconds())
	if exchange.Err != nil {
		m.failures.WithLabelValues(endpoint, string(exchange.Err.Reason)).Inc()
	}
	if exchange.Code != "" {
		m.results.WithLabelValues(endpoint, m.bounded(exchange.Code)).Inc()
	}
}

// bounded returns code, or "other" once there are too many.
func (m *HubMetrics) bounded(code string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if code[0] <= '9' {
		return otherResult // digits alone are no code of this hub's form
	}
	if !m.seen[code] {
		if len(m.seen) >= maxResults {
			return otherResult
		}
		m.seen[code] = true
	}
	return code
}

// Describe implements [prometheus.Collector].
func (m *HubMetrics) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(descs)
	}
}

// Collect implements [prometheus.Collector].
func (m *HubMetrics) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(metrics)
	}
}

func (m *HubMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.failures, m.duration, m.results}
}
