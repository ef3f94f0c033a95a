package board

import (
	"fmt"

	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/grafana"
)

// oneMerchant repeats all its panels for each merchant that is chosen, because
// thresholds mean nothing among the lines of other merchants.
func oneMerchant() grafana.Dashboard {
	return dashboard(merchantUID, "Payple: merchant",
		"What one merchant may still pay out, against its thresholds, and what it paid out when.", "now-24h", arranged(
			abreast(1, heading("$merchant", "merchant")),
			abreast(4, figures()...),
			abreast(10, againstThresholds(), comparedWithLastWeek("Paid out per hour", "", "")),
			abreast(8,
				graph("How long the limit lasts", "How long the remaining amount lasts at the pace of the last hour or the last day, whichever is faster; nothing is drawn while nothing flows out.",
					thirdWidth, seconds, over(runway(), "{{merchant}}")),
				totals(),
				graph("Age of the figures and the hub's clock", "How long ago the hub last answered, and how old its answer is by its own clock.", thirdWidth, seconds,
					over(age(), "last answer"),
					over("time() - "+most(merchant(collector.NameHubTime)), "by the hub's clock")),
			),
			abreast(8, thisWeekAgainstLast()),
			abreast(7,
				failures(),
				graph("Duration of the latest query", "How long the hub took for its latest answer, both requests together.", halfWidth, seconds,
					over(most(merchant(collector.NameQueryDuration)), "{{merchant}}")),
			),
		))
}

// figures are what is so now.
func figures() []grafana.Panel {
	remaining := byValue(won, "Unknown")
	remaining.Color = grafana.Color{Mode: "fixed", FixedColor: blue}
	remaining.Mappings = []grafana.Mapping{nothing("Unknown", red)}
	answers := byValue(noUnit, "Not watched", from(0, red), from(1, green))
	answers.Mappings = append(answers.Mappings, words(map[string]grafana.Words{
		"0": {Text: "Failing", Color: red, Index: 0}, "1": {Text: "Answering", Color: green, Index: 1},
	}))
	duration := byValue(seconds, "No steady outflow yet")
	duration.Color = grafana.Color{Mode: "fixed", FixedColor: blue}
	return []grafana.Panel{
		stat("State", "The worst that is true of the merchant: nothing left, below a threshold, or unknown.", 4, states("Not watched"), now(state(), "{{merchant}}")),
		stat("Remaining (₩)", "The exact amount that the merchant may still pay out, in Korean won.", 5, remaining, now(remain(), "{{merchant}}")),
		stat("Share left", "The part of the merchant's total that it may still pay out.", 3,
			byValue(ratio, "Unknown", from(0, blue)), now(share(), "{{merchant}}")),
		stat("Lasts for", "How long the remaining amount lasts at the pace of the last hour or the last day, whichever is faster.", 5, duration, now(lasts(), "{{merchant}}")),
		stat("Age of the figures", "How long ago the hub last answered for this merchant.", 4,
			byValue(seconds, "Never answered", from(0, blue)), now(age(), "{{merchant}}")),
		stat("Hub", "Whether the latest question to the hub was answered; older figures are shown for a while if not.", 3, answers,
			now(most(merchant(collector.NameUp)), "{{merchant}}")),
	}
}

func againstThresholds() grafana.Panel {
	p := graph("Remaining against its thresholds", "The amount that may still be paid out, and the amounts below which it raises a warning and a critical alarm (dashed).", halfWidth, krw,
		over(remain(), "remaining"), over(line(warning), "warning below"), over(line(critical), "critical below"))
	return lined(lined(p, "B", orange), "C", red)
}

// thisWeekAgainstLast shows what PaypleTransferLimitShortOfNeed compares; the rule allows for 45 minutes, too.
func thisWeekAgainstLast() grafana.Panel {
	amount := merchant(collector.NameRemain)
	return graph("This week against last", "What may still be paid out, what it was a week ago, and by how much it fell in the coming 24 hours of last week: if less than that remains, the money will not last.",
		24, krw,
		over(remain(), "remaining"),
		over("min by (merchant) ("+amount+" offset 1w)", "a week ago"),
		over("min by (merchant) ("+amount+" offset 1w) - min by (merchant) (min_over_time("+amount+"[1d] offset 6d))", "need of the coming 24 hours"))
}

func totals() grafana.Panel {
	return graph("Total and paid out", "All that the merchant can draw on, and what it has paid out of that so far.", thirdWidth, krw,
		over(freshest(merchant(collector.NameTotalAccount)), "total"),
		over(freshest(merchant(collector.NameTotalTransfer)), "paid out"))
}

func failures() grafana.Panel {
	field := byValue(noUnit, "No failures")
	field.Mappings = append(field.Mappings, words(map[string]grafana.Words{"1": {Text: "Failing", Color: red}}))
	return reasonsNamed(timeline("Failures", "When and why the hub could not be asked; empty while it answers.", halfWidth, field,
		over(fmt.Sprintf("max by (merchant, reason) (%s)", merchant(collector.NameFailure)), "{{reason}}")))
}
