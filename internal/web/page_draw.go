package web

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

// mark is a threshold as an amount of won, as far as it can be told.
type mark struct {
	config.Threshold

	won   float64
	known bool
}

// marks returns the thresholds of a severity, and the one of them that is hit
// first: a threshold of a pace that is not known has no place.
func (j *standing) marks(severity config.Severity) (all []mark, first mark) {
	for _, level := range j.Merchant.Thresholds[severity] {
		m := mark{Threshold: level}
		switch level.Kind {
		case config.Amount:
			m.won, m.known = level.Value, true
		case config.Ratio:
			m.won, m.known = level.Value*float64(j.Limit.TotalAccount), j.Limit.TotalAccount > 0
		case config.Runway:
			m.won, m.known = level.Value/time.Hour.Seconds()*j.pace.PerHour, j.pace.Settled && j.pace.PerHour > 0
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
// threshold: a cumulative total says nothing then, and would grow for ever.
func (s speaker) newMeter(j *standing, levels string) *meter {
	var (
		m       meter
		full    = float64(j.Limit.Remain)
		highest float64
		marked  []float64
		ratio   bool
	)
	for _, severity := range config.Severities() {
		all, first := j.marks(severity)
		for _, mark := range all {
			ratio = ratio || mark.Kind == config.Ratio
			if mark.known {
				marked = append(marked, mark.won)
			}
		}
		highest = max(highest, first.won)
	}
	if ratio || highest == 0 {
		full = max(full, float64(j.Limit.TotalAccount), highest, 1)
	} else {
		full = max(full, 3*highest)
	}
	length := func(won float64) string { return decimal(100 * min(1, max(0, won/full))) }
	_, firstWarning := j.marks(config.Warning)
	_, firstCritical := j.marks(config.Critical)
	const sliver = 0.8 // what is left must be seen to be left
	fill := min(1, max(0, float64(j.Limit.Remain)/full)) * 100
	if j.Limit.Remain > 0 {
		fill = max(fill, sliver)
	}
	m.Fill, m.Warning, m.Critical = decimal(fill), length(firstWarning.won), length(firstCritical.won)
	for _, won := range marked {
		m.Marks = append(m.Marks, decimal(min(99.4, max(0, 100*won/full-0.3))))
	}
	m.Max = hub.Won(full)
	m.Now = min(m.Max, max(0, j.Limit.Remain))
	m.Text = s.say(s.Meter, j.Limit.Remain, m.Max, levels)
	return &m
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// The size of a trail's drawing, in its own units.
const (
	trailWidth  = 200
	trailHeight = 40
	trailEdge   = 3 // left free on all sides, so that no line is cut
)

// trail is the line of a merchant's recent history.
type trail struct {
	Line, Area string // paths; a line that is as good as flat has no area
	X, Y       int    // of the newest figure
	Text, Note string
}

// newTrail draws a history up to now, from zero won upwards, with nothing
// drawn where nothing is known. Two figures make a line; with fewer there is
// none.
func (s speaker) newTrail(points []history.Point, now time.Time) *trail {
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
		const width, height = trailWidth - 2*trailEdge, trailHeight - 2*trailEdge
		x = trailEdge + int(width*min(1, float64(p.At.Sub(first.At))/float64(span)))
		return x, trailEdge + int(height*(1-float64(p.Remain-floor)/float64(top-floor))+0.5)
	}
	d := drawing{base: trailHeight}
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
	t := &trail{Line: d.line.String(), Note: s.say(s.HistoryNote, s.span(span))}
	if 8*(highest-lowest) >= top-floor { // below a flat line it looks like something that is not loaded yet
		t.Area = d.area.String()
	}
	t.X, t.Y = place(last)
	t.Text = s.say(s.History, s.length(span), first.Remain, last.Remain, lowest, highest)
	if gaps > 0 {
		t.Text += s.say(s.Gaps, gaps)
	}
	return t
}

// drawing writes the line and the area below it, piece by piece, with no more
// points than can be seen.
type drawing struct {
	line, area strings.Builder
	base       int
	piece      [][2]int
}

func (d *drawing) to(x, y int) {
	if n := len(d.piece); n > 1 {
		a, b := d.piece[n-2], d.piece[n-1]
		if b == [2]int{x, y} || a[1] == b[1] && b[1] == y {
			d.piece = d.piece[:n-1] // between two of the same height
		}
	}
	d.piece = append(d.piece, [2]int{x, y})
}

func (d *drawing) end() {
	if len(d.piece) == 0 {
		return
	}
	var path strings.Builder
	for i, p := range d.piece {
		fmt.Fprintf(&path, "%c%d %d", "LM"[boolRank(i == 0)], p[0], p[1])
	}
	first, last := d.piece[0], d.piece[len(d.piece)-1]
	if len(d.piece) == 1 {
		fmt.Fprintf(&path, "L%d %d", last[0], last[1]) // a dot: the line's round end
	}
	d.line.WriteString(path.String())
	fmt.Fprintf(&d.area, "%sV%dH%dZ", path.String(), d.base, first[0])
	d.piece = d.piece[:0]
}
