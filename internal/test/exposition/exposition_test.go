package exposition

import (
	"strings"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/test/must"
)

const (
	classic = "text/plain; version=0.0.4"
	figures = `payple_transfer_remain_amount{merchant="a"} 9
total_account_amt{merchant="a"} 10
total_transfer_amt{merchant="a"} 1
`
)

// A page says what it says, in both formats.
func TestParseReadsBothFormats(t *testing.T) {
	t.Parallel()
	text := figures + "payple_up{merchant=\"a\"} 0\npayple_failure{merchant=\"a\",reason=\"tls\"} 1\n"
	for _, format := range []struct{ contentType, text string }{{classic, text}, {OpenMetrics, text + "# EOF\n"}} {
		page := must.Get(Parse(format.contentType, []byte(format.text)))(t)
		amounts, known, err := page.Figures("a")
		if err != nil || !known || amounts != (Figures{9, 10, 1}) {
			t.Errorf("figures %v, %v, %v", amounts, known, err)
		}
		if up, reason, err := page.Health("a"); up || reason != hub.ReasonTLS || err != nil {
			t.Errorf("health %v, %v, %v", up, reason, err)
		}
		if _, known, err := page.Figures("b"); known || err != nil {
			t.Errorf("of nobody: %v, %v", known, err)
		}
	}
}

// What Prometheus would refuse is refused, and so is what it would take and
// nobody should write.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for what, page := range map[string]struct{ contentType, text string }{
		"no text":              {classic, "<html>"},
		"half a line":          {classic, "payple_up{merchant=\"a\""},
		"a series twice":       {classic, "payple_up 1\npayple_up 1\n"},
		"a timestamp":          {classic, "payple_up 1 1700000000000\n"},
		"a type too late":      {classic, "payple_up 1\n# TYPE payple_up gauge\n"},
		"OpenMetrics, cut off": {OpenMetrics, "payple_up 1\n"},
		"no type of content":   {"", "payple_up 1\n"},
	} {
		if got, err := Parse(page.contentType, []byte(page.text)); err == nil {
			t.Errorf("%s: read as %v", what, got)
		}
	}
}

// A page that contradicts itself is no page.
func TestPageRefusesContradictions(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"one figure of three": "payple_up{merchant=\"a\"} 1\ntotal_account_amt{merchant=\"a\"} 1\n",
		"half a won":          strings.Replace(figures, " 9", " 8.5", 1) + "payple_up{merchant=\"a\"} 1\n",
		"no number":           strings.Replace(figures, " 9", " NaN", 1) + "payple_up{merchant=\"a\"} 1\n",
		"up and failed":       "payple_up{merchant=\"a\"} 1\npayple_failure{merchant=\"a\",reason=\"tls\"} 1\n",
		"failed twice":        "payple_up{merchant=\"a\"} 0\npayple_failure{merchant=\"a\",reason=\"tls\"} 1\npayple_failure{merchant=\"a\",reason=\"auth\"} 1\n",
		"neither up nor down": figures,
	} {
		page, err := Parse(classic, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		_, _, figuresErr := page.Figures("a")
		_, _, healthErr := page.Health("a")
		if figuresErr == nil && healthErr == nil {
			t.Errorf("%s: taken", what)
		}
	}
}
