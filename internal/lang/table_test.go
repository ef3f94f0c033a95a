package lang_test

import (
	"bytes"
	"testing"

	"payple_exporter/internal/lang"
)

// Korean letters are two places wide: columns stand straight all the same.
func TestRowsStandStraight(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	lang.WriteRows(&out, [][]string{{"가맹점", "x"}, {"a", "₩1"}, {"한글 a", ""}})
	if got, want := out.String(), "가맹점  x\na       ₩1\n한글 a\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
