package web

import (
	"net/url"
	"strings"
	"time"

	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
)

// documentation is where the repository's documents are read, as the alerts'
// runbook_url says it.
const documentation = "https://github.com/payple-exporter/payple_exporter/blob/main/"

// row is one merchant as the template shows it: all in words.
type row struct {
	Name, CstID, Hub           string // CstID only where it is not the name
	Tone                       string
	Badge                      prose
	Known                      bool
	Remain, Transferred, Total string
	Levels                     []prose // one for each severity
	Meter                      *meter
	Runway                     string
	RunwayNote                 prose
	Trail                      *trail
	State, Last, Action        prose // Last is what was last known, where nothing is
	Next                       string
	Probe, Runbook             string
}

// newRow puts a merchant into words.
func (s speaker) newRow(j *standing, points []history.Point, now time.Time) row {
	r := row{
		Name: j.Merchant.Name, Hub: j.Merchant.Hub, Known: j.Known,
		Tone: j.condition.tone(), Badge: newProse(s.say(j.condition.badge(s.words))),
		Trail: s.newTrail(points, now),
		State: newProse(s.state(j, now)), Next: s.nextQuery(j, now),
		Probe: "probe?" + url.Values{"merchant": {j.Merchant.Name}}.Encode(),
	}
	if j.Merchant.CstID != j.Merchant.Name {
		r.CstID = j.Merchant.CstID
	}
	if j.Known {
		r.Remain, r.Transferred = j.Limit.Remain.String(), j.Limit.TotalTransfer.String()
		r.Total = s.say(s.Total, j.Limit.TotalAccount)
		levels := s.levels(j)
		for _, level := range levels {
			r.Levels = append(r.Levels, newProse(level))
		}
		r.Meter = s.newMeter(j, strings.Join(levels, ", "))
		runway, note := s.runway(j)
		r.Runway, r.RunwayNote = runway, newProse(note)
	} else if j.condition != asking {
		r.Last = newProse(s.lastKnown(j, now))
	}
	if j.Failure != nil {
		r.Action = newProse(capital(s.say(j.Failure.Action())))
	}
	if name := j.alert(); name != "" {
		r.Runbook = documentation + "docs/runbooks/" + name + ".md"
	}
	return r
}

// state says where the figures come from, or why there are none.
func (s speaker) state(j *standing, now time.Time) string {
	switch {
	case j.condition == asking:
		return s.say(s.Asking)
	case j.Known && j.Up:
		return s.say(s.AsOf, clock(j.LastSuccess, now), s.length(now.Sub(j.LastSuccess)))
	case j.Known:
		return s.say(s.KeptFrom, clock(j.LastSuccess, now), s.say(j.Failure.Problem()), clock(j.FailingSince, now))
	case j.Failure == nil: // the latest query succeeded, too long ago
		return s.say(s.NotAsked)
	}
	return capital(s.say(s.FailedSince, s.say(j.Failure.Problem()), clock(j.FailingSince, now)))
}

// lastKnown says what the hub last said, as history.
func (s speaker) lastKnown(j *standing, now time.Time) string {
	if j.last.at.IsZero() {
		return s.say(s.NeverAnswered)
	}
	return s.say(s.LastKnown, j.last.Remain, clock(j.last.at, now))
}

func (s speaker) nextQuery(j *standing, now time.Time) string {
	switch {
	case j.condition == asking:
		return ""
	case j.NextQuery.After(now):
		return s.say(s.NextQuery, clock(j.NextQuery, now))
	}
	return s.say(s.NextQueryNow)
}

// runway says how long what remains lasts, and what that is taken from.
func (s speaker) runway(j *standing) (text, note string) {
	window := s.span(j.pace.Window)
	runway, ends := j.pace.Runway(j.Limit.Remain)
	switch {
	case j.Limit.Remain <= 0:
		return s.say(s.NothingLeft), ""
	case j.pace.Window == 0:
		return s.say(s.TooEarly), s.say(s.TooEarlyNote, s.length(history.MinWindow))
	case ends:
		return s.say(s.Lasts, s.longest(runway)), s.say(s.LastsNote, won(j.pace.PerHour), window)
	case j.pace.Paid > 0:
		return s.say(s.NotSteady), s.say(s.NotSteadyNote, j.pace.Paid, window)
	}
	return s.say(s.NoPayouts), s.say(s.NoPayoutsNote, window)
}

// longest says a runway; beyond a quarter of a year no pace holds so long.
func (s speaker) longest(runway time.Duration) string {
	const quarter = 90 * 24 * time.Hour
	if runway > quarter {
		return s.say(s.LongTime, s.length(quarter))
	}
	return s.length(runway)
}

// levels says the thresholds, all that are configured of each severity.
func (s speaker) levels(j *standing) (texts []string) {
	for _, severity := range config.Severities() {
		all, _ := j.marks(severity)
		alternatives := make([]string, len(all))
		for i, m := range all {
			alternatives[i] = s.level(m)
		}
		below := s.LevelWarning
		if severity == config.Critical {
			below = s.LevelCritical
		}
		if len(all) > 0 {
			texts = append(texts, capital(s.say(below, strings.Join(alternatives, s.say(s.Or)))))
		}
	}
	return texts
}

// level says a threshold as it is configured, and how much that is at present
// if that moves and is known.
func (s speaker) level(m mark) string {
	var text string
	switch m.Kind {
	case config.Amount:
		return won(m.won)
	case config.Ratio:
		text = percent(m.Value)
	case config.Runway:
		text = s.say(s.RunwayOf, s.length(time.Duration(m.Value*float64(time.Second))))
	}
	if m.known {
		text += s.say(s.AtPresent, won(m.won))
	}
	return text
}
