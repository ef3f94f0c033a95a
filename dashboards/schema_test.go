package dashboards_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"payple_exporter/dashboards/internal/board"
)

// Every field of a dashboard, of its queries and of its panels' options is one that Grafana has, with a value of the type it takes, and a
// word that Grafana has a constant for. Where one is not, Grafana shows a panel without it and says nothing.
func TestGrafanaKnowsEveryField(t *testing.T) {
	t.Parallel()
	runtime := cog.NewRuntime()
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	for _, panel := range []variants.PanelcfgConfig{stat.VariantConfig(), statetimeline.VariantConfig(), table.VariantConfig(), timeseries.VariantConfig()} {
		runtime.RegisterPanelcfgVariant(panel)
	}
	for name, file := range board.Files() {
		if err := unknownToGrafana(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, broken := range [][2]string{
		{`"editable"`, `"editible"`},
		{`"graphMode"`, `"graphMood"`},
		{`"legendFormat"`, `"legend"`},
		{`"drawStyle": "line"`, `"drawStyle": "lines"`},
		{`"lineWidth": 1`, `"lineWidth": "1"`},
		{`"type": "timeseries"`, `"type": "timeserie"`},
	} {
		noticed := false
		for _, file := range board.Files() {
			changed := bytes.Replace(file, []byte(broken[0]), []byte(broken[1]), 1)
			noticed = noticed || !bytes.Equal(changed, file) && unknownToGrafana(changed) != nil
		}
		if !noticed {
			t.Errorf("%s in place of %s is not noticed", broken[1], broken[0])
		}
	}
}

func unknownToGrafana(file []byte) error {
	//nolint:staticcheck // the form that is read from files, by Grafana 11 too
	var typed dashboard.Dashboard
	if err := typed.UnmarshalJSONStrict(file); err != nil && err.Error() != "" { // a list of errors, which may be empty
		return err
	}
	// To its types any text is a value of an enumeration.
	for field, words := range map[string]any{
		"axisPlacement":     []common.AxisPlacement{common.AxisPlacementAuto},
		"colorMode":         []common.BigValueColorMode{common.BigValueColorModeBackground, common.BigValueColorModeNone},
		"displayMode":       []common.LegendDisplayMode{common.LegendDisplayModeList, common.LegendDisplayModeTable},
		"drawStyle":         []common.GraphDrawStyle{common.GraphDrawStyleLine, common.GraphDrawStyleBars},
		"graphMode":         []common.BigValueGraphMode{common.BigValueGraphModeNone, common.BigValueGraphModeArea},
		"justifyMode":       []common.BigValueJustifyMode{common.BigValueJustifyModeAuto},
		"lineInterpolation": []common.LineInterpolation{common.LineInterpolationLinear},
		"placement":         []common.LegendPlacement{common.LegendPlacementBottom},
		"showPoints":        []common.VisibilityMode{common.VisibilityModeAuto, common.VisibilityModeNever},
		"sort":              []common.SortOrder{common.SortOrderDescending, common.SortOrderNone},
		"textMode":          []common.BigValueTextMode{common.BigValueTextModeAuto},
		// Of panels (the fields of one that is not registered above are not checked), cells, mappings, variables, links and data sources.
		"type": []string{
			"stat", "state-timeline", "table", "timeseries", "row", "auto", "color-background",
			"special", "value", "query", "datasource", "dashboards", "prometheus",
		},
		"mode": []any{
			common.TooltipDisplayModeMulti, common.TooltipDisplayModeSingle, common.StackingModeNormal,
			dashboard.ThresholdsModeAbsolute, dashboard.FieldColorModeIdThresholds, dashboard.FieldColorModeIdFixed,
			dashboard.FieldColorModeIdPaletteClassic, common.TableCellBackgroundDisplayModeBasic,
			"outer", // of joining tables: a transformation's options have no type
		},
	} {
		for _, found := range regexp.MustCompile(`"`+field+`": "(.*?)"`).FindAllSubmatch(file, -1) {
			if !slices.Contains(strings.Fields(strings.Trim(fmt.Sprint(words), "[]")), string(found[1])) {
				return fmt.Errorf("%s is one of %s, not %q", field, words, found[1])
			}
		}
	}
	return nil
}
