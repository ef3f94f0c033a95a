package rules

import (
	"fmt"
	"strings"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
)

// Prometheus expands each annotation on its own, so whatever an annotation uses has to be defined in it. withDefinitions puts the
// definitions that a text uses in front of it; here they are written once, in both languages under one name.
var definitions = []struct{ name, english, korean string }{
	// won takes a whole number as text, puts a comma before the last ungrouped three digits, and calls itself until none is left. In Korean
	// it writes 원: telephones that speak EUC-KR have no ₩.
	{"won", fmt.Sprintf(grouped, `{{ reReplaceAll "^(-?)" "${1}₩" . }}`), fmt.Sprintf(grouped, `{{ . }}원`)},
	// reason is why queries fail, in Korean in words, as the page says it. One that this version does not know stays as it is.
	{"reason", `{{ . }}`, reasonKo()},
	// 심각 and 경고 are what Korean operators call critical and warning.
	{"severity", `{{ . }}`, `{{ if eq . "critical" }}심각{{ else }}경고{{ end }}`},
	// duration takes what humanizeDuration says and drops the units that are zero: 6h, not 6h 0m 0s.
	{
		"duration", `{{ reReplaceAll " 0[hms]" "" . }}`,
		`{{ reReplaceAll " 0[hms]" "" . | reReplaceAll "d" "일" | reReplaceAll "h" "시간" | reReplaceAll "m" "분" | reReplaceAll "s" "초" }}`,
	},
}

// grouped is what won does in both languages, with %s for a number that has its commas.
const grouped = `{{ if match "[0-9]{4}" . }}{{ template "won" (reReplaceAll "^(-?[0-9]+)([0-9]{3})" "$1,$2" .) }}{{ else }}%s{{ end }}`

func reasonKo() string {
	var b strings.Builder
	b.WriteString("{{ .")
	for _, reason := range hub.Reasons() {
		fmt.Fprintf(&b, ` | reReplaceAll "^%s$" %q`, reason, advice.Problem(&hub.Error{Reason: reason}).Korean)
	}
	return b.String() + " }}"
}

func withDefinitions(text string, korean bool) string {
	var b strings.Builder
	for _, d := range definitions {
		if strings.Contains(text, `{{ template "`+d.name+`"`) {
			template := d.english
			if korean {
				template = d.korean
			}
			fmt.Fprintf(&b, `{{ define %q }}%s{{ end -}}`, d.name, template)
		}
	}
	return b.String() + text
}

// Pieces of text that stand in several alerts, in both languages.
const (
	merchant = `{{ $labels.merchant }}`
	instance = `{{ $labels.instance }}`
	target   = instance + ` (job {{ $labels.job }})`
	targetKo = instance + `(job {{ $labels.job }})`
	value    = `{{ template "won" (printf "%.0f" $value) }}`
	severity = `{{ template "severity" $labels.severity }}`
	// duration leaves out seconds beside minutes: it changes with each evaluation.
	duration = `{{ template "duration" ($value | humanizeDuration | reReplaceAll " [0-9]+s$" "") }}`
)

// The figures that an alert's value is not, of the exporter that heard from the hub last.
var (
	remain      = won(figure("payple_transfer_remain_amount"), "merchant")
	account     = won(figure("total_account_amt"), "merchant")
	transferred = won(figure("total_transfer_amt"), "merchant")
	// ratioLeft is rounded down: a share below its threshold never reads as the threshold itself.
	ratioLeft       = ask(`floor(10000 * `+figure("payple_transfer_remain_amount")+` / `+figure("total_account_amt")+`) / 10000`, `{{ . | first | value | humanizePercentage }}`, "merchant")
	lastRemain      = won(`min(last_over_time(payple_transfer_remain_amount{merchant=%q}[1d]))`, "merchant")
	accountBefore   = won(`max(last_over_time(total_account_amt{merchant=%q}[6h] offset 5m))`, "merchant")
	amountThreshold = won(`max(last_over_time(payple_transfer_threshold_amount{merchant=%q,severity=%q}[5m]))`, "merchant", "severity")
	ratioThreshold  = ask(`max(last_over_time(payple_transfer_threshold_ratio{merchant=%q,severity=%q}[5m]))`,
		`{{ . | first | value | humanizePercentage }}`, "merchant", "severity")
	runwayThreshold = ask(`max(last_over_time(payple_transfer_threshold_runway_seconds{merchant=%q,severity=%q}[5m]))`,
		`{{ template "duration" (. | first | value | humanizeDuration) }}`, "merchant", "severity")
	needThreshold = ask(`max(last_over_time(payple_transfer_threshold_need_ratio{merchant=%q,severity=%q}[5m]))`, `{{ . | first | value }}`, "merchant", "severity")
	// merchantsOfHub is how many merchants a hub has.
	merchantsOfHub = ask(`count(group by (merchant) (last_over_time(payple_merchant_info{hub=%q}[5m])))`, `{{ . | first | value }}`, "hub")
)

