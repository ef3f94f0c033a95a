package config

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The four forms of a threshold, written down a second time to compare
// [Parse] with.
var (
	wonForm     = regexp.MustCompile(`^([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$`)
	percentForm = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)%$`)
	needForm    = regexp.MustCompile(`^([0-9]+\.?[0-9]*|\.[0-9]+)x$`)
	runwayForm  = regexp.MustCompile(`^([0-9]+(y|w|d|h|m|s|ms))+$`)
	runwayPart  = regexp.MustCompile(`([0-9]+)(ms|[ywdhms])`)
)

// Whatever is taken for a threshold has one of the four forms and the value
// that is spelled there, above zero, finite and bounded; to print it and read
// it again gives the same; a text that is refused is quoted, so that one of
// many is found.
func FuzzParseThreshold(f *testing.F) {
	for _, seed := range []string{
		"5000000", "5,000,000", "1.2x", "x", "0x", "1e2x", "0x10x", "-1x", "101x", "0.001x", "1.2X", "20%", "12.5%", "0.00000001%", "33.3333333%", "100.0%", "24h", "1h30m", "1ms", "1h1ms", "1y2w3d4h5m6s7ms", "0y1m", "290y", "1.5%", ".5%",
		"", "0", "-5", "9007199254740992", "9007199254740993", "100y", "0%", "1e1%", "NaN%", "0x1p1%",
		"0." + strings.Repeat("0", 322) + "1%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseThreshold(text)
		if err != nil {
			if got != (Threshold{}) {
				t.Fatalf("ParseThreshold(%q) = %+v, %v", text, got, err)
			}
			if strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Fatalf("cannot be logged in one line: %q", err)
			}
			return
		}
		if !(got.Value > 0) || got.Kind == Ratio && got.Value > 1 || got.Value > 1<<53 {
			t.Fatalf("ParseThreshold(%q) = %+v", text, got)
		}
		mustBeSpelled(t, text, got)
		again, err := ParseThreshold(got.String())
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
	case got.Kind == Need && needForm.MatchString(text):
		if want, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64); err != nil || want != got.Value {
			t.Fatalf("%q is %+v, want %g", text, got, want)
		}
	case got.Kind == Runway && runwayForm.MatchString(text):
		if want := spelledRunway(text); math.Abs(want-got.Value) > 1e-15*want {
			t.Fatalf("%q is %+v, want %g s", text, got, want)
		}
	default:
		t.Fatalf("%q has no form of a threshold, and is %+v", text, got)
	}
}

// spelledRunway returns the seconds that a runway's parts add up to. They are
// added without bounds, so that a sum that has run over is told from the truth.
func spelledRunway(text string) float64 {
	units := map[string]int64{
		"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000, "y": 365 * 86_400_000,
	}
	sum := new(big.Int) // in milliseconds
	for _, part := range runwayPart.FindAllStringSubmatch(text, -1) {
		number, _ := new(big.Int).SetString(part[1], 10)
		sum.Add(sum, number.Mul(number, big.NewInt(units[part[2]])))
	}
	seconds, _ := new(big.Rat).SetFrac(sum, big.NewInt(1000)).Float64()
	return seconds
}
