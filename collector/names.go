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

// The names of the labels.
const (
	labelMerchant = "merchant"
	labelCstID    = "cst_id"
	labelHub      = "hub"
	labelReason   = "reason"
	labelCause    = "cause"
	labelSeverity = "severity"
)

// Metric describes one metric to people and to Prometheus.
type Metric struct {
	Name   string
	Type   prometheus.ValueType
	Help   string
	Labels []string
}
