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
		m       meter
		full    = float64(st.Limit.Remain)
		highest float64
		marked  []float64
		ratio   bool
	)
	for _, severity := range config.Severities() {
		all, first := st.marks(severity)
		for _, mark := range all {
			ratio = ratio || mark.Kind == config.Ratio
			if mark.known {
				marked = append(marked, mark.won)
			}
		}
		highest = max(highest, first.won)
	}
	if ratio || highest == 0 {
		full = max(full, float64(st.Limit.TotalAccount), highest, 1)
	} else {
		full = max(full, 3*highest)
	}
	length := func(won float64) string { return decimal(100 * min(1, max(0, won/full))) }
	_, firstWarning := st.marks(config.Warning)
	_, firstCritical := st.marks(config.Critical)
	const sliver = 0.8 // what is left must be visible
	fill := min(1, max(0, float64(st.Limit.Remain)/full)) * 100
	if st.Limit.Remain > 0 {
		fill = max(fill, sliver)
	}
	m.Fill, m.Warning, m.Critical = decimal(fill), length(firstWarning.won), length(firstCritical.won)
	for _, won := range marked {
		m.Marks = append(m.Marks, decimal(min(99.4, max(0, 100*won/full-0.3))))
	}
	m.Max = hub.Won(full)
	m.Now = min(m.Max, max(0, st.Limit.Remain))
	m.Text = p.print(p.Meter, st.Limit.Remain, m.Max, levels)
	return &m
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// The size of a sparkline, in its own units.
const (
	sparklineWidth  = 200
	sparklineHeight = 40
	sparklineEdge   = 3 // left free on all sides, so that no line is cut
)

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
	place := func(p history.Point) (x, y int) {
		const width, height = sparklineWidth - 2*sparklineEdge, sparklineHeight - 2*sparklineEdge
		x = sparklineEdge + int(width*min(1, float64(p.At.Sub(first.At))/float64(span)))
		return x, sparklineEdge + int(height*(1-float64(p.Remain-floor)/float64(top-floor))+0.5)
	}
	d := drawing{base: sparklineHeight}
	gaps := 0
	for i, p := range points {
		x, y := place(p)
		if i > 0 && p.Gap {
			gaps++
			d.end()
		}
		d.to(x, y)
	}
	d.end()
	t := &sparkline{Line: d.line.String(), Note: p.print(p.HistoryNote, p.period(span))}
	if 8*(highest-lowest) >= top-floor { // below a flat line it looks like a picture that has not loaded yet
		t.Area = d.area.String()
	}
	t.X, t.Y = place(last)
	t.Text = p.print(p.History, p.duration(span), first.Remain, last.Remain, lowest, highest)
	if gaps > 0 {
		t.Text += p.print(p.Gaps, gaps)
	}
	return t
}

// drawing builds the paths of the line and of the area below it, one unbroken
// segment after the other, without points that nobody could see.
type drawing struct {
	line, area strings.Builder
	base       int
	segment    [][2]int
}

func (d *drawing) to(x, y int) {
	if n := len(d.segment); n > 1 {
		a, b := d.segment[n-2], d.segment[n-1]
		if b == [2]int{x, y} || a[1] == b[1] && b[1] == y {
			d.segment = d.segment[:n-1] // between two of the same height
		}
	}
	d.segment = append(d.segment, [2]int{x, y})
}

func (d *drawing) end() {
	if len(d.segment) == 0 {
		return
	}
	var path strings.Builder
	for i, p := range d.segment {
		fmt.Fprintf(&path, "%c%d %d", "LM"[boolRank(i == 0)], p[0], p[1])
	}
	first, last := d.segment[0], d.segment[len(d.segment)-1]
	if len(d.segment) == 1 {
		fmt.Fprintf(&path, "L%d %d", last[0], last[1]) // a dot, by the line's round end
	}
	d.line.WriteString(path.String())
	fmt.Fprintf(&d.area, "%sV%dH%dZ", path.String(), d.base, first[0])
	d.segment = d.segment[:0]
}
