package rules

import (
	"fmt"
	"strings"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
)

// Prometheus expands each annotation on its own, so whatever an annotation uses has to be defined in it. withDefinitions puts the
// definitions that a text uses in front of it; here they are written once.
var definitions = []struct{ name, template string }{
	// won takes a whole number as text, puts a comma before the last ungrouped three digits, and calls itself until none is left.
	{"won", `{{ define "won" }}{{ if match "[0-9]{4}" . }}{{ template "won" (reReplaceAll "^(-?[0-9]+)([0-9]{3})" "$1,$2" .) }}` +
		`{{ else }}{{ reReplaceAll "^(-?)" "${1}₩" . }}{{ end }}{{ end -}}`},
	// reasons lists why the queries of a merchant fail, in a fixed order, from samples of payple_failure.
	{"reasons", `{{ define "reasons" }}{{ range $i, $s := sortByLabel "instance" (sortByLabel "reason" .) }}` +
		`{{ if $i }}, {{ end }}{{ .Labels.reason }} ({{ .Labels.instance }}){{ end }}{{ end -}}`},
	// reasons_ko is the same in words that a person in Korea reads.
	{"reasons_ko", `{{ define "reasons_ko" }}{{ range $i, $s := sortByLabel "instance" (sortByLabel "reason" .) }}{{ if $i }}, {{ end }}` +
		reasonKo() + ` ({{ .Labels.instance }}){{ end }}{{ end -}}`},
	// 심각 and 경고 are what Korean operators call critical and warning.
	{"severity_ko", `{{ define "severity_ko" }}{{ if eq . "critical" }}심각{{ else }}경고{{ end }}{{ end -}}`},
	// duration drops the units that are zero at the end: 6h, not 6h 0m 0s.
	{"duration", `{{ define "duration" }}{{ . | humanizeDuration | reReplaceAll "( 0[hms])+$" "" }}{{ end -}}`},
	{"duration_ko", `{{ define "duration_ko" }}{{ . | humanizeDuration | reReplaceAll "( 0[hms])+$" "" ` +
		`| reReplaceAll "d" "일" | reReplaceAll "h" "시간" | reReplaceAll "m" "분" | reReplaceAll "s" "초" }}{{ end -}}`},
}

// reasonKo is a template that says a sample's reason as the status page does. A reason that this version does not know stays as it is.
func reasonKo() string {
	var b strings.Builder
	branch := "if"
	for _, reason := range hub.Reasons() {
		fmt.Fprintf(&b, "{{ %s eq .Labels.reason %q }}%s", branch, reason, advice.Problem(&hub.Error{Reason: reason}).Korean)
		branch = "else if"
	}
	return b.String() + "{{ else }}{{ .Labels.reason }}{{ end }}"
}

func withDefinitions(text string) string {
	var b strings.Builder
	for _, d := range definitions {
		if strings.Contains(text, `{{ template "`+d.name+`"`) {
			b.WriteString(d.template)
		}
	}
	return b.String() + text
}

// Pieces of text that stand in several alerts.
const (
	merchant   = `{{ $labels.merchant }}`
	target     = `{{ $labels.instance }} (job {{ $labels.job }})`
	value      = `{{ template "won" (printf "%.0f" $value) }}`
	severityKo = `{{ template "severity_ko" $labels.severity }}`
	duration   = `{{ template "duration" $value }}`
	durationKo = `{{ template "duration_ko" $value }}`
)

