package threshold

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The three forms of a threshold, written down a second time to compare
// [Parse] with.
var (
	wonForm     = regexp.MustCompile(`^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$`)
	percentForm = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)%$`)
	runwayForm  = regexp.MustCompile(`^([0-9]+(y|w|d|h|m|s|ms))+$`)
)

// Whatever is taken for a threshold has one of the three forms and the value
// that is spelled there, above zero, finite and bounded; to print it and read
// it again gives the same; a text that is refused is quoted, so that one of
// many is found.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"5000000", "5,000,000", "20%", "12.5%", "0.00000001%", "33.3333333%", "100.0%", "24h", "1h30m", "1ms", "1h1ms", "290y", "1.5%", ".5%",
		"", "0", "-5", "9007199254740992", "9007199254740993", "100y", "0%", "1e1%", "NaN%", "0x1p1%",
		"0." + strings.Repeat("0", 322) + "1%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			if got != (Threshold{}) {
				t.Fatalf("Parse(%q) = %+v, %v", text, got, err)
			}
			if strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Fatalf("cannot be logged in one line: %q", err)
			}
			return
		}
		if !(got.Value > 0) || got.Kind == Ratio && got.Value > 1 || got.Value > 1<<53 {
			t.Fatalf("Parse(%q) = %+v", text, got)
		}
		mustBeSpelled(t, text, got)
		again, err := Parse(got.String())
		if err != nil || again.Kind != got.Kind || again.String() != got.String() {
			t.Fatalf("%q is %+v, printed as %s and read again as %+v, %v", text, got, got, again, err)
		}
		if far := math.Abs(again.Value-got.Value) / got.Value; far > 1e-11 || far != 0 && got.Kind != Ratio {
			t.Fatalf("%q is %+v, printed as %s and read again as %+v", text, got, got, again)
		}
	})
}

// mustBeSpelled fails the test if text does not spell the threshold.
func mustBeSpelled(t *testing.T, text string, got Threshold) {
	t.Helper()
	switch {
	case got.Kind == Amount && wonForm.MatchString(text):
		won, _ := new(big.Int).SetString(strings.ReplaceAll(text, ",", ""), 10)
		if won.Cmp(big.NewInt(int64(got.Value))) != 0 {
			t.Fatalf("%q is %+v", text, got)
		}
	case got.Kind == Ratio && percentForm.MatchString(text):
		percent, ok := new(big.Rat).SetString(strings.TrimSuffix(text, "%"))
		if !ok {
			t.Fatalf("%q is %+v, but no number", text, got)
		}
		want, _ := percent.Quo(percent, big.NewRat(100, 1)).Float64()
		if math.Abs(want-got.Value) > 1e-15*want {
			t.Fatalf("%q is %+v, want %g", text, got, want)
		}
	case got.Kind == Runway && runwayForm.MatchString(text):
		if ms := got.Value * 1000; got.Value > math.MaxInt64/float64(time.Second) || math.Abs(ms-math.Round(ms)) > 1e-3 && ms < 1e9 {
			t.Fatalf("%q is %+v", text, got)
		}
	default:
		t.Fatalf("%q has no form of a threshold, and is %+v", text, got)
	}
}
