package web

import (
	"net/url"
	"strings"
	"time"

	"payple_exporter/collector"
	"payple_exporter/threshold"
)

// documentation is where the repository's documents are read, as the alerts'
// runbook_url says it.
const documentation = "https://github.com/payple-exporter/payple_exporter/blob/main/"

// row is one merchant as the template shows it: all in words.
type row struct {
	Name, CstID, Hub           string // CstID only where it is not the name
	Tone, Badge                string
	Known                      bool
	Remain, Transferred, Total string
	Levels                     []string // one for each severity
	Meter                      *meter
	Runway, RunwayNote         string
	Trail                      *trail
	State, Action, Next        string
	Probe, Runbook             string
}

// newRow puts a merchant into words.
func (s speaker) newRow(j standing, history []collector.Point, now time.Time) row {
	r := row{
		Name: j.Merchant.Name, Hub: j.Merchant.Hub, Known: j.Known,
		Tone: j.condition.tone(), Badge: s.say(j.condition.badge(s.words)),
		Trail: s.newTrail(history, now),
		State: s.state(&j, now), Next: s.nextQuery(&j, now),
		Probe: "probe?" + url.Values{"merchant": {j.Merchant.Name}}.Encode(),
	}
	if j.Merchant.CstID != j.Merchant.Name {
		r.CstID = j.Merchant.CstID
	}
	if j.Known {
		r.Remain, r.Transferred, r.Total = j.Limit.Remain.String(), j.Limit.TotalTransfer.String(), j.Limit.TotalAccount.String()
		r.Levels = s.levels(&j)
		r.Meter = s.newMeter(&j, strings.Join(r.Levels, ", "))
		r.Runway, r.RunwayNote = s.runway(&j)
	}
	if j.Failure != nil {
		r.Action = capital(s.say(j.Failure.Action()))
	}
	if name := j.condition.runbook(); name != "" {
		r.Runbook = documentation + "docs/runbooks/" + name + ".md"
	}
	return r
}

// state says where the figures come from, or why there are none.
func (s speaker) state(j *standing, now time.Time) string {
	switch {
	case j.condition == asking:
		return s.say(s.Asking)
	case j.Up && j.Known:
		return s.say(s.AsOf, clock(j.LastSuccess, now), s.length(now.Sub(j.LastSuccess)))
	case j.Failure == nil: // succeeded, so long ago that the figures are too old
		return s.say(s.LastAnswer, clock(j.LastSuccess, now))
	case j.Known:
		return s.say(s.KeptFrom, clock(j.LastSuccess, now), s.say(j.Failure.Problem()), clock(j.FailingSince, now))
	}
	text := capital(s.say(s.FailedSince, s.say(j.Failure.Problem()), clock(j.FailingSince, now)))
	if j.LastSuccess.IsZero() {
		return text + ". " + s.say(s.NeverAnswered)
	}
	return text + ". " + s.say(s.LastAnswer, clock(j.LastSuccess, now))
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
	window := s.length(j.pace.Window)
	runway, ends := j.pace.Runway(j.Limit.Remain)
	switch {
	case j.Limit.Remain <= 0:
		return s.say(s.NothingLeft), ""
	case j.pace.Window == 0:
		return s.say(s.TooEarly), s.say(s.TooEarlyNote, s.length(collector.MinPaceWindow))
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

// levels says the thresholds: of each severity the one that is hit first, and
// what it comes from.
func (s speaker) levels(j *standing) (texts []string) {
	for _, severity := range []threshold.Severity{threshold.Warning, threshold.Critical} {
		all, first := j.marks(severity)
		var sources []string
		for _, m := range all {
			switch m.Kind {
			case threshold.Amount:
				if m != first {
					sources = append(sources, won(m.won))
				}
			case threshold.Ratio:
				sources = append(sources, percent(m.Value))
			case threshold.Runway:
				sources = append(sources, s.say(s.RunwayOf, s.length(time.Duration(m.Value*float64(time.Second)))))
			}
		}
		withAmount, without := s.LevelWarning, s.LevelWarningOnly
		if severity == threshold.Critical {
			withAmount, without = s.LevelCritical, s.LevelCriticalOnly
		}
		from := strings.Join(sources, ", ")
		switch {
		case first.known && from != "":
			texts = append(texts, capital(s.say(withAmount, won(first.won), " ("+from+")")))
		case first.known:
			texts = append(texts, capital(s.say(withAmount, won(first.won), "")))
		case from != "":
			texts = append(texts, capital(s.say(without, from)))
		}
	}
	return texts
}
