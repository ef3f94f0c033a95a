package web

import (
	"cmp"
	"math"
	"slices"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
)

// condition is how a merchant stands, as the page sorts and colours it.
type condition int

// The conditions, worst first: what an operator must see first comes first.
// Nothing left is certain harm, so it comes before not knowing; not knowing may
// be the same harm, and probably is where little was left, so it comes before
// what is low and still pays. What a person must mend comes before what may
// heal by itself.
const (
	exhausted   condition = iota // known, and nothing remains
	lostLow                      // unknown, and low when it was last known
	refused                      // unknown, because the hub refuses key or address
	lost                         // unknown, because queries fail
	critical                     // known, below a critical threshold
	warning                      // known, below a warning threshold
	keptRefused                  // known and enough, but the hub now refuses key or address
	kept                         // known and enough, but the latest query failed
	asking                       // not asked yet, or the first answer is not there
	fine                         // known and enough
)

// conditions is how many there are.
const conditions = int(fine) + 1

// attention tells whether somebody should look.
func (c condition) attention() bool { return c < asking }

// tone is the class that a condition is coloured by.
func (c condition) tone() string {
	switch c {
	case exhausted, lostLow, refused, lost, critical:
		return "bad"
	case warning, keptRefused, kept:
		return "warn"
	case asking:
		return "idle"
	case fine:
	}
	return "ok"
}

// badge is the condition in a word.
func (c condition) badge(w *words) lang.Text {
	return [conditions]lang.Text{
		w.BadgeExhausted, w.BadgeLostLow, w.BadgeRefused, w.BadgeLost, w.BadgeCritical, w.BadgeWarning,
		w.BadgeKeptRefused, w.BadgeKept, w.BadgeAsking, w.BadgeFine,
	}[c]
}

// remembered is what the hub last said of a merchant, and when.
type remembered struct {
	hub.Limit

	at time.Time // zero: nothing yet
}

// standing is a merchant with the judgement on it.
type standing struct {
	*collector.Snapshot

	index int // in the order of configuration
	pace  history.Outflow
	// last is what was last known, where nothing is known now: history, which
	// must never pass for a figure.
	last      remembered
	condition condition
	// hit is the kind of the threshold that makes the merchant low; the one
	// that is furthest below, if several do.
	hit config.Kind
	// headroom is how far the worst measure is from its threshold: 1 is at it,
	// 2 is twice as much.
	headroom float64
}

// judge finds a merchant's condition. pace counts only if it is settled, as in
// the alert rules, so that the page does not cry before they do.
func judge(index int, s *collector.Snapshot, last remembered, pace history.Outflow) standing {
	j := standing{Snapshot: s, index: index, pace: pace, last: last, headroom: math.Inf(1)}
	switch {
	case s.Known:
		j.condition = j.against(&s.Limit)
		if j.condition == fine && !s.Up {
			j.condition = j.unlessRejected(kept, keptRefused)
		}
	case !s.Attempted:
		j.condition = asking
	case last.at.IsZero():
		j.condition = j.unlessRejected(lost, refused)
		j.headroom = 1 // it may be anything: before whoever had enough
	default:
		j.condition = j.unlessRejected(lost, refused)
		if j.against(&last.Limit) < fine {
			j.condition = lostLow
		}
	}
	return j
}

// unlessRejected returns the one condition, or the other where the hub refuses
// the key or the address, which the alert PaypleCredentialsRejected tells of.
func (j *standing) unlessRejected(usual, rejected condition) condition {
	if j.Failure != nil && (j.Failure.Reason == hub.ReasonAuth || j.Failure.Reason == hub.ReasonIPNotAllowed) {
		return rejected
	}
	return usual
}

// needsPerson tells whether queries fail until somebody mends what they need.
func (j *standing) needsPerson() bool { return j.Failure != nil && j.Failure.Reason.NeedsPerson() }

// against holds figures against the merchant's thresholds, and returns how low
// they are: fine if not at all.
func (j *standing) against(limit *hub.Limit) condition {
	found, furthest := fine, math.Inf(1)
	for _, severity := range config.Severities() {
		worse := warning
		if severity == config.Critical {
			worse = critical
		}
		for _, level := range j.Merchant.Thresholds[severity] {
			measure, ok := j.measure(limit, level.Kind)
			if !ok {
				continue
			}
			room := measure / level.Value
			j.headroom = min(j.headroom, room)
			if measure < level.Value && (worse < found || room < furthest) {
				found, furthest, j.hit = worse, room, level.Kind
			}
		}
	}
	if limit.Remain <= 0 {
		return exhausted
	}
	return found
}

