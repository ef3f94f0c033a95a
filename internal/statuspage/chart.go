package statuspage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
)

// meter is a bar of what remains, with its thresholds marked. All lengths are
// percent of the bar.
type meter struct {
	Fill, Warning, Critical string   // the zones below the first threshold of each severity
	Marks                   []string // where each threshold is
	Now, Max                hub.Won  // for screen readers: never beyond the bar's ends
	Text                    string
}

// mark is a threshold as an amount of won, as far as that is known.
type mark struct {
	config.Threshold

	won   float64
	known bool
}

// marks returns the thresholds of a severity, and the one of them that is hit
// first. A runway has no amount while the outflow is not known.
func (st *status) marks(severity config.Severity) (all []mark, first mark) {
	for _, level := range st.Merchant.Thresholds[severity] {
		m := mark{Threshold: level}
		switch level.Kind {
		case config.Amount:
			m.won, m.known = level.Value, true
		case config.Ratio:
			m.won, m.known = level.Value*float64(st.Limit.TotalAccount), st.Limit.TotalAccount > 0
		case config.Need: // known to Prometheus, which remembers last week
		case config.Runway:
			m.won, m.known = level.Value/time.Hour.Seconds()*st.outflow.PerHour, st.outflow.Settled && st.outflow.PerHour > 0
		}
		all = append(all, m)
		if m.known && (!first.known || m.won > first.won) {
			first = m
		}
	}
	return all, first
}

// newMeter draws what remains against all that the account can draw on where
// a threshold is a share of that, else against three times the highest
// threshold: a cumulative total says nothing then, and grows for ever.
func (p printer) newMeter(st *status, levels string) *meter {
	var (
		remain  = float64(st.Limit.Remain)
		first   = make(map[config.Severity]float64) // the threshold that is hit first
		marked  []float64
		highest float64
		ratio   bool
	)
	for _, severity := range config.Severities() {
		all, hit := st.marks(severity)
		first[severity], highest = hit.won, max(highest, hit.won)
		for _, mark := range all {
			ratio = ratio || mark.Kind == config.Ratio
			if mark.known {
				marked = append(marked, mark.won)
			}
		}
	}
	full := max(remain, 3*highest)
	if ratio || highest == 0 {
		full = max(remain, float64(st.Limit.TotalAccount), highest, 1)
	}
	share := func(won float64) float64 { return 100 * min(1, max(0, won/full)) }
	fill := share(remain)
	if remain > 0 {
		fill = max(fill, 0.8) // what is left must be visible
	}
	m := meter{
		Fill: decimal(fill), Warning: decimal(share(first[config.Warning])), Critical: decimal(share(first[config.Critical])),
		Max: hub.Won(full), Text: p.print(p.Meter, p.won(st.Limit.Remain), p.won(hub.Won(full)), levels),
	}
	m.Now = min(m.Max, max(0, st.Limit.Remain))
	for _, won := range marked {
		m.Marks = append(m.Marks, decimal(min(99.4, max(0, 100*won/full-0.3))))
	}
	return &m
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// sparkline is the line of a merchant's recent history.
type sparkline struct {
	Line, Area string // paths; a nearly flat line has no area
	X, Y       int    // of the newest figure
	Text, Note string
}

// newSparkline draws a history up to now, from zero won upwards, with gaps where
// nothing is known. It returns nil for fewer than two figures.
func (p printer) newSparkline(points []history.Point, now time.Time) *sparkline {
	if len(points) < 2 {
		return nil
	}
	first, last := points[0], points[len(points)-1]
	span := max(now.Sub(first.At), time.Second)
	lowest, highest := first.Remain, first.Remain
	for _, p := range points {
		lowest, highest = min(lowest, p.Remain), max(highest, p.Remain)
	}
	floor, top := min(0, lowest), max(1, highest)
	const (
		width, height = 200, 40 // of the picture, in its own units
		edge          = 3       // left free on all sides, so that no line is cut
	)
	var segments [][][2]int // unbroken lines, without points that nobody could see
	for i, p := range points {
		x := edge + int((width-2*edge)*min(1, float64(p.At.Sub(first.At))/float64(span)))
		y := edge + int((height-2*edge)*(1-float64(p.Remain-floor)/float64(top-floor))+0.5)
		if i == 0 || p.Gap {
			segments = append(segments, nil)
		}
		segment := &segments[len(segments)-1]
		if n := len(*segment); n > 1 {
			a, b := (*segment)[n-2], (*segment)[n-1]
			if b == [2]int{x, y} || a[1] == b[1] && b[1] == y {
				*segment = (*segment)[:n-1] // between two of the same height
			}
		}
		*segment = append(*segment, [2]int{x, y})
	}
	t := &sparkline{Note: p.print(p.HistoryNote, p.period(span))}
	var area strings.Builder
	for _, segment := range segments {
		path := linePath(segment)
		t.Line += path
		fmt.Fprintf(&area, "%sV%dH%dZ", path, height, segment[0][0])
		t.X, t.Y = segment[len(segment)-1][0], segment[len(segment)-1][1]
	}
	if 8*(highest-lowest) >= top-floor { // below a flat line it looks like a picture that has not loaded yet
		t.Area = area.String()
	}
	t.Text = p.print(p.History, p.duration(span), p.won(first.Remain), p.won(last.Remain), p.won(lowest), p.won(highest))
	if gaps := len(segments) - 1; gaps > 0 {
		t.Text += p.print(p.Gaps, gaps)
	}
	return t
}

// linePath returns the path of an unbroken line.
func linePath(points [][2]int) string {
	var path strings.Builder
	fmt.Fprintf(&path, "M%d %d", points[0][0], points[0][1])
	if len(points) > 1 {
		points = points[1:] // else a dot, by the line's round end
	}
	for _, p := range points {
		fmt.Fprintf(&path, "L%d %d", p[0], p[1])
	}
	return path.String()
}