// The figures that an alert's value is not, of the exporter that heard from the hub last.
var (
	remain          = figure("payple_transfer_remain_amount")
	account         = figure("total_account_amt")
	transferred     = figure("total_transfer_amt")
	lastRemain      = won(`min(last_over_time(payple_transfer_remain_amount{merchant=%q}[1d]))`, "merchant")
	accountBefore   = won(`max(last_over_time(total_account_amt{merchant=%q}[6h] offset 5m))`, "merchant")
	amountThreshold = won(`max(last_over_time(payple_transfer_threshold_amount{merchant=%q,severity=%q}[5m]))`, "merchant", "severity")
	ratioThreshold  = ask(`max(last_over_time(payple_transfer_threshold_ratio{merchant=%q,severity=%q}[5m]))`,
		`{{ . | first | value | humanizePercentage }}`, "merchant", "severity")
	runwayThreshold = ask(`max(last_over_time(payple_transfer_threshold_runway_seconds{merchant=%q,severity=%q}[5m]))`,
		`{{ template "duration" (. | first | value) }}`, "merchant", "severity")
	runwayThresholdKo = ask(`max(last_over_time(payple_transfer_threshold_runway_seconds{merchant=%q,severity=%q}[5m]))`,
		`{{ template "duration_ko" (. | first | value) }}`, "merchant", "severity")
	needThreshold = ask(`max(last_over_time(payple_transfer_threshold_need_ratio{merchant=%q,severity=%q}[5m]))`, `{{ . | first | value }}`, "merchant", "severity")
	// paid and contact are sentences where there is anything to say, and nothing where not.
	paid      = `{{ with query (printf "max(increase(payple_transfer_outflow_won_total{merchant=%q}[1d])) >= 1" $labels.merchant) }} It paid out {{ template "won" (. | first | value | printf "%.0f") }} in the last day.{{ end }}`
	paidKo    = `{{ with query (printf "max(increase(payple_transfer_outflow_won_total{merchant=%q}[1d])) >= 1" $labels.merchant) }} 최근 24시간 동안 {{ template "won" (. | first | value | printf "%.0f") }}을 지급했습니다.{{ end }}`
	contact   = `{{ with query (printf "last_over_time(payple_merchant_contact_info{merchant=%q}[1d])" $labels.merchant) }} Contact: {{ . | first | label "contact" }}.{{ end }}`
	contactKo = `{{ with query (printf "last_over_time(payple_merchant_contact_info{merchant=%q}[1d])" $labels.merchant) }} 연락처: {{ . | first | label "contact" }}.{{ end }}`
	// merchantsOfHub is how many merchants a hub has, and hubReasons why how many of them fail.
	merchantsOfHub = ask(`count(group by (merchant) (last_over_time(payple_merchant_info{hub=%q}[5m])))`, `{{ . | first | value }}`, "hub")
	hubReasons     = `{{ with query (printf "count by (reason) (payple_failure == 1 and on (merchant) payple_merchant_info{hub=%q})" $labels.hub) }} Reason: {{ range $i, $s := sortByLabel "reason" . }}{{ if $i }}, {{ end }}{{ .Labels.reason }} ({{ .Value }}){{ end }}.{{ end }}`
	hubReasonsKo   = strings.Replace(hubReasons, "Reason:", "사유:", 1)
	reasons        = `{{ with query (printf "payple_failure{merchant=%q} == 1" $labels.merchant) }} Reason: {{ template "reasons" . }}.{{ end }}`
	reasonsKo      = `{{ with query (printf "payple_failure{merchant=%q} == 1" $labels.merchant) }} 사유: {{ template "reasons_ko" . }}.{{ end }}`
	ownReasons     = `{{ with query (printf "payple_failure{merchant=%q,job=%q,instance=%q} == 1" $labels.merchant $labels.job $labels.instance) }} Reason: {{ template "reasons" . }}.{{ end }}`
	probed         = `{{ with query (printf "count(up{job=%q,instance=%q,merchant!=\"\"} == 0)" $labels.job $labels.instance) }} {{ . | first | value }} merchants are probed there.{{ end }}`
	probedKo       = `{{ with query (printf "count(up{job=%q,instance=%q,merchant!=\"\"} == 0)" $labels.job $labels.instance) }} 해당 exporter가 조회하는 가맹점은 {{ . | first | value }}곳입니다.{{ end }}`
	ownReasonsKo   = `{{ with query (printf "payple_failure{merchant=%q,job=%q,instance=%q} == 1" $labels.merchant $labels.job $labels.instance) }} 사유: {{ template "reasons_ko" . }}.{{ end }}`
)

// figure is what the exporter that heard from the hub last says of the merchant, as [freshest] picks it.
func figure(metric string) string {
	const heard = `last_over_time(payple_last_success_timestamp_seconds{merchant=%q}[5m])`
	return won(`min(last_over_time(`+metric+`{merchant=%q}[5m]) and on (job, instance) (`+heard+` >= scalar(max(`+heard+`))))`, "merchant", "merchant", "merchant")
}

// won is a template for the amount that a query answers. The query's %q are filled with the alert's labels.
func won(query string, labels ...string) string {
	return ask(query, `{{ template "won" (. | first | value | printf "%.0f") }}`, labels...)
}

// ask is a template that shows a query's answer. Without an answer it says "?", because a template that fails takes the whole text with it.
func ask(query, show string, labels ...string) string {
	arguments := make([]string, len(labels))
	for i, l := range labels {
		arguments[i] = "$labels." + l
	}
	return `{{ with query (printf ` + "`" + query + "` " + strings.Join(arguments, " ") + `) }}` + show + `{{ else }}?{{ end }}`
}

// runbookURL is the runbook on an exporter's own pages: of one that is there before one that is remembered. Where no --web.external-url says
// how people reach one, it is what `export --runbook-url` puts before the end, or nothing: no link rather than one that leads nowhere.
func runbookURL(alert string) string {
	return `{{ with query "topk(1, payple_exporter_web_info or 0 * last_over_time(payple_exporter_web_info[` + memory + `]))" }}` +
		`{{ . | first | label "external_url" }}/runbooks/` + alert + `{{ end }}`
}
