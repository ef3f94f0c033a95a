package rules

// memory is how far back a figure that is gone is remembered: long enough for a night without the hub, short enough for any retention.
const memory = "1d"

// Conditions under which a merchant is low, each also part of payple:transfer_low.
const (
	exhausted = `payple:transfer_remain_amount <= 0`
	low       = `payple:transfer_remain_amount < on (merchant) group_right () payple:transfer_threshold_amount`
	ratioLow  = `payple:transfer_remain_ratio < on (merchant) group_right () payple:transfer_threshold_ratio`
	runway    = `payple:transfer_runway_seconds < on (merchant) group_right () payple:transfer_threshold_runway_seconds`
)

// freshest picks, of several exporters that report the same merchant, the figure of the one whose last success is the latest.
func freshest(metric string) string {
	return `
min by (merchant) (
  ` + metric + `
  and on (merchant, job, instance) (
    payple_last_success_timestamp_seconds
    >= on (merchant) group_left ()
    payple:freshest_success_timestamp_seconds
  )
)`
}

// threshold merges what several exporters are configured with.
func threshold(metric string) string {
	return `max by (merchant, severity) (` + metric + `)`
}

func recordings() []Rule {
	return []Rule{
		{
			Record: "payple:freshest_success_timestamp_seconds",
			Why: `Two exporters may report one merchant, and one of them may be stuck with old figures. Neither the smaller nor the larger figure is
				right then: the smaller pages after a top-up that only the other has seen, the larger hides a drain. The freshest wins. Only
				exporters that still show a figure compete; equally fresh ones are settled by the smaller figure. (">=" below, because a scrape may
				land between the evaluation of this rule and of the next ones.)`,
			Expr: `
max by (merchant) (
  payple_last_success_timestamp_seconds
  and on (merchant, job, instance)
  payple_transfer_remain_amount
)`,
		},
		{Record: "payple:transfer_remain_amount", Expr: freshest("payple_transfer_remain_amount")},
		{Record: "payple:total_account_amt", Expr: freshest("total_account_amt")},
		{Record: "payple:total_transfer_amt", Expr: freshest("total_transfer_amt")},
		{
			Record: "payple:transfer_remain_ratio",
			Why:    "Without a total there is no share of it: no division by zero.",
			Expr:   `payple:transfer_remain_amount / (payple:total_account_amt > 0)`,
		},
		{
			Record: "payple:transfer_threshold_amount",
			Why:    "Where two exporters of a merchant are configured differently, the more cautious setting counts.",
			Expr:   threshold("payple_transfer_threshold_amount"),
		},
		{Record: "payple:transfer_threshold_ratio", Expr: threshold("payple_transfer_threshold_ratio")},
		{Record: "payple:transfer_threshold_runway_seconds", Expr: threshold("payple_transfer_threshold_runway_seconds")},
		{
			Record: "payple:merchant_reassigned",
			Why: `Merchants that have had another cst_id or hub within ten minutes: their figures are another account's, and to compare them with those
				from before would invent payouts and cuts. Ten minutes, since of a pair one exporter may learn of it later than the other.`,
			Expr: `
group by (merchant) (
  payple_merchant_info
  unless on (merchant, cst_id, hub)
  payple_merchant_info offset 10m
)
and on (merchant)
payple_merchant_info offset 10m`,
		},
		{
			Record: "payple:transfer_outflow_amount:increase1m",
			Why: `Won paid out in the last minute. A restart of the total, a reversal and a top-up add nothing; rate() would take the first two for
				a counter reset and add the whole total.`,
			Expr: `clamp_min(payple:total_transfer_amt - payple:total_transfer_amt offset 1m, 0)`,
		},
		{
			Record: "payple:transfer_outflow_amount:hourly20m",
			Why:    "Won an hour, by the last 20 minutes.",
			Expr:   `avg_over_time(payple:transfer_outflow_amount:increase1m[20m]) * 60`,
		},
		{
			Record: "payple:transfer_outflow_amount:hourly1h",
			Why: `Won an hour that the whole last hour kept up: its slowest 20 minutes. One batch payout is over sooner and counts for nothing here.
				Silent until there is an hour of data, of the same account: a rate taken from a few minutes would be invented.`,
			Expr: `
min_over_time(payple:transfer_outflow_amount:hourly20m[40m])
and
payple:transfer_outflow_amount:hourly20m offset 40m
unless
last_over_time(payple:merchant_reassigned[1h])`,
		},
		{
			Record: "payple:transfer_outflow_amount:hourly24h",
			Why:    "Won an hour over a day, batches included. Silent until there is most of a day of data, for the same reason.",
			Expr: `
avg_over_time(payple:transfer_outflow_amount:increase1m[24h]) * 60
and
last_over_time(payple:transfer_outflow_amount:increase1m[6h] offset 18h)
unless
last_over_time(payple:merchant_reassigned[24h])`,
		},
		{
			Record: "payple:transfer_outflow_amount:hourly",
			Why:    "The larger of the two.",
			Expr: `
(payple:transfer_outflow_amount:hourly1h > payple:transfer_outflow_amount:hourly24h)
or payple:transfer_outflow_amount:hourly24h
or payple:transfer_outflow_amount:hourly1h`,
		},
		{
			Record: "payple:transfer_runway_seconds",
			Why:    "How long what remains lasts. Absent while nothing flows out: no division by zero.",
			Expr: `
floor(
  3600 * clamp_min(payple:transfer_remain_amount, 0)
  / (payple:transfer_outflow_amount:hourly > 0)
)`,
		},
		{
			Record: "payple:transfer_low",
			Why:    "1 where what remains is under any threshold, 0 where it is not, absent where it is unknown.",
			Expr: `
group by (merchant) (
  ` + exhausted + `
  or
  ` + low + `
  or
  ` + ratioLow + `
  or
  ` + runway + `
)
or
payple:transfer_remain_amount * 0`,
		},
		{
			Record: "payple:merchant_unlisted",
			Why: `Merchants that an exporter listed within the last day and lists no more, unless payple:merchant_configured says that there was a
				good reason.`,
			Expr: `
last_over_time(payple:merchant_configured[` + memory + `]) == 1
unless on (merchant, cst_id, job, instance)
payple_merchant_info`,
		},
		{
			Record: "payple:merchant_configured",
			Why: `1: which exporter lists which merchant. 0, once: that an exporter lists a merchant no more is no loss, because
				somebody lists it: another exporter, or the same one under another cst_id;
				or the exporter answers;
				or merchants are probed there one by one, and this one is probed no more, while others are;
				or the exporter was replaced: one of its job that is not older than an hour lists another of its merchants.
				Unless a probe of the merchant fails: then it is still wanted.`,
			Expr: `
max by (merchant, cst_id, job, instance) (payple_merchant_info)
or
0 * (
  (
    payple:merchant_unlisted
    and on (merchant) payple_merchant_info
  )
  or
  (
    (
      (
        payple:merchant_unlisted
        and on (job, instance) payple_merchant_info
      )
      or
      (
        payple:merchant_unlisted
        unless on (job, instance) (up or last_over_time(payple_exporter_build_info[` + memory + `]))
        and on (job) payple_merchant_info
      )
      or
      (
        payple:merchant_unlisted
        and on (job, instance) (
          payple:merchant_unlisted
          and on (job, cst_id) (
            payple_merchant_info
            unless on (job, instance)
            payple_merchant_info offset 1h
          )
        )
      )
    )
    unless on (merchant, job) (up == 0)
  )
)`,
		},
		{
			Record: "payple:merchant_remembered",
			Why: `Merchants that no exporter lists, since the one that did is down or gone: for a day, so that one that was taken away for good
				does not page for ever.`,
			Expr: `payple:merchant_unlisted unless payple:merchant_configured`,
		},
	}
}

