// Package golden holds what people see against files that a reviewer can read.
package golden

import (
	"strings"
	"testing"

	"payple_exporter/internal/test/must"
)

// Compare fails the test if got is not what stands in the file at path. With
// update it writes the file again first; look at the difference then.
func Compare(t *testing.T, path, got string, update bool) {
	t.Helper()
	if update {
		must.Write(t, path, got)
	}
	if want := must.Read(t, path); got != want {
		t.Errorf("%s is not what is shown now (-update writes it anew):\n%s", path, firstDifference(want, got))
	}
}

func firstDifference(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wanted), len(gotten)) {
		if wanted[i] != gotten[i] {
			return "want " + wanted[i] + "\ngot  " + gotten[i]
		}
	}
	return "one is longer"
}
