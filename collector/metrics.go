package collector

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// The names of the metrics that describe merchants. Dashboards, alert rules
// and documentation are checked against these.
const (
	NameRemain             = "payple_transfer_remain_amount"
	NameTotalAccount       = "total_account_amt"
	NameTotalTransfer      = "total_transfer_amt"
	NameOutflow            = "payple_transfer_outflow_won_total"
	NameInflow             = "payple_transfer_inflow_won_total"
	NameUp                 = "payple_up"
	NameFailure            = "payple_failure"
	NameLastSuccess        = "payple_last_success_timestamp_seconds"
	NameHubTime            = "payple_transfer_hub_timestamp_seconds"
	NameQueryDuration      = "payple_query_duration_seconds"
	NameQueries            = "payple_queries_total"
	NameQueryFailures      = "payple_query_failures_total"
	NameScrapesFromMemory  = "payple_scrapes_from_memory_total"
	NameNextQuery          = "payple_next_query_timestamp_seconds"
	NameThresholdAmount    = "payple_transfer_threshold_amount"
	NameThresholdRatio     = "payple_transfer_threshold_ratio"
	NameThresholdRunway    = "payple_transfer_threshold_runway_seconds"
	NameThresholdNeed      = "payple_transfer_threshold_need_ratio"
	NameMerchantInfo       = "payple_merchant_info"
	NameMerchantContact    = "payple_merchant_contact_info"
	NameMinInterval        = "payple_min_interval_seconds"
	NameMaxAge             = "payple_max_age_seconds"
	NameHubRequests        = "payple_hub_requests_total"
	NameHubRequestFailures = "payple_hub_request_failures_total"
	NameHubRequestDuration = "payple_hub_request_duration_seconds"
	NameHubResults         = "payple_hub_results_total"
)

// NameBuildInfo is the name of a metric that client_golang makes.
const NameBuildInfo = "payple_exporter_build_info"

// The names of the labels.
const (
	labelMerchant = "merchant"
	labelCstID    = "cst_id"
	labelHub      = "hub"
	labelReason   = "reason"
	labelCause    = "cause"
	labelSeverity = "severity"
	labelContact  = "contact"
)

// Metric describes one metric to people and to Prometheus.
type Metric struct {
	Name   string
	Type   prometheus.ValueType
	Help   string
	Labels []string
}

