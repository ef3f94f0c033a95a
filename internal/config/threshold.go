package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"payple_exporter/hub"
)

// Kind is what a threshold is measured in.
type Kind string

// The kinds. Amount and Runway are the trustworthy ones: where the hub's total
// is cumulative, a share of it means less every month.
const (
	Amount Kind = "amount" // won
	Ratio  Kind = "ratio"  // share of total_account_amt, 0 to 1
	Runway Kind = "runway" // time until nothing is left, at the present outflow
	Need   Kind = "need"   // multiple of what the coming 24 hours took last week; only Prometheus can judge it
)

// Threshold is one level below which a remaining limit is low.
type Threshold struct {
	Kind Kind
	// Value is in won, as a share from 0 to 1, in seconds, or a multiple, as Kind says.
	// Won beyond 2^53 are refused, so that it is exact.
	Value float64
}

// ParseThreshold reads a threshold: "5000000" won (commas between groups of three are
// fine), "20%" of the total, "24h" of runway (units y, w, d, h, m, s), or "1.2x"
// what the coming 24 hours took last week.
func ParseThreshold(text string) (Threshold, error) {
	if number, ok := strings.CutSuffix(text, "%"); ok {
		return parseRatio(text, number)
	}
	if number, ok := strings.CutSuffix(text, "x"); ok {
		return parseNeed(text, number)
	}
	if won, err := hub.ParseWon(text); err == nil {
		if won <= 0 {
			return Threshold{}, fmt.Errorf("threshold %s: an amount must be above 0 won", hub.Quote(text))
		}
		return Threshold{Amount, float64(won)}, nil
	}
	duration, err := model.ParseDuration(text)
	if err != nil || duration <= 0 || strings.HasSuffix(text, "ms") { // nobody means so short a time: it was to be minutes
		return Threshold{}, fmt.Errorf(
			"threshold %s: want an amount in won (5000000), a share of the total (20%%), a runway (24h) or a multiple of last week's need (1.2x)", hub.Quote(text))
	}
	return Threshold{Runway, time.Duration(duration).Seconds()}, nil
}

// minRatio is the smallest share: less than one won even of the largest amount
// could never be told from nothing at all.
const minRatio = 1 / float64(hub.MaxWon)

// maxNeed is the largest multiple: beyond it, somebody has mistaken the unit.
const maxNeed = 100

func parseNeed(text, number string) (Threshold, error) {
	multiple, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.Trim(number, "0123456789.") != "" || multiple < 1/float64(maxNeed) || multiple > maxNeed {
		return Threshold{}, fmt.Errorf("threshold %s: want a multiple of what the coming 24 hours took last week, from 0.01x to %dx", hub.Quote(text), maxNeed)
	}
	return Threshold{Need, multiple}, nil
}

func parseRatio(text, number string) (Threshold, error) {
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.Trim(number, "0123456789.") != "" || percent/100 < minRatio || percent > 100 {
		return Threshold{}, fmt.Errorf("threshold %s: want a share above 0%% and up to 100%%", hub.Quote(text))
	}
	return Threshold{Ratio, percent / 100}, nil
}

// String returns the threshold as ParseThreshold reads it.
func (t Threshold) String() string {
	switch t.Kind {
	case Ratio:
		return Percent(t.Value)
	case Runway:
		// A runway is whole milliseconds, which a float64 of seconds may miss
		// by a trifle.
		return model.Duration(time.Duration(math.Round(t.Value*1000)) * time.Millisecond).String()
	case Need:
		return strconv.FormatFloat(t.Value, 'f', -1, 64) + "x"
	case Amount:
	}
	return strconv.FormatFloat(t.Value, 'f', -1, 64)
}

// Percent returns a share such as 0.07 as people write it, 7%. 0.07 × 100 is
// 7.000000000000001: twelve digits are more than anybody writes, and hide such
// noise.
func Percent(share float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(share*100, 'e', 11, 64), 64) // of a number printed just now
	return strconv.FormatFloat(rounded, 'f', -1, 64) + "%"
}

// Severity is how bad it is to be below a threshold, as the alerts' label of
// that name says it.
type Severity string

// The severities: for a ticket, and for a pager.
const (
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Severities returns both, the milder one first.
func Severities() []Severity { return []Severity{Warning, Critical} }

// Levels are a merchant's thresholds: per severity, at most one of each kind.
// The first that is hit counts.
type Levels map[Severity][]Threshold

// DefaultLevels returns the levels that hold where none are set. None is a share:
// of a total that is cumulative, it would page for ever.
func DefaultLevels() Levels {
	return Levels{Warning: {{Runway, 24 * time.Hour.Seconds()}}, Critical: {{Runway, 4 * time.Hour.Seconds()}}}
}

// ParseLevels reads the thresholds of both severities; defaults stands in for
// a severity for which there is none. Several faults come as one joined error.
func ParseLevels(warning, critical []string, defaults Levels) (Levels, error) {
	levels := make(Levels)
	var faults []error
	set := map[Severity][]string{Warning: warning, Critical: critical}
	for _, severity := range Severities() {
		texts := set[severity]
		if len(texts) == 0 {
			levels[severity] = defaults[severity]
			continue
		}
		parsed, err := parseAll(severity, texts)
		levels[severity] = parsed
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return levels, levels.checkOrder()
}

// parseAll reads the thresholds of one severity.
func parseAll(severity Severity, texts []string) ([]Threshold, error) {
	var (
		parsed []Threshold
		faults []error
	)
	seen := make(map[Kind]string)
	for _, text := range texts {
		threshold, err := ParseThreshold(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", severity, err))
			continue
		}
		if first, twice := seen[threshold.Kind]; twice {
			faults = append(faults, fmt.Errorf("%s: two thresholds of one kind, %s and %s: keep one", severity, first, text))
			continue
		}
		seen[threshold.Kind] = text
		parsed = append(parsed, threshold)
	}
	return parsed, errors.Join(faults...)
}

// checkOrder refuses a critical threshold that is hit before the warning one.
func (l Levels) checkOrder() error {
	for _, warning := range l[Warning] {
		for _, critical := range l[Critical] {
			if warning.Kind == critical.Kind && cmp.Compare(critical.Value, warning.Value) > 0 {
				return fmt.Errorf("critical threshold %s is hit before warning threshold %s: set the critical one lower", critical, warning)
			}
		}
	}
	return nil
}
