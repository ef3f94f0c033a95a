package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// A text is one threshold of one kind, or it is refused with what to write.
func TestParseThreshold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Threshold{
		"5000000": {Amount, 5_000_000}, "5,000,000": {Amount, 5_000_000}, "1": {Amount, 1},
		"20%": {Ratio, 0.2}, "12.5%": {Ratio, 0.125}, "100%": {Ratio, 1}, "0.1%": {Ratio, 0.001}, "1.2x": {Need, 1.2}, "0.01x": {Need, 0.01}, "100x": {Need, 100},
		"24h": {Runway, 86_400}, "2d": {Runway, 172_800}, "1h30m": {Runway, 5400}, "90s": {Runway, 90},
	} {
		got, err := ParseThreshold(text)
		if err != nil || got != want {
			t.Errorf("ParseThreshold(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "0", "-5", "0%", "-1%", "101%", "%", "x%", "1e1%", "NaN%", "Inf%", "+5%", "5 %", "1.5", "1_000", "50,00", "₩5", "0s", "-1h",
		"x", "0x", "-1x", "1e1x", "0x1p1x", "+1x", "1 x", "1.2X", "0.009x", "100.1x", "h", "1.5h", "24 h", "ten", "9007199254740993",
	} {
		if got, err := ParseThreshold(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("ParseThreshold(%q) = %+v, %v; want an error that quotes it", text, got, err)
		}
	}
}

// A share is printed as it was written, without the noise of floating point.
func TestWholePercentages(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 100; n++ {
		text := strconv.Itoa(n) + "%"
		if threshold, err := ParseThreshold(text); err != nil || threshold.String() != text {
			t.Errorf("%s is printed as %s, %v", text, threshold, err)
		}
	}
}

// Defaults hold for the severity that has none set; two of one kind and a
// critical level above the warning level are refused.
func TestParseLevels(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		warning, critical []string
		want              Levels
		fault             string
	}{
		"none set":         {nil, nil, DefaultLevels(), ""},
		"one set":          {[]string{"5000000"}, nil, Levels{Warning: {{Amount, 5_000_000}}, Critical: {{Runway, 14_400}}}, ""},
		"several kinds":    {[]string{"5000000", "24h"}, []string{"1000000"}, Levels{Warning: {{Amount, 5_000_000}, {Runway, 86_400}}, Critical: {{Amount, 1_000_000}}}, ""},
		"equal is fine":    {[]string{"5%"}, []string{"5%"}, Levels{Warning: {{Ratio, 0.05}}, Critical: {{Ratio, 0.05}}}, ""},
		"two of one kind":  {[]string{"5000000", "6000000"}, nil, nil, "warning: two thresholds of one kind, 5000000 and 6000000: keep one"},
		"wrong way round":  {[]string{"1000000"}, []string{"5000000"}, nil, "critical threshold 5000000 is hit before warning threshold 1000000"},
		"against defaults": {[]string{"2h"}, nil, nil, "critical threshold 4h is hit before warning threshold 2h"},
		"several faults":   {[]string{"x", "y"}, []string{"z"}, nil, `"z"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseLevels(test.warning, test.critical, DefaultLevels())
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Fatalf("error %v, want %q", err, test.fault)
				}
				if name == "several faults" && strings.Count(err.Error(), "\n") != 2 {
					t.Errorf("three faults are not all told: %v", err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}
