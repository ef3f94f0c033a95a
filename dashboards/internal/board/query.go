package board

import (
	"fmt"
	"strings"

	"payple_exporter/collector"
	levels "payple_exporter/internal/config"
)

// Metrics that Prometheus, its Go client and the operating system have, and
// no exporter names.
const (
	nameTargetUp       = "up"
	nameScrapeDuration = "scrape_duration_seconds"
	nameStartTime      = "process_start_time_seconds"
	nameMemory         = "process_resident_memory_bytes"
	nameCPU            = "process_cpu_seconds_total"
	nameGoroutines     = "go_goroutines"
)

const (
	warning  = levels.Warning
	critical = levels.Critical
)

// exporter selects the series of a metric that the chosen exporters have.
func exporter(name string, labels ...string) string {
	labels = append([]string{`job=~"$job"`, `instance=~"$instance"`}, labels...)
	return name + "{" + strings.Join(labels, ",") + "}"
}

// merchant selects the series of a metric that the chosen exporters have of
// the chosen merchants.
func merchant(name string, labels ...string) string {
	return exporter(name, append([]string{`merchant=~"$merchant"`}, labels...)...)
}

func threshold(name string, severity levels.Severity) string {
	return merchant(name, fmt.Sprintf(`severity=%q`, severity))
}

// most gives one value for each merchant, however many exporters report it.
func most(expr string) string { return "max by (merchant) (" + expr + ")" }

// freshest keeps, of the exporters that report a merchant, the one that heard
// from the hub last; of those that are equally fresh, the smaller value. It is
// what the alerts do: one exporter may be stuck with an old figure, and then
// neither the smaller nor the larger is right.
//
// Exporters without a figure do not compete. What is compared with what inside
// expr is so within one exporter.
func freshest(expr string) string {
	success := merchant(collector.NameLastSuccess)
	return fmt.Sprintf(`min by (merchant) (
  (%s)
  and on (merchant, job, instance) (
    %s
    == on (merchant) group_left ()
    max by (merchant) (%s and on (merchant, job, instance) %s)
  )
)`, expr, success, success, merchant(collector.NameRemain))
}

// remain is what a merchant may still pay out.
func remain() string { return freshest(merchant(collector.NameRemain)) }

// share is the part of the total that remains. Without a total there is none.
func share() string { return freshest(ownShare()) }

func ownShare() string {
	return fmt.Sprintf("%s / (%s > 0)", merchant(collector.NameRemain), merchant(collector.NameTotalAccount))
}

// line is the amount below which a merchant is low: its threshold in won, or
// its threshold as a share of the total, in won; the higher of both.
//
// Of the two sides of "or", the first has the label severity and the second
// has lost it, so that neither hides the other.
func line(severity levels.Severity) string {
	return most(fmt.Sprintf("%s or %s * ignoring (severity) %s",
		threshold(collector.NameThresholdAmount, severity),
		threshold(collector.NameThresholdRatio, severity), merchant(collector.NameTotalAccount)))
}

// paidOut is what was paid out in the five minutes before each moment. A
// restart of the total and a reversal count for nothing, where rate() would
// add the whole total. Exporters are joined first: one that was replaced a
// moment ago goes on where the last one ended.
func paidOut() string {
	total := merchant(collector.NameTotalTransfer)
	return fmt.Sprintf("clamp_min(%s - %s, 0)", most(total), most(total+" offset 5m"))
}

// anHour turns the average of paidOut into won an hour.
const anHour = " * 12"

// outflow is what was paid out in the hour before each moment, or before the
// moment that long ago. The second keeps the hour's edges off full minutes:
// Prometheus 2 would count both edges, and so thirteen times five minutes.
func outflow(ago string) string {
	return fmt.Sprintf("avg_over_time(%s[1h:5m] offset %s1s)%s", paidOut(), ago, anHour)
}

// steadyOutflow is the pace, in won an hour, that the whole last hour kept up:
// its slowest 20 minutes. One batch payout is over sooner and counts for
// nothing. Absent until there is an hour of data.
func steadyOutflow() string {
	twentyMinutes := "avg_over_time(" + paidOut() + "[20m:5m]%s)"
	return fmt.Sprintf("(min_over_time(%s[40m:5m]) and %s)%s",
		fmt.Sprintf(twentyMinutes, ""), fmt.Sprintf(twentyMinutes, " offset 40m"), anHour)
}

// dailyOutflow is the pace, in won an hour, of the last day with its batches.
// Absent until there is most of a day of data.
func dailyOutflow() string {
	return fmt.Sprintf("(avg_over_time(%s[24h:5m]) and last_over_time(%s[6h:5m] offset 18h))%s", paidOut(), paidOut(), anHour)
}

// pace is the faster of the steady and the daily outflow. The label keeps one
// side of "or" from hiding the other.
func pace() string {
	return most(fmt.Sprintf(`
  label_replace(%s, "over", "hour", "", "")
  or
  label_replace(%s, "over", "day", "", "")
`, steadyOutflow(), dailyOutflow()))
}

// runway is how many seconds what remains lasts at that pace. Absent while
// nothing flows out.
func runway() string {
	return fmt.Sprintf("3600 * clamp_min(%s, 0)\n/ (%s > 0)", remain(), pace())
}

// lasts is runway for people: what is used up lasts for nothing, whether or
// not anything flows out.
func lasts() string { return runway() + "\nor 0 * (" + remain() + " <= 0)" }

// The states of a merchant; the worse, the greater.
const (
	stateFine = iota
	stateWarning
	stateUnknown
	stateCritical
	stateExhausted
)

// state is the worst state that is true of a merchant.
func state() string {
	configured, known := most(merchant(collector.NameMerchantInfo)), most(merchant(collector.NameRemain))
	return strings.Join([]string{
		as(stateExhausted, remain()+" <= 0"),
		as(stateCritical, low(critical)),
		as(stateUnknown, configured+" unless "+known),
		as(stateWarning, low(warning)),
		as(stateFine, known),
	}, "\nor\n")
}

func as(state int, expr string) string { return fmt.Sprintf("0 * (%s) + %d", expr, state) }

// low holds the merchants that are under a threshold of that severity.
func low(severity levels.Severity) string {
	own := merchant(collector.NameRemain)
	amount := fmt.Sprintf("%s < ignoring (severity) %s", own, threshold(collector.NameThresholdAmount, severity))
	ratio := fmt.Sprintf("%s < ignoring (severity) %s", ownShare(), threshold(collector.NameThresholdRatio, severity))
	return fmt.Sprintf("%s\nor %s < %s",
		freshest(amount+" or "+ratio), runway(), most(threshold(collector.NameThresholdRunway, severity)))
}

// age is how old a merchant's figures are.
func age() string { return "time() - " + most(merchant(collector.NameLastSuccess)) }

// rate is a counter's increase a second, summed up by labels.
func rate(selector string, by ...string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", strings.Join(by, ", "), selector)
}

// latency is the time that a share of the requests to the hub took at most.
func latency(quantile float64) string {
	return fmt.Sprintf("histogram_quantile(%g, %s)",
		quantile, rate(exporter(collector.NameHubRequestDuration+"_bucket"), "endpoint", "le"))
}
