package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// column is one metric of all merchants, its samples side by side in memory in
// the order in which they are written. A scrape of many merchants spends most
// of its time on waiting for memory, and far less where it reads on and on.
//
// A column can be used again for another scrape once nobody reads it any more.
type column struct {
	family *dto.MetricFamily
	// room is the samples that there is room for; the family has the first of
	// them.
	room []*dto.Metric
	size int // how much room to make at once
}

// newColumn returns a column without samples, for about size of them.
func newColumn(m *Metric, size int) *column {
	kind := dto.MetricType_GAUGE
	if m.Type == prometheus.CounterValue {
		kind = dto.MetricType_COUNTER
	}
	return &column{family: &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind}, size: size}
}

// empty takes out all samples and keeps the room for others.
func (c *column) empty() { c.family.Metric = c.room[:0] }

// add appends a sample. The labels are shared, and not changed.
func (c *column) add(value float64, labels []*dto.LabelPair) {
	n := len(c.family.Metric)
	if n == len(c.room) {
		c.grow()
	}
	metric := c.room[n]
	metric.Label = labels
	if metric.Counter != nil {
		*metric.Counter.Value = value
	} else {
		*metric.Gauge.Value = value
	}
	c.family.Metric = c.room[:n+1]
}

// grow makes more room. Samples that are there already stay where they are.
func (c *column) grow() {
	metrics, values := make([]dto.Metric, c.size), make([]float64, c.size)
	if c.family.GetType() == dto.MetricType_COUNTER {
		counters := make([]dto.Counter, c.size)
		for i := range metrics {
			counters[i].Value, metrics[i].Counter = &values[i], &counters[i]
		}
	} else {
		gauges := make([]dto.Gauge, c.size)
		for i := range metrics {
			gauges[i].Value, metrics[i].Gauge = &values[i], &gauges[i]
		}
	}
	c.room = slices.Grow(c.room, c.size)
	for i := range metrics {
		c.room = append(c.room, &metrics[i])
	}
}
