// Package collector stands between Prometheus and the Payple hub. A [Gate]
// decides for each merchant when the hub may be asked and what is kept, a
// [Collector] turns what the gates know into metrics, and [HubMetrics] counts
// the requests themselves.
package collector
