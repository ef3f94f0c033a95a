package check

import (
	"testing"

	"payple_exporter/internal/test/texts"
)

// Every text exists in both languages, and every step and state has a name.
func TestTextsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	table := allTexts()
	if seen := texts.InBothLanguages(t, table); seen < 30 {
		t.Errorf("only %d texts were looked at", seen)
	}
	for _, step := range Steps() {
		if table.Steps[step].English == "" {
			t.Errorf("no name for the step %s", step)
		}
	}
	for _, state := range []StepState{StepOK, StepFailed, StepNotTried, StepNotNeeded} {
		if table.States[state].English == "" {
			t.Errorf("no name for the state %s", state)
		}
	}
}
