package board

import (
	"maps"

	"payple_exporter/dashboards/internal/grafana"
)

// Units as Grafana names them. krw rounds (₩1.23M) and is for axes; won prints
// every digit, so that its title has to say ₩.
const (
	won       = "locale"
	krw       = "currencyKRW"
	seconds   = "s"
	ratio     = "percentunit"
	count     = "short"
	bytesUnit = "bytes"
	perSecond = "reqps"
	noUnit    = "none"
)

// Colours.
const (
	grey   = "#808080"
	red    = "red"
	orange = "orange"
	green  = "green"
	blue   = "blue"
	purple = "purple"
)

// Widths.
const (
	halfWidth  = grafana.GridWidth / 2
	thirdWidth = grafana.GridWidth / 3
)

// datasource is what the reader chose at the top of the dashboard.
func datasource() grafana.Datasource {
	return grafana.Datasource{Type: "prometheus", UID: "${datasource}"}
}

// panel begins a panel of any type.
func panel(kind, title, description string, width int, field grafana.Field, targets ...grafana.Target) grafana.Panel {
	source := datasource()
	return grafana.Panel{
		Type: kind, Title: title, Description: description, Datasource: &source,
		GridPos: grafana.GridPos{W: width}, Targets: lettered(targets),
		FieldConfig: &grafana.FieldConfig{Defaults: field, Overrides: []grafana.Override{}},
	}
}

// lettered names the targets that have no name yet A, B, C.
func lettered(targets []grafana.Target) []grafana.Target {
	for i := range targets {
		if targets[i].RefID == "" {
			targets[i].RefID = string(rune('A' + i))
		}
	}
	return targets
}

// over asks for a graph's whole range.
func over(expr, legend string) grafana.Target {
	return grafana.Target{
		Datasource: datasource(), Expr: expr, LegendFormat: legend,
		Format: "time_series", Range: true, EditorMode: "code",
	}
}

// now asks for this moment alone. The last value of a range would show a
// figure that is gone as if it were there still.
func now(expr, legend string) grafana.Target {
	target := over(expr, legend)
	target.Instant, target.Range = true, false
	return target
}

// column asks for a column of a table.
func column(name, expr string) grafana.Target {
	target := now(expr, "")
	target.RefID, target.Format = name, "table"
	return target
}

// steps are colours by value. The first is also the colour of what is not
// there, so it is grey whatever the values.
func steps(rest ...grafana.Step) grafana.Thresholds {
	return grafana.Thresholds{Mode: "absolute", Steps: append([]grafana.Step{{Color: grey}}, rest...)}
}

func from(value float64, color string) grafana.Step { return grafana.Step{Color: color, Value: &value} }

// byValue colours by steps, and says absent where there is no value.
func byValue(unit, absent string, rest ...grafana.Step) grafana.Field {
	return grafana.Field{
		Unit: unit, NoValue: absent, Color: grafana.Color{Mode: "thresholds"}, Thresholds: steps(rest...),
		Mappings: []grafana.Mapping{nothing(absent, grey)},
	}
}

// nothing is the mapping of no value at all.
func nothing(words, color string) grafana.Mapping {
	return grafana.Mapping{Type: "special", Options: grafana.Special{
		Match: "null+nan", Result: grafana.Words{Text: words, Color: color},
	}}
}

// words maps values to words.
func words(byValue map[string]grafana.Words) grafana.Mapping {
	return grafana.Mapping{Type: "value", Options: byValue}
}

// states shows a state as a word.
func states(absent string) grafana.Field {
	field := byValue(noUnit, absent)
	field.Mappings = append(field.Mappings, words(stateWords()))
	return field
}

func stateWords() map[string]grafana.Words {
	return map[string]grafana.Words{
		"4": {Text: "Exhausted", Color: "dark-red", Index: 0},
		"3": {Text: "Critical", Color: red, Index: 1},
		"2": {Text: "Unknown", Color: purple, Index: 2},
		"1": {Text: "Warning", Color: orange, Index: 3},
		"0": {Text: "Fine", Color: green, Index: 4},
	}
}

