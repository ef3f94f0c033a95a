package collector

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// shownMetric is a metric and how it follows from snapshots.
type shownMetric struct {
	Metric

	show shower
}

// shower tells the samples of a metric.
type shower func(snapshots []Snapshot, of []*identity, tell teller)

// teller is told one sample.
type teller func(value float64, labels []*dto.LabelPair)

// each shows what a metric has of one merchant, for every merchant.
func each(show func(s *Snapshot, of *identity, tell teller)) shower {
	return func(snapshots []Snapshot, of []*identity, tell teller) {
		for i := range snapshots {
			show(&snapshots[i], of[i], tell)
		}
	}
}

// shownMetrics returns the metrics of a Collector, in the order of the
// documentation. None is shown of a merchant of whom it is not known.
func shownMetrics(settings Settings) []shownMetric {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	merchant := []string{labelMerchant}
	severity := []string{labelMerchant, labelSeverity}
	return []shownMetric{
		{Metric{NameRemain, gauge, "What the merchant may still pay out, remain_amt of the hub, in Korean won. Absent while unknown.", merchant}, showFigure(func(l hub.Limit) hub.Won { return l.Remain })},
		{Metric{NameTotalAccount, gauge, "All that the merchant's account can draw on, total_account_amt of the hub, in Korean won. Absent while unknown.", merchant}, showFigure(func(l hub.Limit) hub.Won { return l.TotalAccount })},
		{Metric{NameTotalTransfer, gauge, "What the merchant has paid out so far, total_transfer_amt of the hub, in Korean won. Absent while unknown.", merchant}, showFigure(func(l hub.Limit) hub.Won { return l.TotalTransfer })},
		{Metric{NameUp, gauge, "1 if the latest query of the hub succeeded, 0 if it failed or there was none yet.", merchant}, each(showUp)},
		{Metric{NameFailure, gauge, "1 while the latest query failed for this reason, otherwise absent.", []string{labelMerchant, labelReason}}, each(showFailure)},
		{Metric{NameLastSuccess, gauge, "When the hub last answered, in seconds since the epoch. Absent before the first time.", merchant}, showMoment(func(s *Snapshot) time.Time { return s.LastSuccess })},
		{Metric{NameHubTime, gauge, "The hub's own time of its last answer, api_tran_dtm, in seconds since the epoch. Absent if it sent none that can be read.", merchant}, showMoment(func(s *Snapshot) time.Time { return s.HubTime })},
		{Metric{NameQueryDuration, gauge, "What the latest query took, both steps, in seconds.", merchant}, each(showDuration)},
		{Metric{NameQueries, counter, "Queries of the hub that have ended.", merchant}, showCount(func(s *Snapshot) uint64 { return s.Queries })},
		{Metric{NameQueryFailures, counter, "Queries of the hub that failed.", merchant}, showCount(func(s *Snapshot) uint64 { return s.Failures })},
		{Metric{NameScrapesFromMemory, counter, "Scrapes answered without a query of their own, by cause.", []string{labelMerchant, labelCause}}, each(showFromMemory)},
		{Metric{NameNextQuery, gauge, "From when on a scrape asks the hub again, in seconds since the epoch.", merchant}, showMoment(func(s *Snapshot) time.Time { return s.NextQuery })},
		{Metric{NameThresholdAmount, gauge, "Configured threshold: a remaining amount below it is low, in Korean won.", severity}, showThresholds(config.Amount)},
		{Metric{NameThresholdRatio, gauge, "Configured threshold: a remaining share of the total below it is low, 0 to 1.", severity}, showThresholds(config.Ratio)},
		{Metric{NameThresholdRunway, gauge, "Configured threshold: a time until nothing remains below it is short, in seconds.", severity}, showThresholds(config.Runway)},
		{Metric{NameMerchantInfo, gauge, "1 for each configured merchant; hub is real, test, demo or the hub's host.", []string{labelMerchant, labelCstID, labelHub}}, each(showInfo)},
		{Metric{NameMinInterval, gauge, "Setting: a merchant is asked at most this often, in seconds.", nil}, showSetting(settings.MinInterval)},
		{Metric{NameMaxAge, gauge, "Setting: how old a figure may be served while queries fail, in seconds.", nil}, showSetting(settings.MaxAge)},
	}
}

