package rules

// memory is how far back a figure or a merchant that is gone is remembered: long enough for a night without the hub. That a target was an
// exporter is remembered for a week: there are few of them.
const memory = "1d"

// What was known a moment ago is known: a scrape that is missed changes nothing, and every condition looks at the last five minutes.
const (
	known  = `last_over_time(payple_transfer_remain_amount[5m])`
	listed = `last_over_time(payple_merchant_info[5m])`
)

// freshest picks, of several exporters that report the same merchant, the figure of the one whose last success is the latest. Neither the
// smaller nor the larger would be right: the smaller pages after a top-up that only the other has seen, the larger hides a drain. Only those
// that still show a figure compete; equally fresh ones are settled by the smaller figure.
func freshest(figure string) string {
	return `min by (merchant) (
  ` + figure + `
  and on (merchant, job, instance) (
    last_over_time(payple_last_success_timestamp_seconds[5m]) >= on (merchant) group_left ()
    max by (merchant) (last_over_time(payple_last_success_timestamp_seconds[5m]) and on (merchant, job, instance) ` + known + `)
  )
)`
}

// held is what remains, and where it has not risen by a tenth since, the least of the last six hours: what goes up and down about a
// threshold stays below it.
var held = freshest(`max by (merchant, job, instance) (
    label_replace(` + known + ` / 1.1, "of", "now", "", "")
    or min_over_time(payple_transfer_remain_amount[6h])
  )`)

// last is the last figure of a day, of several exporters the smaller one.
const last = `min by (merchant) (last_over_time(payple_transfer_remain_amount[` + memory + `]))`

// threshold is what is configured; of differently configured exporters the more cautious one counts.
func threshold(kind string) string {
	return `max by (merchant, severity) (last_over_time(payple_transfer_threshold_` + kind + `[5m]))`
}

// thresholdOf is the threshold of an exporter that may be dead.
func thresholdOf(kind string) string {
	return `max by (merchant, severity) (last_over_time(payple_transfer_threshold_` + kind + `[4h]))`
}

// another are merchants that had more than one account (cst_id and hub), now or at times ago: what was paid out then is not one sum.
func another(ago string) string {
	return `count by (merchant) (group by (merchant, cst_id, hub) (` + listed + ` or ` + ago + `)) > 1`
}

// outflowOfDay is won a day, net of what comes in. A batch may come up to two hours earlier or later than the day before: of windows that are
// shorter than a day by that much the fullest one of the last four hours counts, and for what comes in one that is longer.
var outflowOfDay = `(
    max by (merchant) (max_over_time(increase(payple_transfer_outflow_won_total[22h:1h])[4h:1h])) * 24 / 22
    - on (merchant) max by (merchant) (increase(payple_transfer_inflow_won_total[26h:2h])) * 24 / 26
    unless on (merchant) ` + another(`last_over_time(payple_merchant_info[32h:4h])`) + `
  )`

// outflowOfHour is won a day as of the last hour and a half, net of what comes in: the least of three half hours in a row, so that one batch
// counts for nothing, and batches that come each half hour count in full. What comes in counts by the same time, or by the lesser of two four
// hours in a row, so that a robot's top-ups count, and one by hand does not for long.
var outflowOfHour = `(
    24 * min by (merchant) (max by (merchant, of) (
      label_replace(increase(payple_transfer_outflow_won_total[35m]), "of", "now", "", "")
      or label_replace(increase(payple_transfer_outflow_won_total[35m] offset 30m), "of", "30m", "", "")
      or label_replace(increase(payple_transfer_outflow_won_total[35m] offset 1h), "of", "1h", "", "")
    )) * 60 / 35
    - on (merchant) 24 * max by (merchant) (
      label_replace(increase(payple_transfer_inflow_won_total[95m]) * 60 / 95, "of", "now", "", "")
      or min by (merchant) (max by (merchant, of) (
        label_replace(increase(payple_transfer_inflow_won_total[245m]), "of", "now", "", "")
        or label_replace(increase(payple_transfer_inflow_won_total[245m] offset 4h), "of", "4h", "", "")
      )) * 60 / 245
    )
    and on (merchant) increase(payple_transfer_outflow_won_total[35m] offset 1h)
    unless on (merchant) ` + another(`last_over_time(payple_merchant_info[2h])`) + `
  )`