func alerts() []Rule {
	return []Rule{
		{
			Alert: "PaypleTransferLimitExhausted",
			Expr:  exhausted,
			For:   "1m", KeepFiringFor: "15m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: nothing left to pay out (` + value + `)`,
				Description: `Merchant ` + merchant + ` may pay out ` + value + ` (account total ` + account + `, paid out ` + transferred + `). ` +
					`Expect Payple to refuse payouts until the limit rises.`,
				SummaryKo: merchant + `: 지급이체 한도가 소진되었습니다 (한도 잔여금액 ` + value + `)`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 잔여금액이 ` + value + `입니다 (누적 정산금액 ` + account + `, 누적 이체금액 ` + transferred + `). ` +
					`한도가 늘어날 때까지 지급이체가 거부될 수 있으므로 즉시 조치해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleTransferLimitLow",
			Expr:  low,
			For:   "2m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: ` + value + ` left to pay out, less than ` + amountThreshold,
				Description: `Merchant ` + merchant + ` may still pay out ` + value + `, which is under its {{ $labels.severity }} threshold of ` +
					amountThreshold + `. At ₩0 payouts stop.`,
				SummaryKo: merchant + `: 한도 잔여금액 ` + value + `, ` + severityKo + ` 기준 ` + amountThreshold + ` 미만입니다`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 잔여금액이 ` + value + `이며, 설정된 ` + severityKo + ` 기준 금액 ` +
					amountThreshold + `보다 적습니다. 한도가 모두 소진되면 지급이체가 중단될 수 있으므로 미리 확인해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleTransferLimitRatioLow",
			Expr:  ratioLow,
			For:   "5m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: ` + percent + ` of the limit left (` + remain + `)`,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + ` of ` + account + `: ` + percent +
					`, which is under its {{ $labels.severity }} threshold of ` + ratioThreshold + `.`,
				SummaryKo: merchant + `: 지급이체 한도가 ` + percent + ` 남았습니다 (한도 잔여금액 ` + remain + `)`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 잔여금액은 누적 정산금액 ` + account + ` 중 ` + remain + `(` + percent + `)이며, 설정된 ` +
					severityKo + ` 기준 비율 ` + ratioThreshold + `보다 낮습니다.`,
			},
		},
		{
			Alert: "PaypleTransferRunwayShort",
			Expr:  runway,
			For:   "15m", KeepFiringFor: "15m",
			Text: Text{
				Summary: merchant + `: the limit lasts ` + duration + ` at the present pace`,
				Description: `Merchant ` + merchant + ` may still pay out ` + remain + ` and pays out ` + outflow +
					` an hour, so that it lasts ` + duration + `: less than its {{ $labels.severity }} threshold of ` + runwayThreshold + `.`,
				SummaryKo: merchant + `: 현재 지급 속도로는 한도가 ` + durationKo + ` 후 소진될 것으로 예상됩니다`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 잔여금액은 ` + remain + `이며, 시간당 ` + outflow +
					`이 지급되고 있습니다. 예상 소진 시간(` + durationKo + `)이 설정된 ` + severityKo + ` 기준(` +
					runwayThresholdKo + `)보다 짧습니다.`,
			},
		},
		{
			Alert: "PaypleTransferLimitUnknown",
			Why: `Configured, and no figure: never obtained, or dropped because it is too old. Or remembered of an exporter whose target is gone: of one
				that is down PaypleExporterDown tells. Or wanted of an exporter that answers for other merchants alone.`,
			Expr: `
max by (merchant) (
  payple_merchant_info
  or
  (payple:merchant_remembered unless on (job, instance) (max by (job, instance) (up) == 0))
  or
  (up{merchant!=""} == 0 and on (job, instance) payple_merchant_info)
)
unless
payple:transfer_remain_amount`,
			For: "10m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: nobody knows how much may still be paid out`,
				Description: `No exporter has a figure for merchant ` + merchant + `: it may be plenty, it may be nothing.` + reasons +
					` Ask Payple for the remaining limit until this is mended.`,
				SummaryKo: merchant + `: 한도 잔여금액을 확인할 수 없습니다`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 잔여금액이 조회되지 않고 있어 충분한지 부족한지 알 수 없습니다.` + reasonsKo +
					` 복구될 때까지 한도 잔여금액을 페이플에 직접 문의해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleTransferLimitLostWhileLow",
			Why: `Remembers for a day, through a dead hub as through a dead exporter, whether its target stays or not. It ends when a figure is back, or
				when the merchant is configured no more. Kept for five minutes, until the alerts about the figure that is back have had their own
				time.`,
			Expr: `
last_over_time(payple:transfer_low[` + memory + `]) == 1
and on (merchant) (payple_merchant_info or payple:merchant_remembered)
unless on (merchant) payple:transfer_remain_amount`,
			For: "2m", KeepFiringFor: "5m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: the limit was low (` + lastRemain + `), and now it is unknown`,
				Description: `Merchant ` + merchant + ` was under a threshold with ` + lastRemain +
					` left when a figure was last had. There is none now, so it may be exhausted.` + reasons + ` Ask Payple for the remaining limit.`,
				SummaryKo: merchant + `: 한도 부족 상태(` + lastRemain + `)에서 한도 잔여금액을 확인할 수 없게 되었습니다`,
				DescriptionKo: `가맹점 ` + merchant + `에서 마지막으로 확인된 한도 잔여금액은 기준 미만인 ` + lastRemain +
					`이었으며, 현재는 조회되지 않아 이미 소진되었을 수 있습니다.` + reasonsKo + ` 한도 잔여금액을 페이플에 직접 문의해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleCredentialsRejected",
			Expr:  `max by (merchant, reason, job, instance) (payple_failure{reason=~"auth|ip_not_allowed"}) > 0`,
			For:   "3m", KeepFiringFor: "10m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: {{ if eq $labels.reason "auth" }}access is refused to{{ else }}Payple refuses the IP address of{{ end }} ` + target,
				Description: `{{ if eq $labels.reason "auth" }}Queries for merchant ` + merchant +
					` are refused. Where the page or the log says HTTP 403, check first whether a firewall, a proxy or Payple's address list refuses them;` +
					` then check cst_id and custKey, and that both belong to the hub in use (test or real).` +
					`{{ else }}The egress IP address of ` + target + ` is not registered for merchant ` + merchant +
					`: have Payple register it, or send the queries through an address that is.{{ end }} This does not heal by itself.`,
				SummaryKo: merchant + `: {{ if eq $labels.reason "auth" }}접근이 거부되고 있습니다{{ else }}페이플에서 IP 주소를 거부하고 있습니다{{ end }} - ` + target,
				DescriptionKo: `{{ if eq $labels.reason "auth" }}가맹점 ` + merchant +
					`의 조회가 거부되었습니다. 상태 페이지나 로그에 HTTP 403이 있으면 방화벽, 프록시, 페이플의 White IP를 먼저 확인해 주시기 바랍니다.` +
					` 그다음 cst_id와 custKey, 그리고 접속 환경(테스트 또는 운영)을 확인해 주시기 바랍니다.` +
					`{{ else }}` + target + `에서 외부로 나가는 IP 주소가 가맹점 ` + merchant +
					`의 White IP로 등록되어 있지 않습니다. 페이플에 해당 IP 주소의 등록을 요청해 주시기 바랍니다.{{ end }} 자동으로 복구되지 않습니다.`,
			},
		},
		{
			Alert: "PaypleQueryFailing",
			Expr:  `max by (merchant, job, instance) (payple_up) == 0`,
			For:   "10m", Severity: "warning",
			Text: Text{
				Summary: merchant + `: queries from ` + target + ` fail`,
				Description: `No query for merchant ` + merchant + ` from ` + target + ` has succeeded for 10 minutes.` + ownReasons +
					` Another exporter of the same merchant may still have a figure.`,
				SummaryKo: merchant + `: 한도 조회가 실패하고 있습니다 - ` + target,
				DescriptionKo: target + `에서 가맹점 ` + merchant + `의 한도 조회가 10분 동안 한 번도 성공하지 못했습니다.` + ownReasonsKo +
					` 같은 가맹점을 조회하는 다른 exporter의 값은 정상일 수 있습니다.`,
			},
		},
		{
			Alert: "PaypleDataStale",
			Why: `The last resort, should an exporter serve old figures as if they were new. A figure may rightly be as old as either setting of the
				exporters that report the merchant, whichever is longer: max-age, or min-interval, for as long as nobody asks again. A max-age of 0
				means that nothing is kept, not that everything is stale: five minutes are the least that counts, which is also how rarely
				Prometheus can scrape a series without losing it.`,
			Expr: `
time() - max by (merchant) (payple_last_success_timestamp_seconds)
>
3 * clamp_min(
  max by (merchant) (
    0 * payple_last_success_timestamp_seconds
    + on (job, instance) group_left ()
    max by (job, instance) ({__name__=~"payple_max_age_seconds|payple_min_interval_seconds"})
    or
    0 * payple_last_success_timestamp_seconds
  ),
  300
)`,
			For: "1m", Severity: "critical",
			Text: Text{
				Summary: merchant + `: the newest figure is ` + duration + ` old`,
				Description: `The last successful query for merchant ` + merchant +
					` was ` + duration + ` ago. Do not trust any figure of it; ask Payple for the remaining limit.`,
				SummaryKo: merchant + `: 한도 정보가 ` + durationKo + ` 동안 갱신되지 않았습니다`,
				DescriptionKo: `가맹점 ` + merchant + `의 한도 조회가 마지막으로 성공한 것은 ` + durationKo + ` 전입니다. ` +
					`표시되는 금액을 신뢰하지 마시고, 한도 잔여금액을 페이플에 직접 문의해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleExporterDown",
			Why: `A target that was an exporter within the last day, or any target of a job that holds exporters and nothing else. In a job that is
				shared with other software, such as one for all pods, the other pods are not this alert's business. Where merchants are probed
				one by one, their targets have no build information, but merchants.`,
			Expr: `
max by (job, instance) (up) == 0
and on (job, instance) (
  last_over_time(payple_exporter_build_info[` + memory + `])
  or
  (
    up
    and on (job) last_over_time(payple_exporter_build_info[` + memory + `])
    unless on (job) (up == 1 unless on (job, instance) payple_exporter_build_info)
  )
  or
  last_over_time(payple_merchant_info[` + memory + `])
)`,
			For: "5m", Severity: "critical",
			Text: Text{
				Summary: `payple_exporter ` + target + ` is down`,
				Description: `Prometheus cannot scrape payple_exporter at ` + target +
					`. Unless another exporter reports the same merchants, nobody knows how much they may still pay out.` + probed,
				SummaryKo: `payple_exporter가 응답하지 않습니다 - ` + target,
				DescriptionKo: `Prometheus가 ` + target + `의 payple_exporter에서 지표를 수집하지 못하고 있습니다. ` +
					`같은 가맹점을 조회하는 다른 exporter가 없다면 한도 잔여금액을 알 수 없는 상태입니다.` + probedKo,
			},
		},
		{
			Alert: "PaypleExporterAbsent",
			Why:   "Every exporter lists a merchant. One that is asked for its own metrics alone tells nothing of any.",
			Expr:  `absent(payple_merchant_info)`,
			For:   "10m", Severity: "critical",
			Text: Text{
				Summary: `No payple_exporter is scraped at all`,
				Description: `Prometheus has no data from any payple_exporter: nobody knows how much any merchant may still pay out. ` +
					`The exporter, its scrape job or its service discovery is gone.`,
				SummaryKo: `Prometheus가 수집 중인 payple_exporter가 하나도 없습니다`,
				DescriptionKo: `Prometheus에 payple_exporter의 지표가 전혀 없어 모든 가맹점의 한도 잔여금액을 알 수 없습니다. ` +
					`exporter, 수집 설정(job), 서비스 디스커버리를 확인해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleTransferLimitLowered",
			Why: `The account total is less than when it was last known, up to six hours ago. Where the amount paid out fell as well, both totals began
				anew or a payout was reversed: not a cut. Where nothing had been paid out, it could not fall, and a cut looks like totals that
				begin anew: not told. Nor is another account's total. Held for 15 minutes, since the fall itself is seen only once.`,
			Expr: `
payple:total_account_amt < last_over_time(payple:total_account_amt[6h] offset 1m)
and
payple:total_transfer_amt >= (last_over_time(payple:total_transfer_amt[6h] offset 1m) > 0)
unless
last_over_time(payple:merchant_reassigned[6h])`,
			For: "0m", KeepFiringFor: "15m", Severity: "warning",
			Text: Text{
				Summary: merchant + `: the account total fell from ` + accountBefore + ` to ` + value,
				Description: `What the account of merchant ` + merchant + ` can draw on fell from ` + accountBefore + ` to ` + value +
					` without a restart of the totals. It may still pay out ` + remain + `. If nobody asked for this, ask Payple.`,
				SummaryKo: merchant + `: 누적 정산금액이 ` + accountBefore + `에서 ` + value + `으로 감소했습니다`,
				DescriptionKo: `가맹점 ` + merchant + `의 누적 정산금액(지급이체 재원)이 ` + accountBefore + `에서 ` + value + `으로 줄었습니다. ` +
					`현재 한도 잔여금액은 ` + remain + `입니다. 요청하신 변경이 아니라면 페이플에 문의해 주시기 바랍니다.`,
			},
		},
		{
			Alert: "PaypleConfigReloadFailed",
			Expr:  `max by (job, instance) (payple_exporter_config_last_reload_successful) == 0`,
			For:   "5m", Severity: "warning",
			Text: Text{
				Summary: `payple_exporter ` + target + ` runs on an old configuration`,
				Description: `The last reload of the configuration of ` + target +
					` was refused; the previous one stays in force. The exporter's log names the file, the line and what to do.`,
				SummaryKo: `payple_exporter가 이전 설정으로 동작하고 있습니다 - ` + target,
				DescriptionKo: target + `의 설정을 다시 불러오지 못해 이전 설정이 계속 적용되고 있습니다. ` +
					`exporter 로그에서 파일, 줄 번호, 조치 방법을 확인해 주시기 바랍니다.`,
			},
		},
	}
}
