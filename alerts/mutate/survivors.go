package main

// race is why ">=" and "==" differ in a running Prometheus alone.
const race = "a scrape that lands between two rules of one evaluation makes an exporter fresher than the freshest; promtool has no such moment"

// minute is why looking back half a minute is looking back a whole one.
const minute = "evaluations are a minute apart, so that what was recorded half a minute ago is what was recorded a minute ago"

// guard is why the value of an operand does not matter.
const guard = "right of and/unless only the presence of a series counts, and every *_over_time is present when one is"

// boolean is why a comparison with the end of the range may go beyond it.
const boolean = "the series is 0 or 1"

// clamped is why a number does not matter.
const clamped = "clamp_min lifts it to 300 as it does 0"

// presence is why an aggregation may be any other.
const presence = "nobody reads more than whether the result is there"

// together is why the range of one of two series does not matter while the
// other has its own.
const together = "both totals come and go together: where this one reaches further, the other has nothing to compare"

// equivalents are the mutants that no test can kill, each with the reason why.
var equivalents = map[string]string{
	`payple:transfer_remain_amount: comparator at 5:5 ">=" -> "=="`: race,
	`payple:total_account_amt: comparator at 5:5 ">=" -> "=="`:      race,
	`payple:total_transfer_amt: comparator at 5:5 ">=" -> "=="`:     race,

	`payple:transfer_outflow_amount:increase1m: range at 1:72 "1m" -> "30s"`: minute,

	`payple:transfer_outflow_amount:hourly24h: function at 3:1 "last_over_time" -> "min_over_time"`:   guard,
	`payple:transfer_outflow_amount:hourly24h: function at 3:1 "last_over_time" -> "max_over_time"`:   guard,
	`payple:transfer_outflow_amount:hourly24h: function at 3:1 "last_over_time" -> "count_over_time"`: guard,

	`payple:transfer_outflow_amount:hourly: comparator at 1:42 ">" -> ">="`: "of two equal paces either is the larger",

	`payple:merchant_unlisted: comparator at 1:48 "==" -> ">="`: boolean,
	`payple:merchant_unlisted: range at 1:43 "1d" -> "129600s"`: "an exporter whose build information is forgotten is taken for one that is probed",
	`payple:merchant_unlisted: operand at 2:1 "unless on (merchant, cst_id, job, instance)\npayple_merchant_info" -> ""`: "what is listed is not " +
		"missed: it keeps later rules from looking at every merchant",

	`payple:merchant_configured: comparator at 34:35 "==" -> "<="`:                        boolean,
	`payple:merchant_configured: function at 1:1 "max" -> "min"`:                          "payple_merchant_info is always 1",
	`payple:merchant_configured: function at 18:42 "last_over_time" -> "min_over_time"`:   guard,
	`payple:merchant_configured: function at 18:42 "last_over_time" -> "max_over_time"`:   guard,
	`payple:merchant_configured: function at 18:42 "last_over_time" -> "count_over_time"`: guard,
	`payple:merchant_configured: arithmetic at 3:3 "*" -> "/"`:                            "0 / 1 is 0 as well",
	`payple:merchant_configured: range at 18:84 "1d" -> "129600s"`:                        "no merchant is remembered for longer than a day",

	`payple:merchant_reassigned: function at 1:1 "group" -> "count"`: presence,
	`payple:merchant_reassigned: function at 1:1 "group" -> "sum"`:   presence,

	`payple:transfer_outflow_amount:hourly1h: function at 5:1 "last_over_time" -> "min_over_time"`:    guard,
	`payple:transfer_outflow_amount:hourly1h: function at 5:1 "last_over_time" -> "max_over_time"`:    guard,
	`payple:transfer_outflow_amount:hourly1h: function at 5:1 "last_over_time" -> "count_over_time"`:  guard,
	`payple:transfer_outflow_amount:hourly24h: function at 5:1 "last_over_time" -> "min_over_time"`:   guard,
	`payple:transfer_outflow_amount:hourly24h: function at 5:1 "last_over_time" -> "max_over_time"`:   guard,
	`payple:transfer_outflow_amount:hourly24h: function at 5:1 "last_over_time" -> "count_over_time"`: guard,

	`PaypleTransferLimitLostWhileLow: comparator at 1:41 "==" -> ">="`:           boolean,
	`PaypleQueryFailing: comparator at 1:46 "==" -> "<="`:                        boolean,
	`PaypleConfigReloadFailed: comparator at 1:72 "==" -> "<="`:                  boolean,
	`PaypleExporterDown: comparator at 1:29 "==" -> "<="`:                        boolean,
	`PaypleExporterDown: comparator at 8:25 "==" -> ">="`:                        boolean,
	`PaypleExporterDown: function at 3:3 "last_over_time" -> "min_over_time"`:    guard,
	`PaypleExporterDown: function at 3:3 "last_over_time" -> "max_over_time"`:    guard,
	`PaypleExporterDown: function at 3:3 "last_over_time" -> "count_over_time"`:  guard,
	`PaypleExporterDown: function at 7:18 "last_over_time" -> "min_over_time"`:   guard,
	`PaypleExporterDown: function at 7:18 "last_over_time" -> "max_over_time"`:   guard,
	`PaypleExporterDown: function at 7:18 "last_over_time" -> "count_over_time"`: guard,
	`PaypleExporterDown: function at 11:3 "last_over_time" -> "min_over_time"`:   guard,
	`PaypleExporterDown: function at 11:3 "last_over_time" -> "max_over_time"`:   guard,
	`PaypleExporterDown: function at 11:3 "last_over_time" -> "count_over_time"`: guard,

	`PaypleDataStale: number at 9:5 "0" -> "-1"`: clamped,

	`PaypleTransferLimitLowered: range at 1:79 "1m" -> "30s"`:                           minute,
	`PaypleTransferLimitLowered: range at 3:83 "1m" -> "30s"`:                           minute,
	`PaypleTransferLimitLowered: function at 5:1 "last_over_time" -> "min_over_time"`:   guard,
	`PaypleTransferLimitLowered: function at 5:1 "last_over_time" -> "max_over_time"`:   guard,
	`PaypleTransferLimitLowered: function at 5:1 "last_over_time" -> "count_over_time"`: guard,
	`PaypleTransferLimitLowered: range at 1:68 "6h" -> "32400s"`:                        together,
	`PaypleTransferLimitLowered: range at 3:72 "6h" -> "32400s"`:                        together,

	`PaypleTransferLimitUnknown: comparator at 4:86 "==" -> "<="`:  boolean,
	`PaypleTransferLimitUnknown: comparator at 6:21 "==" -> "<="`:  boolean,
	`PaypleTransferLimitUnknown: function at 1:1 "max" -> "min"`:   presence,
	`PaypleTransferLimitUnknown: function at 1:1 "max" -> "count"`: presence,
}