// outflowOfHourThen is the same as of when a figure was last had, up to four hours ago.
var outflowOfHourThen = `max by (merchant) (last_over_time((
      min_over_time(increase(payple_transfer_outflow_won_total[35m])[90m:30m]) * 1440 / 35
      - increase(payple_transfer_inflow_won_total[245m:35m]) * 1440 / 245
      and on (merchant, job, instance) payple_transfer_remain_amount
    )[4h:30m]))`

// outflow is won a day as each runway threshold judges it: one of half a day or more by the last day, a shorter one by the last hour as well.
var outflow = `max by (merchant, severity) (
  0 * ` + threshold("runway_seconds") + ` + on (merchant) group_left () ` + outflowOfDay + `
  or label_replace(0 * (` + threshold("runway_seconds") + ` < 43200) + on (merchant) group_left () ` + outflowOfHour + `, "of", "hour", "", "")
)`

// need is the won by which the limit fell at most in the coming 24 hours of last week: the least of the days that began up to 45 minutes
// earlier or later than then, so that payouts and top-ups may do so, too.
var need = `(
  min_over_time((
    min by (merchant) (payple_transfer_remain_amount offset 6d23h15m)
    - min by (merchant) (min_over_time(payple_transfer_remain_amount[1d:15m] offset 5d23h15m))
  )[90m:15m])
  unless on (merchant) ` + another(`payple_merchant_info offset 6d or payple_merchant_info offset 7d`) + `
)`

// closed is where a hub has said for less than three hours that it is closed now, and no exporter fails for another reason.
const closed = `(
  last_over_time(payple_failure{reason="closed"}[5m])
  unless on (merchant) (last_over_time(payple_failure{reason="closed"}[5m] offset 3h) or last_over_time(payple_failure{reason!="closed"}[5m]))
)`

// exporters are the targets that were exporters within a week, and those of probes within a day.
const exporters = `(last_over_time(payple_exporter_build_info[1w]) or on (job, instance) last_over_time(payple_min_interval_seconds[` + memory + `]))`

// down are those that cannot be scraped, and any other target of a job that holds exporters and nothing else. In a job that is shared with
// other software, such as one for all pods, the other pods are nobody's business here. One that answered now and then before is down only when it
// has not for a quarter of an hour; until then it flaps.
const down = `max by (job, instance) (up) == 0
unless on (job, instance) (avg by (job, instance) (avg_over_time(up[1h] offset 15m)) < 0.8 and on (job, instance) max_over_time(up[15m]) == 1)
and on (job, instance) (
  ` + exporters + `
  or on (job, instance) (up and on (job) ` + exporters + ` unless on (job) (up == 1 unless on (job, instance) (last_over_time(payple_exporter_build_info[5m]) or on (job, instance) last_over_time(payple_min_interval_seconds[5m]))))
)`

// probedInVain are merchants with a target of their own that fails, of an exporter that answers for others, or that had an answer before.
const probedInVain = `(
    up{merchant!=""} == 0
    and on (merchant, job, instance) (up and on (job, instance) ` + listed + ` or up and on (merchant, job) last_over_time(payple_merchant_info[` + memory + `]))
  )`

// asked is when a merchant was to be asked next: of one that is gone the time at which it went, within the longest backoff.
const asked = `max by (merchant, job, instance) (last_over_time(payple_next_query_timestamp_seconds[` + memory + `]))`

// remembered are the merchants of exporters that are gone. Not one that was taken out of the configuration before, while its exporter went
// on asking for others; nor those of an exporter that was replaced: one that began later than an hour before its end, of any job, lists
// another of its accounts. Where merchants are probed one by one, those that are no longer probed while others still are were taken away.
const remembered = `(
    ` + asked + ` >= on (job, instance) group_left () max by (job, instance) (` + asked + `) - 400
    unless on (merchant) ` + listed + `
    unless on (job, instance) ` + listed + `
    unless on (job, instance) ((
      max by (cst_id, hub, job, instance) (last_over_time(payple_merchant_info[` + memory + `]) * on (merchant, job, instance) group_left () ` + asked + `) - 3600
      < on (cst_id, hub) group_left ()
      max by (cst_id, hub) (` + listed + ` * on (merchant, job, instance) group_left ()
        max by (merchant, job, instance) (min_over_time(payple_next_query_timestamp_seconds[` + memory + `])))
      or on (job, instance) (` + asked + ` and on (job) ` + listed + ` unless on (job) last_over_time(payple_exporter_build_info[` + memory + `]))
    ) unless on (job, instance) up)
  )`

