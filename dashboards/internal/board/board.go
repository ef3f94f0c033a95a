// Package board is our dashboards: which panels they have, and what these ask Prometheus.
//
// All queries are of raw metrics, so that the dashboards work where the recording rules are not loaded.
package board

import (
	"payple_exporter/collector"
	"payple_exporter/dashboards/internal/grafana"
)

// KoreanFolder holds the dashboards in Korean, under the names of those in English.
const KoreanFolder = "ko"

// Files returns the dashboards as they are committed, in both languages, by path.
func Files() map[string][]byte {
	files := make(map[string][]byte)
	for _, d := range All() {
		content, err := d.JSON()
		if err != nil {
			panic(err) // nothing in a dashboard depends on input
		}
		files[d.UID+".json"] = content
		files[KoreanFolder+"/"+d.UID+".json"] = inKorean(content)
	}
	return files
}

// All returns the dashboards: the first is for everybody, every day.
func All() []grafana.Dashboard {
	return []grafana.Dashboard{overview(), oneMerchant(), exporterHealth()}
}

// Identifiers in addresses: people have bookmarks of them.
const (
	overviewUID = "payple-overview"
	merchantUID = "payple-merchant"
	exporterUID = "payple-exporter"
)

const tag = "payple"

// dashboard is what all our dashboards have in common.
func dashboard(uid, title, description, since string, panels []grafana.Panel) grafana.Dashboard {
	return grafana.Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{tag},
		SchemaVersion: 41, Editable: false, GraphTooltip: grafana.SharedCrosshair,
		Timezone: "browser", Refresh: "1m", Time: grafana.TimeRange{From: since, To: "now"},
		Links: []grafana.Link{{
			Title: "Payple dashboards", Type: "dashboards", Icon: "external link", Tags: []string{tag},
			Tooltip: "The other Payple dashboards, with the same choice of merchants and time", AsDropdown: true, IncludeVars: true, KeepTime: true,
		}},
		Annotations: grafana.Annotations{List: annotations()},
		Templating:  grafana.Templating{List: variables()},
		Panels:      panels,
	}
}

func annotations() []grafana.Annotation {
	mark := func(name, color, expr, title, text string) grafana.Annotation {
		target := over(expr, "")
		target.RefID = "Anno"
		return grafana.Annotation{
			Name: name, Enable: true, IconColor: color, Datasource: datasource(), Target: target, TitleFormat: title, TextFormat: text,
		}
	}
	return []grafana.Annotation{
		mark("Limit changed", blue, most("changes("+merchant(collector.NameTotalAccount)+"[$__rate_interval])")+" > 0",
			"Limit changed", "The total that {{merchant}} can draw on went up or down."),
		// Not changes(): a container that replaces another is a new series.
		mark("Exporter restarted", grey,
			"max by (job, instance) ("+exporter(nameStartTime)+") > time() - $__rate_interval_ms / 1000",
			"Exporter restarted", "{{instance}} of job {{job}} started."),
	}
}

// variables are what the reader can choose. The settings of an exporter are on
// each of its pages and always there, so they tell which exporters exist.
func variables() []grafana.Variable {
	source := datasource()
	everything := &grafana.VariableValue{Text: "All", Value: "$__all"}
	choice := func(name, label, description, selector, allValue string) grafana.Variable {
		return grafana.Variable{
			Name: name, Label: label, Description: description, Type: "query", Datasource: &source,
			Query:   grafana.VariableQuery{Query: "label_values(" + selector + ", " + name + ")", RefID: name},
			Refresh: grafana.RefreshOnTimeRange, Sort: grafana.SortAlphabetical,
			Multi: true, IncludeAll: true, AllValue: allValue, Current: everything,
		}
	}
	return []grafana.Variable{
		{
			Name: "datasource", Label: "Prometheus", Description: "The Prometheus that collects the exporter's metrics.",
			Type: "datasource", Query: "prometheus", Refresh: grafana.RefreshOnLoad,
		},
		// All jobs must not mean every job that Prometheus has: no allValue.
		choice("job", "Job", "The Prometheus jobs of the exporter.", collector.NameMinInterval, ""),
		choice("instance", "Exporter", "The running exporters.", collector.NameMinInterval+`{job=~"$job"}`, ""),
		// All merchants as one pattern: a thousand names make a long query.
		choice("merchant", "Merchant", "The merchants to show.", exporter(collector.NameMerchantInfo), ".+"),
	}
}
