package board

import (
	"fmt"

	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/grafana"
)

func overview() grafana.Dashboard {
	return dashboard(overviewUID, "Payple: all merchants",
		"Which merchant is in danger, how much it may still pay out, and how long that lasts.", "now-24h", arranged(
			abreast(4,
				merchantsIn("In danger", "How many merchants may pay out nothing more or are below their critical threshold.", ">=", stateCritical, red, green),
				merchantsIn("Unknown", "For how many merchants nobody knows the limit, because the hub does not tell it.", "==", stateUnknown, purple, green),
				merchantsIn("Warning", "How many merchants are below their warning threshold, but above the critical one.", "==", stateWarning, orange, green),
				merchantsIn("Fine", "How many merchants are above all their thresholds.", "==", stateFine, green, grey),
				exportersDown(4),
				stat("Oldest figures", "How long ago the hub last answered for the merchant whose figures are the oldest.", 4,
					byValue(seconds, "No figures at all", from(0, blue)),
					now("max("+age()+")", "")),
			),
			abreast(12, worstFirst()),
			abreast(9,
				graph("Share of the limit left, lowest ten", "The part of its total that each merchant may still pay out, for the ten with the least.", halfWidth, ratio,
					over("bottomk(10, "+share()+")", "{{merchant}}")),
				comparedWithLastWeek("Paid out per hour, all merchants together", "sum(", ")"),
			),
			abreast(8,
				graph("Age of the figures, oldest ten", "How long ago the hub last answered for each merchant; a line that climbs is a merchant that gets no answers.", halfWidth, seconds,
					over("topk(10, "+age()+")", "{{merchant}}")),
				reasonsNamed(stacked(graph("Merchants by failure", "How many merchants cannot be asked, by reason; nothing is drawn while all answer.", halfWidth, count,
					over(fmt.Sprintf("count by (reason) (max by (merchant, reason) (%s))", merchant(collector.NameFailure)), "{{reason}}")))),
			),
		))
}

// merchantsIn counts merchants by state: how many of none is zero only while
// there are merchants at all.
func merchantsIn(title, description, comparison string, which int, some, none string) grafana.Panel {
	expr := fmt.Sprintf("count((\n%s\n) %s %d)\nor\n0 * count(%s)", state(), comparison, which, most(merchant(collector.NameMerchantInfo)))
	return stat(title, description, 4, byValue(count, "No data: is the exporter running?", from(0, none), from(1, some)), now(expr, ""))
}

func exportersDown(width int) grafana.Panel {
	return stat("Exporters not answering", "How many exporters Prometheus cannot reach; nobody watches the limit if none answers.", width,
		byValue(count, "No exporter is known", from(0, green), from(1, red)),
		now(fmt.Sprintf("count(min by (job, instance) (%s) == 0) or 0 * count(%s)", exporter(nameTargetUp), exporter(nameTargetUp)), ""))
}

// comparedWithLastWeek shows outflow now and a week ago, as a whole or by
// merchant.
func comparedWithLastWeek(title, before, after string) grafana.Panel {
	p := graph(title, "Won paid out in the hour up to each moment, and in the same hour a week ago (dashed); corrections and top-ups do not count.", halfWidth, krw,
		over(before+outflow("")+after, "this week"),
		over(before+outflow("1w")+after, "a week ago"))
	return lined(p, "B", grey)
}

// Columns of the table, as their queries are named, and their headings.
const (
	columnState    = "state"
	columnRemain   = "remain"
	columnShare    = "share"
	columnWarning  = "warning"
	columnCritical = "critical"
	columnRunway   = "runway"
	columnAge      = "age"
	columnFailure  = "failure"
)

