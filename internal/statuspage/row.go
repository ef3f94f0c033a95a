package statuspage

import (
	"net/url"
	"strings"
	"time"

	"payple_exporter/internal/advice"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
)

// row is one merchant as the template shows it, all as text.
type row struct {
	Name, CstID, Hub, Contact  string // CstID only where it is not the name
	Tone                       string
	Badge                      segments
	Known                      bool
	Remain, Transferred, Total string
	InWords                    string     // Remain again, where it is long
	Levels                     []segments // one for each severity
	Meter                      *meter
	Runway                     string
	RunwayNote                 segments
	Sparkline                  *sparkline
	State, Last, Action        segments // Last is what was last known, where nothing is
	Next                       string
	Probe, Runbook             string // Runbook is the name of an alert
}

// newRow makes the row of a merchant.
func (p printer) newRow(st *status, history []history.Point, now time.Time) row {
	r := row{
		Name: st.Merchant.Name, Hub: st.Merchant.Hub, Contact: st.Merchant.Contact, Known: st.Known,
		Tone: st.condition.tone(), Badge: splitSegments(p.print(st.condition.badge(p.texts))),
		Sparkline: p.newSparkline(history, now),
		State:     splitSegments(p.state(st, now)), Next: p.nextQuery(st, now),
		Probe: "probe?" + url.Values{"merchant": {st.Merchant.Name}}.Encode(), Runbook: st.alert(),
	}
	if st.Merchant.CstID != st.Merchant.Name {
		r.CstID = st.Merchant.CstID
	}
	if st.Known {
		r.Remain, r.InWords, r.Transferred = p.won(st.Limit.Remain), p.inWords(st.Limit.Remain), p.won(st.Limit.TotalTransfer)
		r.Total = p.print(p.Total, p.won(st.Limit.TotalAccount))
		levels := p.levels(st)
		for _, level := range levels {
			r.Levels = append(r.Levels, splitSegments(level))
		}
		r.Meter = p.newMeter(st, strings.Join(levels, ", "))
		runway, note := p.runway(st, now)
		r.Runway, r.RunwayNote = runway, splitSegments(note)
	} else if st.condition != asking {
		r.Last = splitSegments(p.lastKnown(st, now))
	}
	if st.Failure != nil {
		r.Action = splitSegments(capitalize(p.print(advice.Action(st.Failure))))
	}
	return r
}

// state describes where the figures come from, or why there are none.
func (p printer) state(st *status, now time.Time) string {
	var problem string
	if st.Failure != nil {
		problem = p.print(advice.Problem(st.Failure))
	}
	switch {
	case st.condition == asking:
		return p.print(p.Asking)
	case st.Known && st.Up:
		return p.print(p.AsOf, timeOfDay(st.LastSuccess, now), p.duration(now.Sub(st.LastSuccess)))
	case st.Known:
		return p.print(p.KeptFrom, timeOfDay(st.LastSuccess, now), problem, timeOfDay(st.FailingSince, now))
	case st.Failure == nil: // the latest query succeeded, too long ago
		return p.print(p.NotAsked)
	}
	return capitalize(p.print(p.FailedSince, problem, timeOfDay(st.FailingSince, now)))
}

// lastKnown describes what the hub last answered, as history.
func (p printer) lastKnown(st *status, now time.Time) string {
	if st.last.at.IsZero() {
		return p.print(p.NeverAnswered)
	}
	return p.print(p.LastKnown, p.won(st.last.Remain), timeOfDay(st.last.at, now))
}

func (p printer) nextQuery(st *status, now time.Time) string {
	switch {
	case st.condition == asking:
		return ""
	case st.NextQuery.After(now):
		return p.print(p.NextQuery, timeOfDay(st.NextQuery, now))
	}
	return p.print(p.NextQueryNow)
}

// runway describes how long the remaining amount lasts, and what that follows
// from.
func (p printer) runway(st *status, now time.Time) (text, note string) {
	const quarter = 90 * 24 * time.Hour // no outflow stays the same for longer
	window := p.period(st.outflow.Window)
	runway, ends := st.outflow.Runway(st.Limit.Remain)
	switch {
	case st.Limit.Remain <= 0:
		return p.print(p.NothingLeft), ""
	case st.outflow.Window == 0:
		return p.print(p.TooEarly), p.print(p.TooEarlyNote, p.duration(history.MinWindow))
	case ends:
		text = p.print(p.LastsLong, p.duration(quarter))
		if runway <= quarter {
			text = p.print(p.Lasts, p.duration(runway), p.until(runway, now))
		}
		return text, p.print(p.LastsNote, p.won(floor(st.outflow.PerHour)), window)
	case st.outflow.Paid > 0:
		return p.print(p.NotSteady), p.print(p.NotSteadyNote, p.won(st.outflow.Paid), window)
	}
	return p.print(p.NoPayouts), p.print(p.NoPayoutsNote, window)
}

// levels formats all thresholds that are configured, one text per severity.
func (p printer) levels(st *status) (texts []string) {
	for _, severity := range config.Severities() {
		all, _ := st.marks(severity)
		alternatives := make([]string, len(all))
		for i, m := range all {
			alternatives[i] = p.level(m)
		}
		below := p.LevelWarning
		if severity == config.Critical {
			below = p.LevelCritical
		}
		if len(all) > 0 {
			texts = append(texts, capitalize(p.print(below, strings.Join(alternatives, p.print(p.Or)))))
		}
	}
	return texts
}

// level formats a threshold as it is configured, and its present amount where
// that varies and is known.
func (p printer) level(m mark) string {
	var text string
	switch m.Kind {
	case config.Amount:
		return p.won(floor(m.won))
	case config.Ratio:
		text = config.Percent(m.Value)
	case config.Runway:
		text = p.print(p.RunwayOf, p.duration(time.Duration(m.Value*float64(time.Second))))
	case config.Need:
		text = p.print(p.NeedOf, m.Threshold)
	}
	if m.known {
		text += p.print(p.AtPresent, p.won(floor(m.won)))
	}
	return text
}