func (m *Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// sampledMetric is a metric and how its samples follow from snapshots.
type sampledMetric struct {
	Metric

	addSamples sampler
}

// sampler adds the samples of one metric.
type sampler func(snapshots []Snapshot, to *familyBuffer)

// each adds what a metric has of one merchant, for every merchant.
func each(add func(s *Snapshot, to *familyBuffer)) sampler {
	return func(snapshots []Snapshot, to *familyBuffer) {
		for i := range snapshots {
			add(&snapshots[i], to)
		}
	}
}

// sampledMetrics returns the metrics of a Collector, in the order of the
// documentation. A merchant of whom one is not known has no sample of it.
func sampledMetrics(settings Settings) []sampledMetric {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	merchant := []string{labelMerchant}
	severity := []string{labelMerchant, labelSeverity}
	return []sampledMetric{
		{Metric{NameRemain, gauge, "What the merchant may still pay out, remain_amt of the hub, in Korean won. Absent while unknown.", merchant}, amounts(func(l hub.Limit) hub.Won { return l.Remain })},
		{Metric{NameTotalAccount, gauge, "All that the merchant's account can draw on, total_account_amt of the hub, in Korean won. Absent while unknown.", merchant}, amounts(func(l hub.Limit) hub.Won { return l.TotalAccount })},
		{Metric{NameTotalTransfer, gauge, "What the merchant has paid out so far, total_transfer_amt of the hub, in Korean won. Absent while unknown.", merchant}, amounts(func(l hub.Limit) hub.Won { return l.TotalTransfer })},
		{Metric{NameOutflow, counter, "Sum of all rises of total_transfer_amt that were seen, in Korean won; a fall adds nothing.", merchant}, counts(func(s *Snapshot) hub.Won { return s.Outflow })},
		{Metric{NameInflow, counter, "Sum of all rises of total_account_amt that were seen, in Korean won; a fall adds nothing.", merchant}, counts(func(s *Snapshot) hub.Won { return s.Inflow })},
		{Metric{NameUp, gauge, "1 if the latest query of the hub succeeded, 0 if it failed or there was none yet.", merchant}, each(addUp)},
		{Metric{NameFailure, gauge, "1 while the latest query failed for this reason, otherwise absent.", []string{labelMerchant, labelReason}}, each(addFailure)},
		{Metric{NameLastSuccess, gauge, "When the hub last answered, in seconds since the epoch. Absent before the first time.", merchant}, timestamps(func(s *Snapshot) time.Time { return s.LastSuccess })},
		{Metric{NameHubTime, gauge, "The hub's own time of its last answer, api_tran_dtm, in seconds since the epoch. Absent if it sent none that can be read.", merchant}, timestamps(func(s *Snapshot) time.Time { return s.HubTime })},
		{Metric{NameQueryDuration, gauge, "What the latest query took, both steps, in seconds.", merchant}, each(addDuration)},
		{Metric{NameQueries, counter, "Queries of the hub that have ended.", merchant}, counts(func(s *Snapshot) uint64 { return s.Queries })},
		{Metric{NameQueryFailures, counter, "Queries of the hub that failed.", merchant}, counts(func(s *Snapshot) uint64 { return s.Failures })},
		{Metric{NameScrapesFromMemory, counter, "Scrapes answered without a query of their own, by cause.", []string{labelMerchant, labelCause}}, each(addFromMemory)},
		{Metric{NameNextQuery, gauge, "From when on a scrape asks the hub again, in seconds since the epoch.", merchant}, timestamps(func(s *Snapshot) time.Time { return s.NextQuery })},
		{Metric{NameThresholdAmount, gauge, "Configured threshold: a remaining amount below it is low, in Korean won.", severity}, thresholds(config.Amount)},
		{Metric{NameThresholdRatio, gauge, "Configured threshold: a remaining share of the total below it is low, 0 to 1.", severity}, thresholds(config.Ratio)},
		{Metric{NameThresholdRunway, gauge, "Configured threshold: a time until nothing remains below it is short, in seconds.", severity}, thresholds(config.Runway)},
		{Metric{NameThresholdNeed, gauge, "Configured threshold: a remaining amount below so many times what the coming 24 hours took last week is low.", severity}, thresholds(config.Need)},
		{Metric{NameMerchantInfo, gauge, "1 for each configured merchant; hub is real, test, demo or the hub's host.", []string{labelMerchant, labelCstID, labelHub}}, each(addInfo)},
		{Metric{NameMerchantContact, gauge, "1 for each merchant with a contact: who can raise its limit.", []string{labelMerchant, labelContact}}, each(addContact)},
		{Metric{NameMinInterval, gauge, "Setting: a merchant is asked at most this often, in seconds.", nil}, setting(settings.MinInterval)},
		{Metric{NameMaxAge, gauge, "Setting: how old a figure may be served while queries fail, in seconds.", nil}, setting(settings.MaxAge)},
	}
}

// Metrics returns the metrics of a Collector, in the order of the
// documentation.
func Metrics() []Metric {
	sampled := sampledMetrics(Settings{})
	metrics := make([]Metric, len(sampled))
	for i := range sampled {
		metrics[i] = sampled[i].Metric
	}
	return metrics
}

func setting(value time.Duration) sampler {
	return func(_ []Snapshot, to *familyBuffer) { to.addSample(value.Seconds(), nil) }
}

func amounts(of func(hub.Limit) hub.Won) sampler {
	return each(func(s *Snapshot, to *familyBuffer) {
		if s.Known {
			to.addSample(float64(of(s.Limit)), s.Merchant.labels.merchant)
		}
	})
}

func addUp(s *Snapshot, to *familyBuffer) {
	up := 0.0
	if s.Up {
		up = 1
	}
	to.addSample(up, s.Merchant.labels.merchant)
}

func addFailure(s *Snapshot, to *familyBuffer) {
	if s.Failure != nil {
		to.addSample(1, s.Merchant.labels.with(newPair(labelReason, string(s.Failure.Reason))))
	}
}

func timestamps(of func(*Snapshot) time.Time) sampler {
	return each(func(s *Snapshot, to *familyBuffer) {
		if at := of(s); !at.IsZero() {
			to.addSample(float64(at.UnixMilli())/1000, s.Merchant.labels.merchant)
		}
	})
}

func addDuration(s *Snapshot, to *familyBuffer) {
	if s.Attempted {
		to.addSample(s.Duration.Seconds(), s.Merchant.labels.merchant)
	}
}

func counts[N uint64 | hub.Won](of func(*Snapshot) N) sampler {
	return each(func(s *Snapshot, to *familyBuffer) {
		to.addCount(float64(of(s)), s.Merchant.labels.merchant, s.Merchant.labels.began)
	})
}

func addFromMemory(s *Snapshot, to *familyBuffer) {
	for i, cause := range Causes() {
		to.addCount(float64(s.FromMemory[cause]), s.Merchant.labels.causes[i], s.Merchant.labels.began)
	}
}

func thresholds(kind config.Kind) sampler {
	return each(func(s *Snapshot, to *familyBuffer) {
		for _, threshold := range s.Merchant.labels.thresholds {
			if threshold.Kind == kind {
				to.addSample(threshold.Value, threshold.labels)
			}
		}
	})
}

func addInfo(s *Snapshot, to *familyBuffer) { to.addSample(1, s.Merchant.labels.info) }

func addContact(s *Snapshot, to *familyBuffer) {
	if s.Merchant.Contact != "" {
		to.addSample(1, s.Merchant.labels.contact)
	}
}

// labelSets are the label sets of one merchant, made once and shared by all
// scrapes: none is changed once it is made.
type labelSets struct {
	merchant   []*dto.LabelPair   // the merchant alone
	info       []*dto.LabelPair   // of payple_merchant_info
	contact    []*dto.LabelPair   // of payple_merchant_contact_info
	causes     [][]*dto.LabelPair // with each of Causes
	thresholds []labelledThreshold
	began      *timestamppb.Timestamp // when the counters were 0
}

type labelledThreshold struct {
	config.Threshold

	labels []*dto.LabelPair
}

func newLabelSets(m *Merchant, shared sharedPairs) *labelSets {
	sets := &labelSets{merchant: []*dto.LabelPair{newPair(labelMerchant, m.Name)}}
	sets.info = sets.with(newPair(labelCstID, m.CstID), newPair(labelHub, m.Hub))
	sets.contact = sets.with(newPair(labelContact, m.Contact))
	for _, pair := range shared.causes {
		sets.causes = append(sets.causes, sets.with(pair))
	}
	for _, severity := range config.Severities() {
		for _, configured := range m.Thresholds[severity] {
			sets.thresholds = append(sets.thresholds, labelledThreshold{configured, sets.with(shared.severities[severity])})
		}
	}
	return sets
}

// with returns the merchant's label and others, sorted as an encoder expects
// them.
func (l *labelSets) with(others ...*dto.LabelPair) []*dto.LabelPair {
	all := slices.Concat(l.merchant, others)
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