// worstFirst is the table that tells within seconds who is in danger.
func worstFirst() grafana.Panel {
	p := panel("table", "Merchants, worst first",
		"Every merchant with what it may still pay out, the thresholds below which it raises an alarm, and how long the limit lasts at the present pace.",
		grafana.GridWidth, byValue(won, "–"),
		column(columnState, state()),
		column(columnRemain, remain()),
		column(columnShare, share()),
		column(columnWarning, line(warning)),
		column(columnCritical, line(critical)),
		column(columnRunway, lasts()),
		column(columnAge, age()),
		column(columnFailure, fmt.Sprintf("topk by (merchant) (1, max by (merchant, reason) (%s))", merchant(collector.NameFailure))),
	)
	// Colours are for the state alone; figures are plain text.
	p.FieldConfig.Defaults.Color = grafana.Color{Mode: "fixed", FixedColor: "text"}
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": false, "inspect": false, "cellOptions": map[string]any{"type": "auto"}}
	p.Options = map[string]any{
		"cellHeight": "sm", "frameIndex": 0, "showHeader": true,
		"footer": map[string]any{"show": false, "countRows": false, "fields": []string{}, "reducer": []string{}},
		// The state's number is sorted, not its word; the greater, the worse.
		"sortBy": []map[string]any{{"displayName": headingState, "desc": true}, {"displayName": headingShare, "desc": false}},
	}
	p.Transformations = columns()
	p = override(p, "byName", headingState,
		set("mappings", states("Unknown").Mappings), set("color", grafana.Color{Mode: "thresholds"}), set("unit", noUnit),
		set("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}), set("custom.width", 110))
	p = override(p, "byName", headingShare, set("unit", ratio), set("decimals", 1))
	p = override(p, "byName", headingRunway, set("unit", seconds), set("decimals", 1), set("noValue", "No steady outflow yet"),
		set("mappings", []grafana.Mapping{nothing("No steady outflow yet", grey)}))
	p = override(p, "byName", headingAge, set("unit", seconds), set("decimals", 0), set("noValue", "Never"),
		set("mappings", []grafana.Mapping{nothing("Never", red)}))
	p = override(p, "byName", headingRemain, set("noValue", "Unknown"), set("mappings", []grafana.Mapping{nothing("Unknown", red)}))
	p = override(p, "byName", headingFailure, set("mappings", []grafana.Mapping{nothing("–", grey), words(reasonWords())}))
	return override(p, "byName", headingMerchant, set("links", []map[string]any{{
		"title": "Show ${__value.raw}",
		"url": "/d/" + merchantUID + "?var-merchant=${__value.raw:percentencode}" +
			"&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&${__url_time_range}",
	}}))
}

// Headings of the table.
const (
	headingMerchant = "Merchant"
	headingState    = "State"
	headingRemain   = "Remaining (₩)"
	headingShare    = "Share left"
	headingWarning  = "Warning below (₩)"
	headingCritical = "Critical below (₩)"
	headingRunway   = "Lasts for"
	headingAge      = "Age"
	headingFailure  = "Why the hub does not answer"
)

// columns joins the queries' tables by merchant, and leaves out what they have
// besides.
func columns() []grafana.Transformation {
	order := []struct{ field, heading string }{
		{"merchant", headingMerchant},
		{"Value #" + columnState, headingState},
		{"Value #" + columnRemain, headingRemain},
		{"Value #" + columnWarning, headingWarning},
		{"Value #" + columnCritical, headingCritical},
		{"Value #" + columnShare, headingShare},
		{"Value #" + columnRunway, headingRunway},
		{"Value #" + columnAge, headingAge},
		{"reason", headingFailure},
	}
	names, index := make([]string, len(order)), make(map[string]int)
	renamed := make(map[string]string)
	for i, column := range order {
		names[i], index[column.field], renamed[column.field] = column.field, i, column.heading
	}
	return []grafana.Transformation{
		{ID: "joinByField", Options: map[string]any{"byField": "merchant", "mode": "outer"}},
		{ID: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": names}}},
		{ID: "organize", Options: map[string]any{"indexByName": index, "renameByName": renamed, "excludeByName": map[string]bool{}}},
	}
}
