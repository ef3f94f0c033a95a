package app

import (
	"flag"
	"strings"
	"testing"

	"payple_exporter/internal/lang"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/texts"
)

var update = flag.Bool("update", false, "write the golden file anew")

// What a person is told at the start of a drill is that of the golden file, in
// both languages.
func TestSimulateIntroducesADrill(t *testing.T) {
	t.Parallel()
	played := must.Get(simulator.FindDrill("running-dry", simulator.DrillOptions{CustKey: simulator.DemoKey}))(t)
	var got strings.Builder
	for _, language := range lang.Languages() {
		got.Write(introduction(language, "http://127.0.0.1:10912", played.About, []string{"payouts-main", "payouts-spare"}, "payple_exporter --config.file=/home/ops/drill/merchants.yml"))
		got.WriteString("\n")
	}
	golden.Compare(t, "testdata/simulate.golden", got.String(), *update)
	silent := string(introduction(lang.English, "http://127.0.0.1:10912", lang.Text{}, []string{"a"}, "x"))
	if strings.Contains(silent, "\n\n\n") {
		t.Errorf("a drill that does not say what it is about leaves a gap:\n%s", silent)
	}
}

// Every text of simulate exists in both languages.
func TestSimulateTextsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	if seen := texts.InBothLanguages(t, simulateTexts()); seen < 7 {
		t.Errorf("only %d texts were looked at", seen)
	}
}
