package collector

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// column is one metric of all merchants, its samples side by side in memory in
// the order in which they are written. A scrape of many merchants spends most
// of its time on waiting for memory, and far less where it reads on and on.
type column struct {
	family   *dto.MetricFamily
	metrics  []dto.Metric
	values   []float64
	gauges   []dto.Gauge
	counters []dto.Counter
}

// newColumn returns a column without samples, for about so many.
func newColumn(m *Metric, size int) *column {
	kind := dto.MetricType_GAUGE
	if m.Type == prometheus.CounterValue {
		kind = dto.MetricType_COUNTER
	}
	return &column{family: &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind, Metric: make([]*dto.Metric, 0, size)}}
}

// add appends a sample. The labels are shared, and not changed.
func (c *column) add(value float64, labels []*dto.LabelPair) {
	if len(c.metrics) == cap(c.metrics) {
		c.grow()
	}
	n := len(c.metrics)
	c.metrics, c.values = c.metrics[:n+1], c.values[:n+1]
	c.values[n] = value
	metric := &c.metrics[n]
	metric.Label = labels
	if c.family.GetType() == dto.MetricType_COUNTER {
		c.counters = c.counters[:n+1]
		c.counters[n].Value = &c.values[n]
		metric.Counter = &c.counters[n]
	} else {
		c.gauges = c.gauges[:n+1]
		c.gauges[n].Value = &c.values[n]
		metric.Gauge = &c.gauges[n]
	}
	c.family.Metric = append(c.family.Metric, metric)
}

// grow makes room for as many samples again as were asked for. Those that are
// there already stay where they are.
func (c *column) grow() {
	room := max(1, cap(c.family.Metric))
	c.metrics, c.values = make([]dto.Metric, 0, room), make([]float64, 0, room)
	if c.family.GetType() == dto.MetricType_COUNTER {
		c.counters = make([]dto.Counter, 0, room)
	} else {
		c.gauges = make([]dto.Gauge, 0, room)
	}
}
