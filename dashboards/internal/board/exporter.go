package board

import (
	"fmt"

	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/grafana"
	"payple_exporter/internal/config"
)

func exporterHealth() grafana.Dashboard {
	return dashboard(exporterUID, "Payple: exporter health",
		"Whether the exporter runs, whether the hub answers it, and what both need for that.", "now-6h", arranged(
			abreast(4, exporterFigures()...),
			abreast(8, hubTraffic()...),
			abreast(8, hubAnswers()...),
			abreast(8, asking()...),
			abreast(7, process()...),
		))
}

func exporterFigures() []grafana.Panel {
	up := merchant(collector.NameUp)
	setting := func(name string) grafana.Target { return now("max("+exporter(name)+")", "") }
	plain := func(unit string) grafana.Field { return byValue(unit, "No data", from(0, blue)) }
	loaded := byValue(noUnit, "No data")
	loaded.Mappings = append(loaded.Mappings, words(map[string]grafana.Words{
		"0": {Text: "Refused", Color: red, Index: 0}, "1": {Text: "In force", Color: green, Index: 1},
	}))
	return []grafana.Panel{
		exportersDown(3),
		stat("Merchants watched", "How many merchants are configured.", 3, plain(count), now("count("+most(merchant(collector.NameMerchantInfo))+")", "")),
		stat("Merchants failing", "How many merchants the hub did not answer for when it was last asked.", 3,
			byValue(count, "No data", from(0, green), from(1, red)),
			now(fmt.Sprintf("count(%s == 0) or 0 * count(%s)", most(up), up), "")),
		stat("Running since", "How long ago the exporter that started last did so.", 3,
			byValue(seconds, "No data", from(0, blue)), now("time() - max("+exporter(nameStartTime)+")", "")),
		stat("Asked at most every", "Setting: the shortest time between two questions to the hub for the same merchant.", 3, plain(seconds), setting(collector.NameMinInterval)),
		stat("Figures kept for", "Setting: how long the last known figures are shown while the hub does not answer.", 3, plain(seconds), setting(collector.NameMaxAge)),
		stat("Configuration", "Whether the configuration that was last read is in force, or was refused and an older one is.", 3, loaded,
			now("min("+exporter(config.NameLoadSuccessful)+")", "")),
		stat("Configuration since", "How long ago the oldest configuration in force was read.", 3, plain(seconds),
			now("time() - min("+exporter(config.NameLoadTime)+")", "")),
	}
}

func hubTraffic() []grafana.Panel {
	return []grafana.Panel{
		stacked(graph("Requests to the hub", "How many requests a second the hub gets, by what is asked of it.", thirdWidth, perSecond,
			over(rate(exporter(collector.NameHubRequests), "endpoint"), "{{endpoint}}"))),
		stacked(graph("Failed requests", "How many requests a second failed, by what was asked and why.", thirdWidth, perSecond,
			over(rate(exporter(collector.NameHubRequestFailures), "endpoint", "reason")+" > 0", "{{endpoint}}: {{reason}}"))),
		graph("Time per request", "How long half, and nearly all, of the requests to the hub took at most.", thirdWidth, seconds,
			over(latency(.5), "{{endpoint}}: half"), over(latency(.99), "{{endpoint}}: 99 %")),
	}
}

func hubAnswers() []grafana.Panel {
	failing := byValue(noUnit, "No data")
	failing.Mappings = append(failing.Mappings, words(map[string]grafana.Words{
		"0": {Text: "Failing", Color: red, Index: 0}, "1": {Text: "Answering", Color: green, Index: 1},
	}))
	return []grafana.Panel{
		stacked(graph("Answers by result code", "Which result codes the hub answered with, per second; codes that end in 0000 are successes.", thirdWidth, perSecond,
			over(rate(exporter(collector.NameHubResults), "endpoint", "result"), "{{endpoint}}: {{result}}"))),
		timeline("Merchants answered for", "When the hub answered for each merchant, and when it did not.", 2*thirdWidth, failing,
			over(most(merchant(collector.NameUp)), "{{merchant}}")),
	}
}

func asking() []grafana.Panel {
	share := fmt.Sprintf("%s / (%s > 0)",
		rate(merchant(collector.NameQueryFailures), "merchant"), rate(merchant(collector.NameQueries), "merchant"))
	return []grafana.Panel{
		graph("Share of failed queries", "The part of all queries that failed, by merchant, for the ten worst.", thirdWidth, ratio,
			over("topk(10, "+share+")", "{{merchant}}")),
		stacked(graph("Scrapes answered from memory", "How many scrapes a second were answered without asking the hub, and why: asked recently, backing off, shared, or out of time.", thirdWidth, perSecond,
			over(rate(merchant(collector.NameScrapesFromMemory), "cause"), "{{cause}}"))),
		graph("Time until the hub is asked again", "How long a merchant is not asked because it was asked recently or is failing, for the ten longest.", thirdWidth, seconds,
			over("topk(10, clamp_min(min by (merchant) ("+merchant(collector.NameNextQuery)+") - time(), 0))", "{{merchant}}")),
	}
}

func process() []grafana.Panel {
	quarter := grafana.GridWidth / 4
	each := func(expr string) string { return "max by (job, instance) (" + expr + ")" }
	return []grafana.Panel{
		graph("Scrape duration", "How long Prometheus waited for each exporter.", quarter, seconds, over(each(exporter(nameScrapeDuration)), "{{instance}}")),
		graph("Memory", "The memory that each exporter uses.", quarter, bytesUnit, over(each(exporter(nameMemory)), "{{instance}}")),
		graph("Processor", "How many processors each exporter keeps busy.", quarter, noUnit,
			over(rate(exporter(nameCPU), "job", "instance"), "{{instance}}")),
		graph("Goroutines", "How many things each exporter does at once; a line that only climbs is a leak.", quarter, count,
			over(each(exporter(nameGoroutines)), "{{instance}}")),
	}
}