// Metrics returns the metrics of a Collector, in the order of the
// documentation.
func Metrics() []Metric {
	shown := shownMetrics(Settings{})
	metrics := make([]Metric, len(shown))
	for i := range shown {
		metrics[i] = shown[i].Metric
	}
	return metrics
}

func showSetting(value time.Duration) shower {
	return func(_ []Snapshot, _ []*identity, tell teller) { tell(value.Seconds(), nil) }
}

func showFigure(of func(hub.Limit) hub.Won) shower {
	return each(func(s *Snapshot, merchant *identity, tell teller) {
		if s.Known {
			tell(float64(of(s.Limit)), merchant.labels)
		}
	})
}

func showUp(s *Snapshot, merchant *identity, tell teller) {
	up := 0.0
	if s.Up {
		up = 1
	}
	tell(up, merchant.labels)
}

func showFailure(s *Snapshot, merchant *identity, tell teller) {
	if s.Failure != nil {
		tell(1, merchant.with(newPair(labelReason, string(s.Failure.Reason))))
	}
}

func showMoment(of func(*Snapshot) time.Time) shower {
	return each(func(s *Snapshot, merchant *identity, tell teller) {
		if moment := of(s); !moment.IsZero() {
			tell(float64(moment.UnixMilli())/1000, merchant.labels)
		}
	})
}

func showDuration(s *Snapshot, merchant *identity, tell teller) {
	if s.Attempted {
		tell(s.Duration.Seconds(), merchant.labels)
	}
}

func showCount(of func(*Snapshot) uint64) shower {
	return each(func(s *Snapshot, merchant *identity, tell teller) { tell(float64(of(s)), merchant.labels) })
}

func showFromMemory(s *Snapshot, merchant *identity, tell teller) {
	for i, cause := range Causes() {
		tell(float64(s.FromMemory[cause]), merchant.causes[i])
	}
}

func showThresholds(kind config.Kind) shower {
	return each(func(_ *Snapshot, merchant *identity, tell teller) {
		for _, level := range merchant.levels {
			if level.Kind == kind {
				tell(level.Value, level.labels)
			}
		}
	})
}

func showInfo(_ *Snapshot, merchant *identity, tell teller) { tell(1, merchant.info) }

// identity is the label sets of one merchant, made once and shared by all
// scrapes: none is changed once it is made.
type identity struct {
	merchant *dto.LabelPair
	labels   []*dto.LabelPair   // the merchant alone
	info     []*dto.LabelPair   // of payple_merchant_info
	causes   [][]*dto.LabelPair // with each of Causes
	levels   []labelled         // the thresholds
}

// labelled is a threshold and its labels.
type labelled struct {
	config.Threshold

	labels []*dto.LabelPair
}

func newIdentity(m Merchant, shared sharedPairs) *identity {
	of := &identity{merchant: newPair(labelMerchant, m.Name)}
	of.labels = of.with()
	of.info = of.with(newPair(labelCstID, m.CstID), newPair(labelHub, m.Hub))
	for _, pair := range shared.causes {
		of.causes = append(of.causes, of.with(pair))
	}
	for _, severity := range config.Severities() {
		for _, configured := range m.Thresholds[severity] {
			of.levels = append(of.levels, labelled{configured, of.with(shared.severities[severity])})
		}
	}
	return of
}

// with returns the merchant's label and others, sorted as a gatherer wants it.
func (i *identity) with(others ...*dto.LabelPair) []*dto.LabelPair {
	all := append([]*dto.LabelPair{i.merchant}, others...)
	slices.SortFunc(all, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}

// sharedPairs are the labels that all merchants have alike.
type sharedPairs struct {
	causes     []*dto.LabelPair
	severities map[config.Severity]*dto.LabelPair
}

func newSharedPairs() sharedPairs {
	shared := sharedPairs{severities: make(map[config.Severity]*dto.LabelPair)}
	for _, cause := range Causes() {
		shared.causes = append(shared.causes, newPair(labelCause, cause.String()))
	}
	for _, severity := range config.Severities() {
		shared.severities[severity] = newPair(labelSeverity, string(severity))
	}
	return shared
}

// newPair returns a label. A value that is no text would make Prometheus refuse
// the whole scrape; the configuration lets none through.
func newPair(name, value string) *dto.LabelPair {
	value = strings.ToValidUTF8(value, "\uFFFD")
	return &dto.LabelPair{Name: &name, Value: &value}
}
