package collector

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Scrape is a Collector bound to one scrape. It can be gathered from directly,
// or registered: see Gather.
type Scrape struct {
	of *view
	// A prometheus.Collector is not handed a context, so it has to carry the
	// one of the scrape that it lives for.
	ctx context.Context //nolint:containedctx // see above
}

var (
	_ prometheus.Collector             = Scrape{}
	_ prometheus.TransactionalGatherer = Scrape{}
)

// Bind returns the collector for one scrape, which must be answered before ctx
// ends.
func (c *Collector) Bind(ctx context.Context) Scrape { return Scrape{c.inForce.Load(), ctx} }

// BindOne is Bind for one merchant alone. It reports whether there is one of
// that name.
func (c *Collector) BindOne(ctx context.Context, name string) (Scrape, bool) {
	one, found := c.inForce.Load().only(name)
	return Scrape{one, ctx}, found
}

// Snapshots asks for the merchants and returns what is known of each, in the
// order of configuration.
func (s Scrape) Snapshots() []Snapshot { return s.of.snapshots(s.ctx) }

// Gather implements [prometheus.TransactionalGatherer]: when the families have
// been read, the next scrape can have their memory.
//
// It gives what a registry with this collector would give, but checks and sorts
// no samples: labels are right by construction, which tests hold against a
// registry, and merchants keep the order of configuration. So its cost grows
// with the number of merchants and not faster, as a registry's does.
func (s Scrape) Gather() (families []*dto.MetricFamily, done func(), err error) {
	buffer := s.of.spare.Swap(nil)
	if buffer == nil {
		buffer = s.of.newBuffer()
	}
	return s.fill(buffer), func() { s.of.spare.Store(buffer) }, nil
}

// fill asks for all merchants and writes what is known into a buffer.
func (s Scrape) fill(buffer *scrapeBuffer) []*dto.MetricFamily {
	snapshots := s.Snapshots()
	families := make([]*dto.MetricFamily, 0, len(*buffer))
	for i, b := range *buffer {
		b.reset()
		s.of.metrics[i].addSamples(snapshots, b)
		if len(b.family.Metric) > 0 {
			families = append(families, b.family)
		}
	}
	return families
}

// Describe implements [prometheus.Collector].
func (Scrape) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		descs <- m.desc()
	}
}

// Collect implements [prometheus.Collector] by what Gather gives.
func (s Scrape) Collect(metrics chan<- prometheus.Metric) {
	// Metrics are read after Collect has returned, so no other scrape may ever
	// have this buffer.
	buffer := s.of.newBuffer()
	s.fill(buffer)
	for i, b := range *buffer {
		desc := s.of.metrics[i].desc()
		for _, metric := range b.family.Metric {
			metrics <- gathered{desc, metric}
		}
	}
}

// gathered is a metric that Gather gave.
type gathered struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

// Desc implements [prometheus.Metric].
func (g gathered) Desc() *prometheus.Desc { return g.desc }

// Write implements [prometheus.Metric].
func (g gathered) Write(to *dto.Metric) error {
	to.Label, to.Gauge, to.Counter = g.metric.Label, g.metric.Gauge, g.metric.Counter
	return nil
}

// scrapeBuffer is the families of one scrape, one for each of a view's metrics.
type scrapeBuffer []*familyBuffer

func (v *view) newBuffer() *scrapeBuffer {
	buffer := make(scrapeBuffer, len(v.metrics))
	for i := range v.metrics {
		buffer[i] = newFamilyBuffer(&v.metrics[i].Metric, max(1, len(v.gates)))
	}
	return &buffer
}

// familyBuffer is one metric of all merchants, its samples side by side in
// memory in the order in which they are written. A scrape of many merchants
// spends most of its time on waiting for memory, and far less where it reads on
// and on.
//
// It can be used again for another scrape once nobody reads it any more.
type familyBuffer struct {
	family *dto.MetricFamily
	// room is the samples that there is room for; the family has the first of
	// them.
	room []*dto.Metric
	size int // how much room to make at once
}

// newFamilyBuffer returns a buffer without samples, for about size of them.
func newFamilyBuffer(m *Metric, size int) *familyBuffer {
	kind := dto.MetricType_GAUGE
	if m.Type == prometheus.CounterValue {
		kind = dto.MetricType_COUNTER
	}
	return &familyBuffer{family: &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind}, size: size}
}

// reset takes out all samples and keeps the room for others.
func (b *familyBuffer) reset() { b.family.Metric = b.room[:0] }

// addSample appends a sample. The labels are shared, and not changed.
func (b *familyBuffer) addSample(value float64, labels []*dto.LabelPair) {
	n := len(b.family.Metric)
	if n == len(b.room) {
		b.grow()
	}
	metric := b.room[n]
	metric.Label = labels
	if metric.Counter != nil {
		*metric.Counter.Value = value
	} else {
		*metric.Gauge.Value = value
	}
	b.family.Metric = b.room[:n+1]
}

// addCount is addSample for a counter that was 0 at a time, which goes with
// protobuf alone, as client_golang has it.
func (b *familyBuffer) addCount(value float64, labels []*dto.LabelPair, began *timestamppb.Timestamp) {
	b.addSample(value, labels)
	b.family.Metric[len(b.family.Metric)-1].Counter.CreatedTimestamp = began
}

// grow makes more room. Samples that are there already stay where they are.
func (b *familyBuffer) grow() {
	metrics, values := make([]dto.Metric, b.size), make([]float64, b.size)
	if b.family.GetType() == dto.MetricType_COUNTER {
		counters := make([]dto.Counter, b.size)
		for i := range metrics {
			counters[i].Value, metrics[i].Counter = &values[i], &counters[i]
		}
	} else {
		gauges := make([]dto.Gauge, b.size)
		for i := range metrics {
			gauges[i].Value, metrics[i].Gauge = &values[i], &gauges[i]
		}
	}
	b.room = slices.Grow(b.room, b.size)
	for i := range metrics {
		b.room = append(b.room, &metrics[i])
	}
}