// Sentences that are there where there is anything to say, and not where there is not; each begins with a blank. Those of hubReasons say how many merchants
// fail for each reason.
var (
	paid, paidKo = said(`max(increase(payple_transfer_outflow_won_total{merchant=%q}[1d])) >= 1`,
		` It paid out `+firstWon+` in the last day.`, ` 최근 24시간 지급액은 `+firstWon+`입니다.`, "merchant")
	contact, contactKo = said(`last_over_time(payple_merchant_contact_info{merchant=%q}[1d])`,
		` Contact: {{ . | first | label "contact" }}.`, ` 연락처: {{ . | first | label "contact" }}.`, "merchant")
	hubReasons, hubReasonsKo = said(`count by (reason) (payple_failure == 1 and on (merchant) payple_merchant_info{hub=%q})`,
		` Reason: `+fmt.Sprintf(listedReasons, ` ({{ .Value }})`)+`.`, ` 사유: `+fmt.Sprintf(listedReasons, `({{ .Value }}개)`)+`.`, "hub")
	reasons, reasonsKo = said(`payple_failure{merchant=%q} == 1`,
		` Reason: `+fmt.Sprintf(listedReasons, ofInstance)+`.`, ` 사유: `+fmt.Sprintf(listedReasons, ofInstanceKo)+`.`, "merchant")
	ownReasons, ownReasonsKo = said(`payple_failure{merchant=%q,job=%q,instance=%q} == 1`,
		` Reason: `+fmt.Sprintf(listedReasons, ofInstance)+`.`, ` 사유: `+fmt.Sprintf(listedReasons, ofInstanceKo)+`.`, "merchant", "job", "instance")
	probed, probedKo = said(`count(up{job=%q,instance=%q,merchant!=""} == 0)`,
		` {{ . | first | value }} merchants are probed there.`, ` 이 exporter가 조회하는 파트너 계정은 {{ . | first | value }}개입니다.`, "job", "instance")
)

const (
	firstWon = `{{ template "won" (. | first | value | printf "%.0f") }}`
	// listedReasons lists samples of payple_failure, in a fixed order, with %s for what is said of each besides.
	listedReasons = `{{ range $i, $s := sortByLabel "instance" (sortByLabel "reason" .) }}{{ if $i }}, {{ end }}{{ template "reason" .Labels.reason }}%s{{ end }}`
	ofInstance    = ` ({{ .Labels.instance }})`
	ofInstanceKo  = `({{ .Labels.instance }})`
)

// figure is a query for what the exporter that heard from the hub last says of the merchant, as [freshest] picks it.
func figure(metric string) string {
	const heard = `last_over_time(payple_last_success_timestamp_seconds{merchant=%[1]q}[5m])`
	return `min(last_over_time(` + metric + `{merchant=%[1]q}[5m]) and on (job, instance) (` + heard + ` >= scalar(max(` + heard + `))))`
}

// won is a template for the amount that a query answers. The query's %q are filled with the alert's labels.
func won(query string, labels ...string) string { return ask(query, firstWon, labels...) }

// ask is a template that shows a query's answer. Without an answer it says "?", because a template that fails takes the whole text with it.
func ask(query, show string, labels ...string) string {
	return with(query, show+`{{ else }}?`, labels...)
}

// said are templates for a sentence about a query's answer, in English and in Korean.
func said(query, english, korean string, labels ...string) (inEnglish, inKorean string) {
	return with(query, english, labels...), with(query, korean, labels...)
}

func with(query, show string, labels ...string) string {
	return "{{ with query (printf `" + query + "` $labels." + strings.Join(labels, " $labels.") + `) }}` + show + `{{ end }}`
}

// runbookURL is the runbook on an exporter's own pages: of one that is there before one that is remembered. Where no --web.external-url says
// how people reach one, it is what `export --runbook-url` puts before the end, or nothing: no link rather than one that leads nowhere.
func runbookURL(alert string) string {
	return `{{ with query "topk(1, payple_exporter_web_info or 0 * last_over_time(payple_exporter_web_info[` + memory + `]))" }}` +
		`{{ . | first | label "external_url" }}/runbooks/` + alert + `{{ end }}`
}