// stat is one large figure.
func stat(title, description string, width int, field grafana.Field, target grafana.Target) grafana.Panel {
	p := panel("stat", title, description, width, field, target)
	p.Options = map[string]any{
		"colorMode": "background", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
		"wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p
}

// graph is lines over time.
func graph(title, description string, width int, unit string, targets ...grafana.Target) grafana.Panel {
	p := panel("timeseries", title, description, width, grafana.Field{
		Unit: unit, NoValue: "No data", Color: grafana.Color{Mode: "palette-classic"}, Thresholds: steps(),
		Custom: map[string]any{
			"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 5, "showPoints": "auto", "pointSize": 4,
			"spanNulls": false, "axisPlacement": "auto", "axisSoftMin": 0,
		},
	}, targets...)
	p.Options = map[string]any{
		"legend":  map[string]any{"calcs": []string{"lastNotNull"}, "displayMode": "table", "placement": "bottom", "showLegend": true},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	return p
}

// stacked fills what is under a graph's lines and adds them up.
func stacked(p grafana.Panel) grafana.Panel {
	custom := maps.Clone(p.FieldConfig.Defaults.Custom)
	custom["fillOpacity"] = 40
	custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	p.FieldConfig.Defaults.Custom = custom
	return p
}

// timeline shows since when and until when something was so.
func timeline(title, description string, width int, field grafana.Field, targets ...grafana.Target) grafana.Panel {
	field.Custom = map[string]any{"fillOpacity": 80, "lineWidth": 0}
	p := panel("state-timeline", title, description, width, field, targets...)
	p.Options = map[string]any{
		"alignValue": "left", "mergeValues": true, "rowHeight": 0.9, "showValue": "auto",
		"legend":  map[string]any{"calcs": []string{}, "displayMode": "list", "placement": "bottom", "showLegend": false},
		"tooltip": map[string]any{"mode": "single", "sort": "none"},
	}
	return p
}

// override changes how the fields that matcher finds are shown.
func override(p grafana.Panel, matcher, options string, properties ...grafana.Property) grafana.Panel {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, grafana.Override{
		Matcher: grafana.Matcher{ID: matcher, Options: options}, Properties: properties,
	})
	return p
}

func set(id string, value any) grafana.Property { return grafana.Property{ID: id, Value: value} }

// lined draws what a target of a graph found in one colour, dashed and without
// a fill: it is there to compare with.
func lined(p grafana.Panel, refID, color string) grafana.Panel {
	return override(p, "byFrameRefID", refID,
		set("color", grafana.Color{Mode: "fixed", FixedColor: color}),
		set("custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{10, 10}}),
		set("custom.fillOpacity", 0))
}

// heading is a row that holds the panels after it.
func heading(title, repeat string) grafana.Panel {
	open, none := false, []grafana.Panel{}
	return grafana.Panel{
		Type: grafana.Row, Title: title, Repeat: repeat, Collapsed: &open, Panels: &none,
		GridPos: grafana.GridPos{W: grafana.GridWidth},
	}
}

// band is panels side by side, and how high they are.
type band struct {
	height int
	panels []grafana.Panel
}

func abreast(height int, panels ...grafana.Panel) band { return band{height, panels} }

// arranged puts bands below each other, panels beside each other, and numbers
// them.
func arranged(bands ...band) []grafana.Panel {
	var all []grafana.Panel
	y := 0
	for _, b := range bands {
		x := 0
		for _, p := range b.panels {
			p.ID = len(all) + 1
			p.GridPos = grafana.GridPos{X: x, Y: y, W: p.GridPos.W, H: b.height}
			x += p.GridPos.W
			all = append(all, p)
		}
		y += b.height
	}
	return all
}
