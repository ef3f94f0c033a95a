package statuspage_test

import (
	"strings"
	"testing"

	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/stand"
)

// Who can raise the limit stands beside the merchant, as text and nothing else,
// for people and for programs.
func TestContactIsShown(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "named", "nameless")
	s.Serve(statuspage.Options{})
	watched := s.Config("named", "nameless")
	watched.Merchants[0].Contact = "finance <on call>, 02-555-0100"
	s.Merchants.Apply(watched)
	for target, want := range map[string]string{
		"/?lang=en":    "contact finance &lt;on call&gt;, 02-555-0100",
		"/?lang=ko":    "담당 finance &lt;on call&gt;, 02-555-0100",
		"/status.json": `"contact": "finance <on call>, 02-555-0100"`,
	} {
		body := s.Get(t, target).Body
		if strings.Count(body, want) != 1 || strings.Count(body, "02-555-0100") != 1 {
			t.Errorf("%s does not show the contact once:\n%s", target, body)
		}
	}
}
