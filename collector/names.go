package collector

import "github.com/prometheus/client_golang/prometheus"

// The names of the metrics that describe merchants. Dashboards, alert rules
// and documentation are checked against these.
const (
	NameRemain             = "payple_transfer_remain_amount"
	NameTotalAccount       = "total_account_amt"
	NameTotalTransfer      = "total_transfer_amt"
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
	NameMerchantInfo       = "payple_merchant_info"
	NameMinInterval        = "payple_min_interval_seconds"
	NameMaxAge             = "payple_max_age_seconds"
	NameHubRequests        = "payple_hub_requests_total"
	NameHubRequestFailures = "payple_hub_request_failures_total"
	NameHubRequestDuration = "payple_hub_request_duration_seconds"
	NameHubResults         = "payple_hub_results_total"
)

// The names of the metrics that describe the exporter itself, which others
// make.
const (
	NameBuildInfo            = "payple_exporter_build_info"
	NameConfigLoadSuccessful = "payple_exporter_config_last_reload_successful"
	NameConfigLoadTime       = "payple_exporter_config_last_reload_success_timestamp_seconds"
)

// Metric describes one metric to people and to Prometheus.
type Metric struct {
	Name   string
	Type   prometheus.ValueType
	Help   string
	Labels []string
}

// Metrics returns the metrics of a Collector, in the order of the
// documentation.
func Metrics() []Metric {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	merchant := []string{"merchant"}
	severity := []string{"merchant", "severity"}
	return []Metric{
		{NameRemain, gauge, "What the merchant may still pay out, remain_amt of the hub, in Korean won. Absent while unknown.", merchant},
		{NameTotalAccount, gauge, "All that the merchant's account can draw on, total_account_amt of the hub, in Korean won. Absent while unknown.", merchant},
		{NameTotalTransfer, gauge, "What the merchant has paid out so far, total_transfer_amt of the hub, in Korean won. Absent while unknown.", merchant},
		{NameUp, gauge, "1 if the latest query of the hub succeeded, 0 if it failed or there was none yet.", merchant},
		{NameFailure, gauge, "1 while the latest query failed for this reason, otherwise absent.", []string{"merchant", "reason"}},
		{NameLastSuccess, gauge, "When the hub last answered, in seconds since the epoch. Absent before the first time.", merchant},
		{NameHubTime, gauge, "The hub's own time of its last answer, api_tran_dtm, in seconds since the epoch. Absent if it sent none that can be read.", merchant},
		{NameQueryDuration, gauge, "What the latest query took, both steps, in seconds.", merchant},
		{NameQueries, counter, "Queries of the hub that have ended.", merchant},
		{NameQueryFailures, counter, "Queries of the hub that failed.", merchant},
		{NameScrapesFromMemory, counter, "Scrapes answered without a query of their own, by cause.", []string{"merchant", "cause"}},
		{NameNextQuery, gauge, "From when on a scrape asks the hub again, in seconds since the epoch.", merchant},
		{NameThresholdAmount, gauge, "Configured threshold: a remaining amount below it is low, in Korean won.", severity},
		{NameThresholdRatio, gauge, "Configured threshold: a remaining share of the total below it is low, 0 to 1.", severity},
		{NameThresholdRunway, gauge, "Configured threshold: a time until nothing remains below it is short, in seconds.", severity},
		{NameMerchantInfo, gauge, "1 for each configured merchant; hub is real, test, demo or the hub's host.", []string{"merchant", "cst_id", "hub"}},
		{NameMinInterval, gauge, "Setting: a merchant is asked at most this often, in seconds.", nil},
		{NameMaxAge, gauge, "Setting: how old a figure may be served while queries fail, in seconds.", nil},
	}
}