// measure returns what is held against a threshold of that kind, and whether
// there is such a measure.
func (j *standing) measure(limit *hub.Limit, kind config.Kind) (float64, bool) {
	remain, total := float64(limit.Remain), float64(limit.TotalAccount)
	switch kind {
	case config.Amount:
		return remain, true
	case config.Ratio:
		return remain / total, total > 0
	case config.Runway:
		runway, ends := j.pace.Runway(limit.Remain)
		return runway.Truncate(time.Second).Seconds(), ends && j.pace.Settled
	}
	return 0, false
}

// alert names the alert that tells of a merchant in this condition, and whose
// runbook helps; none where nothing is wrong.
func (j *standing) alert() string {
	low := map[config.Kind]string{
		config.Amount: "PaypleTransferLimitLow", config.Ratio: "PaypleTransferLimitRatioLow", config.Runway: "PaypleTransferRunwayShort",
	}[j.hit]
	return [conditions]string{
		exhausted: "PaypleTransferLimitExhausted", lostLow: "PaypleTransferLimitLostWhileLow",
		refused: "PaypleCredentialsRejected", lost: "PaypleTransferLimitUnknown", critical: low, warning: low,
		keptRefused: "PaypleCredentialsRejected", kept: "PaypleQueryFailing",
	}[j.condition]
}

// measuresRunway tells whether a merchant's condition depends on its pace.
func measuresRunway(levels config.Levels) bool {
	for _, severity := range config.Severities() {
		if slices.ContainsFunc(levels[severity], func(t config.Threshold) bool { return t.Kind == config.Runway }) {
			return true
		}
	}
	return false
}

// worstFirst orders merchants: by condition, then by how near the threshold
// they are, then by name, so that the order stays the same from one look to
// the next. Of those that are as badly known, whom a person must help comes
// before who may recover alone.
func worstFirst(a, b *standing) int {
	byPerson := 0
	if a.condition == b.condition && (a.condition == lost || a.condition == kept) {
		byPerson = -cmp.Compare(boolRank(a.needsPerson()), boolRank(b.needsPerson()))
	}
	return cmp.Or(
		cmp.Compare(a.condition, b.condition),
		byPerson,
		cmp.Compare(a.headroom, b.headroom),
		cmp.Compare(a.Merchant.Name, b.Merchant.Name),
		cmp.Compare(a.index, b.index),
	)
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// answer is what the page says above everything.
type answer int

// The answers: each hides those below it. What is low comes below asking: as
// long as one is not known, not all can pay out.
const (
	cannot answer = iota
	unknown
	inquiring
	low
	fromMemory
	can
)

// answer is the one that a merchant in this condition gives cause for.
func (c condition) answer() answer {
	return [conditions]answer{
		exhausted: cannot, lostLow: unknown, refused: unknown, lost: unknown, critical: low, warning: low,
		keptRefused: fromMemory, kept: fromMemory, asking: inquiring, fine: can,
	}[c]
}

// sign is the picture beside the answer.
func (a answer) sign() string {
	return [...]string{cannot: "cannot", unknown: "unknown", inquiring: "asking", low: "low", fromMemory: "low", can: "can"}[a]
}

// in says the answer of one merchant, and of several.
func (a answer) in(w *words) (one, several lang.Text) {
	switch a {
	case cannot:
		return w.OneExhausted, w.HeadExhausted
	case unknown:
		return w.OneUnknown, w.HeadUnknown
	case inquiring:
		return w.OneAsking, w.HeadAsking
	case low:
		return w.OneLow, w.HeadLow
	case fromMemory:
		return w.OneKept, w.HeadKept
	case can:
	}
	return w.OneFine, w.HeadFine
}

// namesAffected tells whether the merchants that give cause for the answer are
// worth naming.
func (a answer) namesAffected() bool { return a != inquiring && a != can }

// tally counts merchants by condition.
type tally [conditions]int

func (t tally) all() int { return t.sum(func(condition) bool { return true }) }

func (t tally) attention() int { return t.sum(condition.attention) }

// sum counts the merchants in the conditions that are meant.
func (t tally) sum(meant func(condition) bool) int {
	sum := 0
	for c, n := range t {
		if meant(condition(c)) {
			sum += n
		}
	}
	return sum
}

// answer is what is said of all, and the worst condition that it speaks of.
func (t tally) answer() (answer, condition) {
	a, worst := can, fine
	for c := fine; c >= 0; c-- {
		if t[c] > 0 && c.answer() <= a {
			a, worst = c.answer(), c
		}
	}
	return a, worst
}

// headline says the answer.
func (t tally) headline(s speaker) string {
	a, _ := t.answer()
	one, several := a.in(s.words)
	switch t.all() {
	case 0:
		return s.say(s.HeadNone)
	case 1:
		return s.say(one)
	}
	n := t.sum(func(c condition) bool { return c.answer() == a })
	return s.say(several, grouped(n), grouped(t.all()))
}