func alerts() []Rule {
	return []Rule{
		{
			Alert: "PaypleTransferLimitExhausted",
			Expr:  freshest(known) + ` <= 0`,
			For:   "1m", KeepFiringFor: "15m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: nothing left to pay out (` + value + `)`,
				Description: `Merchant ` + merchant + ` may pay out ` + value + ` (account total ` + account + `, paid out ` + transferred + `). ` +
					`Expect Payple to refuse payouts until the limit rises.` + paid + contact,
				SummaryKo: merchant + `: 지급이체 한도 소진(잔여 ` + value + `)`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액(이체 가능 잔액)이 ` + value + `입니다(누적 정산금액 ` + account + `, 누적 이체금액 ` + transferred + `). ` +
					`한도가 늘어날 때까지 지급이체가 거부될 수 있습니다. 정산 담당자에게 알리고, 미룰 수 있는 지급은 보류한 뒤 한도 확보 방법을 페이플에 문의하세요.` + paidKo + contactKo,
			},
		},
		{
			Alert: "PaypleTransferLimitLow",
			Why:   "Fires below the threshold, and ends above 1.1 times of it, or six hours after it was below.",
			Expr:  held + ` < on (merchant) group_right () ` + threshold("amount"),
			For:   "2m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: ` + remain + ` left to pay out, {{ $labels.severity }} threshold ` + amountThreshold,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + `. Its {{ $labels.severity }} threshold is ` + amountThreshold +
					`, and within the last six hours it has been under it. At ₩0 payouts stop.` + paid + contact,
				SummaryKo: merchant + `: 한도 잔여 ` + remain + `(` + severity + ` 기준 ` + amountThreshold + `)`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액은 ` + remain + `이며, 최근 6시간 안에 ` + severity + ` 기준인 ` + amountThreshold +
					`보다 적었습니다. 0원이 되면 지급이 중단됩니다. 예정된 지급액과 비교해 한도를 미리 확보하세요.` + paidKo + contactKo,
			},
		},
		{
			Alert: "PaypleTransferLimitRatioLow",
			Why:   "Without a total there is no share of it: no division by zero.",
			Expr: held + ` / on (merchant) (` + freshest("last_over_time(total_account_amt[5m])") + ` > 0)
< on (merchant) group_right () ` + threshold("ratio"),
			For: "5m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: ` + remain + ` of ` + account + ` left to pay out, {{ $labels.severity }} threshold ` + ratioThreshold,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + ` of ` + account + `. Its {{ $labels.severity }} threshold is ` +
					ratioThreshold + ` of the total, and within the last six hours it has been under it.` + paid + contact,
				SummaryKo: merchant + `: 한도 잔여 ` + ratioLeft + `(` + remain + `, ` + severity + ` 기준 ` + ratioThreshold + `)`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액은 ` + remain + `(누적 정산금액 ` + account + `의 ` + ratioLeft + `)이며, 최근 6시간 안에 ` +
					severity + ` 기준인 ` + ratioThreshold + `보다 낮았습니다. 금액과 예상 소진 시간도 함께 확인하고, 부족하면 한도를 미리 확보하세요.` + paidKo + contactKo,
			},
		},
		{
			Alert: "PaypleTransferRunwayShort",
			Why: `A threshold of a day is judged by the day's outflow, one of less than half a day by the last hour's as well. What another account
				of the same name has paid out does not count. Absent while nothing flows out: no division by zero.`,
			Expr: `floor(86400 * clamp_min(` + held + `, 0)
/ on (merchant) group_right () (` + outflow + ` > 0))
< on (merchant, severity) ` + threshold("runway_seconds"),
			For: "10m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: the limit lasts ` + duration + ` at the present pace`,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + `. As it has paid out of late, net of what came in, that lasts ` +
					duration + `: less than its {{ $labels.severity }} threshold of ` + runwayThreshold + `.` + paid + contact,
				SummaryKo: merchant + `: 약 ` + duration + ` 뒤 한도 소진 예상`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액은 ` + remain + `이며, 최근 지급 속도(들어온 금액을 뺀 순지급액)로는 약 ` + duration + ` 뒤 소진될 것으로 예상됩니다(` +
					severity + ` 기준 ` + runwayThreshold + `). 의도한 지급인지(중복 실행 여부) 먼저 확인하고, 맞다면 그 전에 한도를 확보하세요.` + paidKo + contactKo,
			},
		},
		{
			Alert: "PaypleTransferLimitShortOfNeed",
			Why: `What remains is less than so many times what the coming 24 hours took last week: a top-up that has not come is told of before the batch
				that needs it. Silent in the first week, and where another account had the name then.`,
			Expr: threshold("need_ratio") + ` * on (merchant) group_left () ` + need + `
> on (merchant) group_left () ` + freshest(known),
			For: "5m", KeepFiringFor: "1h",
			Text: Text{
				Summary: merchant + `: ` + remain + ` left to pay out, and the coming 24 hours need ` + value + `, going by last week`,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + `. In the same 24 hours of last week its limit fell so far that ` + value +
					` are needed (its {{ $labels.severity }} threshold is ` + needThreshold + ` times the fall). Has a top-up that came last week not come?` + paid + contact,
				SummaryKo: merchant + `: 한도 잔여 ` + remain + `(24시간 필요 ` + value + `)`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액은 ` + remain + `입니다. 지난주 같은 시간대의 감소액으로 보면 앞으로 24시간 동안 ` +
					value + `이 필요합니다(` + severity + ` 기준: 감소액의 ` + needThreshold + `배). 지난주에 있었던 한도 확보가 이번 주에도 진행되고 있는지 확인하세요.` + paidKo + contactKo,
			},
		},
		{
			Alert: "PaypleTransferLimitUnknown",
			Why: `Configured, and no figure: never obtained, or dropped because it is too old. Or remembered of an exporter whose target is gone: of one
				that is down PaypleExporterDown tells. Or wanted of an exporter that answers for other merchants alone. A hub that is closed at
				night is not told of before it has been so for three hours.`,
			Expr: `
group by (merchant, hub) (
  ` + listed + `
  or on (merchant) ` + probedInVain + `
  or on (merchant) (` + remembered + ` unless on (job, instance) up == 0)
)
unless on (merchant) ` + known + `
unless on (merchant) ` + closed,
			For: "10m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: nobody knows how much may still be paid out`,
				Description: `No exporter has a figure for merchant ` + merchant + `: it may be plenty, it may be nothing.` + reasons +
					` Ask Payple for the remaining limit until this is mended.` + contact,
				SummaryKo: merchant + `: 한도 잔여금액 확인 불가`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 잔여금액(이체 가능 잔액)이 10분 넘게 조회되지 않아 지급 가능 여부를 확인할 수 없습니다.` + reasonsKo +
					` 복구될 때까지 한도 잔여금액을 페이플에 직접 확인하세요.` + contactKo,
			},
		},
		{
			Alert: "PaypleTransferLimitLostWhileLow",
			Why: `Remembers for a day, through a dead hub as through a dead exporter, whether its target stays or not. It ends when a figure is back, or
				when the merchant is configured no more. Kept for five minutes, until the alerts about the figure that is back have had their own
				time.`,
			Expr: last + `
< on (merchant) max by (merchant) (
  group by (merchant) (last_over_time(payple_transfer_remain_amount[` + memory + `]))
  or label_replace(` + thresholdOf("amount") + `, "of", "amount", "", "")
  or label_replace(` + thresholdOf("ratio") + ` * on (merchant) group_left () max by (merchant) (last_over_time(total_account_amt[` + memory + `])), "of", "ratio", "", "")
  or label_replace(` + thresholdOf("runway_seconds") + ` / 86400 * on (merchant) group_left () ` + outflowOfDay + `, "of", "day", "", "")
  or label_replace((` + thresholdOf("runway_seconds") + ` < 43200) / 86400 * on (merchant) group_left () ` + outflowOfHourThen + `, "of", "hour", "", "")
  or label_replace(` + thresholdOf("need_ratio") + ` * on (merchant) group_left () ` + need + `, "of", "need", "", "")
)
unless on (merchant) ` + known + `
and on (merchant) (` + listed + ` or on (merchant) ` + probedInVain + ` or on (merchant) ` + remembered + `)`,
			For: "2m", KeepFiringFor: "5m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: the limit was low (` + lastRemain + `), and now it is unknown`,
				Description: `Merchant ` + merchant + ` was under a threshold with ` + lastRemain +
					` left when a figure was last had. There is none now, so it may be exhausted.` + reasons + ` Ask Payple for the remaining limit.` + contact,
				SummaryKo: merchant + `: 한도 부족 중 조회 끊김(마지막 ` + lastRemain + `)`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 마지막 조회값은 ` + lastRemain + `으로 이미 기준 미만이었습니다. 지금은 조회되지 않으며, 그사이 소진되었을 수 있습니다.` +
					reasonsKo + ` 조회가 복구되기를 기다리지 말고, 한도 잔여금액을 페이플에 직접 확인하세요.` + contactKo,
			},
		},
		{
			Alert: "PaypleCredentialsRejected",
			Expr:  `max by (merchant, reason, job, instance) (last_over_time(payple_failure{reason=~"auth|ip_not_allowed"}[2m])) > 0`,
			For:   "5m", KeepFiringFor: "10m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: {{ if eq $labels.reason "auth" }}access is refused to{{ else }}Payple refuses the IP address of{{ end }} ` + target,
				Description: `{{ if eq $labels.reason "auth" }}Queries for merchant ` + merchant +
					` are refused. Where the page or the log says HTTP 403, check first whether a firewall, a proxy or Payple's address list refuses them;` +
					` then check cst_id and custKey, and that both belong to the hub in use (test or real).` +
					`{{ else }}The egress IP address of ` + target + ` is not registered for merchant ` + merchant +
					`: have Payple register it, or send the queries through an address that is.{{ end }} This does not heal by itself.`,
				SummaryKo: merchant + `: {{ if eq $labels.reason "auth" }}조회 거부{{ else }}페이플이 IP 주소 거부{{ end }}(` + instance + `)`,
				DescriptionKo: `{{ if eq $labels.reason "auth" }}` + targetKo + `에서 보낸 파트너 계정 ` + merchant +
					`의 조회가 거부되었습니다. 상태 페이지나 로그에 HTTP 403이 있으면 방화벽, 프록시, 페이플의 White IP를 먼저 확인하세요.` +
					` 그다음 cst_id와 인증키(custKey)가 맞는지, 접속한 허브(테스트 또는 운영)용인지 확인하세요.` +
					`{{ else }}` + targetKo + `에서 외부로 나가는 IP 주소(공인 IP)가 파트너 계정 ` + merchant +
					`의 White IP로 등록되어 있지 않습니다. 그 IP 주소를 등록해 달라고 페이플에 요청하거나, 등록된 IP 주소를 거쳐 조회하세요.{{ end }} 자동으로 복구되지 않습니다.`,
			},
		},
		{
			Alert: "PaypleQueryFailing",
			Expr: `
max by (merchant, hub, job, instance) (` + listed + `)
* on (merchant, job, instance) group_left ()
(max by (merchant, job, instance) (last_over_time(payple_up[5m])) == 0)
unless on (merchant) ` + closed,
			For: "10m", Severity: "warning",
			Text: Text{
				Summary: merchant + `: queries from ` + target + ` fail`,
				Description: `No query for merchant ` + merchant + ` from ` + target + ` has succeeded for 10 minutes.` + ownReasons +
					` Another exporter of the same merchant may still have a figure.`,
				SummaryKo: merchant + `: 한도 조회 계속 실패(` + instance + `)`,
				DescriptionKo: targetKo + `에서 파트너 계정 ` + merchant + `의 한도 조회가 10분 동안 한 번도 성공하지 못했습니다.` + ownReasonsKo +
					` 사유에 따라 조치하세요. 같은 파트너 계정을 조회하는 다른 exporter의 값은 정상일 수 있습니다.`,
			},
		},
		{
			Alert: "PaypleDataStale",
			Why: `The last resort, should an exporter serve old figures as if they were new. A figure may rightly be as old as either setting of the
				exporters that report the merchant, whichever is longer: max-age, or min-interval, for as long as nobody asks again. A max-age of 0
				means that nothing is kept, not that everything is stale: five minutes are the least that counts, which is also how rarely
				Prometheus can scrape a series without losing it.`,
			Expr: `
max by (merchant, hub) (` + listed + `)
* on (merchant) group_left () (
  time() - max by (merchant) (last_over_time(payple_last_success_timestamp_seconds[5m]))
  >
  3 * clamp_min(
    max by (merchant) (
      0 * last_over_time(payple_last_success_timestamp_seconds[5m])
      + on (job, instance) group_left ()
      max by (job, instance) (last_over_time({__name__=~"payple_max_age_seconds|payple_min_interval_seconds"}[5m]))
      or on (merchant) 0 * last_over_time(payple_last_success_timestamp_seconds[5m])
    ),
    300
  )
)
unless on (merchant) ` + closed,
			For: "1m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: the newest figure is ` + duration + ` old`,
				Description: `The last successful query for merchant ` + merchant +
					` was ` + duration + ` ago. Do not trust any figure of it; ask Payple for the remaining limit.` + contact,
				SummaryKo: merchant + `: 한도 정보 ` + duration + `째 갱신 안 됨`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 한도 조회가 마지막으로 성공한 것은 약 ` + duration + ` 전입니다. ` +
					`표시된 금액을 믿지 말고, 한도 잔여금액을 페이플에 직접 확인하세요.` + contactKo,
			},
		},
		{
			Alert: "PaypleExporterDown",
			Why:   `A target that was an exporter within the last week, or any target of a job that holds exporters and nothing else.`,
			Expr:  down,
			For:   "5m", Severity: "critical",
			Text: Text{
				Summary: `payple_exporter ` + target + ` is down`,
				Description: `Prometheus cannot scrape payple_exporter at ` + target +
					`. Unless another exporter reports the same merchants, nobody knows how much they may still pay out.` + probed,
				SummaryKo: `payple_exporter 응답 없음(` + instance + `)`,
				DescriptionKo: `Prometheus가 ` + targetKo + `의 payple_exporter에서 지표를 수집하지 못하고 있습니다. ` +
					`같은 파트너 계정을 조회하는 다른 exporter가 없다면 한도 잔여금액을 확인할 수 없습니다. exporter의 실행 상태와 네트워크를 확인하세요.` + probedKo,
			},
		},
		{
			Alert: "PaypleExporterAbsent",
			Why: `Every exporter lists a merchant. One that is asked for its own metrics alone tells nothing of any. Of one that is down
				PaypleExporterDown tells.`,
			Expr: `absent_over_time(payple_merchant_info[5m]) unless on () (up == 0 and on (job, instance) ` + exporters + `)`,
			For:  "5m", Severity: "critical",
			Text: Text{
				Summary: `No payple_exporter is scraped at all`,
				Description: `Prometheus has no data from any payple_exporter: nobody knows how much any merchant may still pay out. ` +
					`The exporter, its scrape job or its service discovery is gone.`,
				SummaryKo: `수집 중인 payple_exporter 없음`,
				DescriptionKo: `Prometheus에 payple_exporter의 지표가 전혀 없어 모든 파트너 계정의 한도 잔여금액을 확인할 수 없습니다. ` +
					`exporter, 수집 설정(job), 서비스 디스커버리를 확인하세요.`,
			},
		},
		{
			Alert: "PaypleHubFailing",
			Why: `Most merchants of a hub fail, of all exporters that ask for them: one page instead of one for each. It stands for Unknown, DataStale
				and QueryFailing, and tells before any of them.`,
			Expr: `
count by (hub) (
  group by (merchant, hub) (` + listed + `)
  unless on (merchant) (last_over_time(payple_up[5m]) == 1)
  unless on (merchant) ` + closed + `
) >= 5
>= on (hub)
0.5 * count by (hub) (group by (merchant, hub) (` + listed + `))`,
			For: "8m", KeepFiringFor: "10m", Severity: "critical",
			Text: Text{
				Summary: `{{ $value }} of ` + merchantsOfHub + ` merchants: no answer from the hub {{ $labels.hub }}`,
				Description: `No exporter gets an answer from the hub {{ $labels.hub }} for {{ $value }} of ` + merchantsOfHub + ` merchants.` + hubReasons +
					` Their figures are old or unknown: ask Payple whether the hub is in order, and for what remains where it matters.`,
				SummaryKo: `허브 {{ $labels.hub }}: 파트너 계정 ` + merchantsOfHub + `개 중 {{ $value }}개 조회 실패`,
				DescriptionKo: `허브 {{ $labels.hub }}에서 파트너 계정 ` + merchantsOfHub + `개 중 {{ $value }}개의 한도가 조회되지 않고 있습니다.` + hubReasonsKo +
					` 허브까지의 네트워크(프록시, 방화벽, DNS)에 이상이 없으면 허브가 정상인지 페이플에 문의하고, 중요한 파트너 계정의 한도 잔여금액은 직접 확인하세요.`,
			},
		},
		{
			Alert: "PaypleExporterFlapping",
			Why:   "Answers fewer than four of five scrapes, and is neither down nor was it once: everything is judged by what is left of it.",
			Expr: `
avg by (job, instance) (avg_over_time(up[15m])) < 0.8
and on (job, instance) resets(up[1h]) >= 3
and on (job, instance) ` + exporters + `
unless on (job, instance) (max by (job, instance) (max_over_time(up[15m])) == 0)`,
			For: "15m", KeepFiringFor: "1h", Severity: "warning",
			Text: Text{
				Summary:     `payple_exporter ` + target + ` answers only {{ $value | humanizePercentage }} of its scrapes`,
				Description: `Prometheus got an answer to {{ $value | humanizePercentage }} of its scrapes of ` + target + ` in the last 15 minutes. Figures come late, and alerts with them.`,
				SummaryKo:   `payple_exporter 응답률 {{ $value | humanizePercentage }}(` + instance + `)`,
				DescriptionKo: `최근 15분 동안 Prometheus가 ` + targetKo + `에서 지표를 수집한 비율은 {{ $value | humanizePercentage }}입니다. ` +
					`한도 정보와 알림이 늦어질 수 있습니다. exporter의 재시작 여부와 네트워크를 확인하세요.`,
			},
		},
		{
			Alert: "PaypleWatchdog",
			Why:   "Always fires: a dead man's switch. Whoever receives it raises the alarm when it stops.",
			Expr:  `vector(1)`,
			For:   "0m", Severity: "none",
			Text: Text{
				Summary:       `The way from Prometheus to the telephone works`,
				Description:   `This alert always fires. Let a service outside this installation page when it stops hearing of it.`,
				SummaryKo:     `알림 경로 점검 신호`,
				DescriptionKo: `Prometheus에서 알림 수신자까지의 경로가 정상임을 알리기 위해 항상 발생하는 알림입니다. 이 알림이 끊기면 외부 서비스가 온콜을 호출하도록 설정하세요.`,
			},
		},
		{
			Alert: "PaypleTransferLimitLowered",
			Why: `The account total is less than five minutes ago, or when it was last known before, up to six hours. Where the amount paid
				out fell as well, both totals began at zero again or a payout was reversed: not a cut. Where nothing had been paid out, it could
				not fall, and a cut looks like totals that begin again: not told. Nor is another account's total.`,
			Expr: `
min by (merchant) (
  last_over_time(total_account_amt[5m]) < last_over_time(total_account_amt[6h] offset 5m)
  and on (merchant, job, instance)
  (last_over_time(total_transfer_amt[5m]) >= (last_over_time(total_transfer_amt[6h] offset 5m) > 0))
  and on (merchant) payple_merchant_info
)
unless on (merchant) ` + another("last_over_time(payple_merchant_info[8h:2h])"),
			For: "0m", KeepFiringFor: "15m", Severity: "warning",
			Text: Text{
				Summary: merchant + `: the account total fell from ` + accountBefore + ` to ` + value,
				Description: `What the account of merchant ` + merchant + ` can draw on fell from ` + accountBefore + ` to ` + value +
					` without a restart of the totals. It may still pay out ` + remain + `. If nobody asked for this, ask Payple.` + contact,
				SummaryKo: merchant + `: 누적 정산금액 ` + value + `으로 감소`,
				DescriptionKo: `파트너 계정 ` + merchant + `의 누적 정산금액(지급이체 재원)이 ` + accountBefore + `에서 ` + value + `으로 줄었습니다. ` +
					`현재 한도 잔여금액은 ` + remain + `입니다. 합의된 변경이 아니라면 페이플에 문의하세요.` + contactKo,
			},
		},
		{
			Alert: "PaypleConfigReloadFailed",
			Expr:  `max by (job, instance) (last_over_time(payple_exporter_config_last_reload_successful[5m])) == 0`,
			For:   "5m", Severity: "warning",
			Text: Text{
				Summary: `payple_exporter ` + target + ` runs on an old configuration`,
				Description: `The last reload of the configuration of ` + target +
					` was refused; the previous one stays in force. The exporter's log names the file, the line and what to do.`,
				SummaryKo: `payple_exporter 설정 반영 실패(` + instance + `)`,
				DescriptionKo: targetKo + `에서 설정을 다시 불러오지 못해 이전 설정이 계속 적용되고 있습니다. ` +
					`고치기 전에 재시작하면 exporter가 시작되지 않습니다. exporter 로그에서 파일, 줄 번호, 조치 방법을 확인하세요.`,
			},
		},
	}
}
