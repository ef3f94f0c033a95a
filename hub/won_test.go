package hub_test

import (
	"strings"
	"testing"

	"payple_exporter/hub"
)

// An amount is what its digits say, or it is an error: never a zero, a part,
// or a guess.
func TestParseWon(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hub.Won{
		"0": 0, "-0": 0, "7": 7, "0010": 10, "9944000": 9_944_000, "-56000": -56_000,
		"1,000": 1000, "9,944,000": 9_944_000, "-12,345": -12_345, "100,000": 100_000,
		"9007199254740992": hub.MaxWon, "-9007199254740992": -hub.MaxWon,
	} {
		if got, err := hub.ParseWon(text); err != nil || got != want {
			t.Errorf("ParseWon(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", "--1", "+1", " 1", "1 ", "1\n", "1.0", "1.", ".5", "1e3", "0x10", "1_000", "₩1", "1원", "null", "NaN", "Inf",
		",", "1,", ",100", "1,00", "1,0000", "1000,000", "1,000,00", "-,100", "1,-00", "１２３", "٣",
		"9007199254740993", "-9007199254740993", "9223372036854775808", strings.Repeat("9", 400),
	} {
		if got, err := hub.ParseWon(text); err == nil {
			t.Errorf("ParseWon(%q) = %d, want an error", text, got)
		}
	}
}

func TestWonPrintsInGroups(t *testing.T) {
	t.Parallel()
	for won, want := range map[hub.Won]string{
		0: "₩0", 999: "₩999", 1000: "₩1,000", 4_400_000: "₩4,400,000", 100_000: "₩100,000",
		-1: "-₩1", -999: "-₩999", -1000: "-₩1,000", hub.MaxWon: "₩9,007,199,254,740,992",
	} {
		if got := won.String(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(won), got, want)
		}
	}
}
