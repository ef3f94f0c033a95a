package web

import (
	"cmp"
	"math"
	"slices"
	"time"

	"payple_exporter/collector"
	"payple_exporter/lang"
	"payple_exporter/threshold"
)

// condition is how a merchant stands, as the page sorts and colours it.
type condition int

// The conditions, worst first: what an operator must see first comes first.
// Nothing left is certain harm, so it comes before not knowing; not knowing may
// be the same harm, so it comes before what is low and still pays. What a
// person must mend comes before what may heal by itself.
const (
	exhausted condition = iota // known, and nothing remains
	refused                    // unknown, until somebody mends key, address or configuration
	lost                       // unknown, because queries fail
	critical                   // known, below a critical threshold
	warning                    // known, below a warning threshold
	kept                       // known and enough, but the latest query failed
	asking                     // not asked yet, or the first answer is not there
	fine                       // known and enough
)

// conditions is how many there are.
const conditions = int(fine) + 1

// attention tells whether somebody should look.
func (c condition) attention() bool { return c < asking }

// tone is the class that a condition is coloured by.
func (c condition) tone() string {
	switch c {
	case exhausted, refused, lost, critical:
		return "bad"
	case warning, kept:
		return "warn"
	case asking:
		return "idle"
	case fine:
	}
	return "ok"
}

// sign is the picture beside the answer.
func (c condition) sign() string {
	return [conditions]string{
		exhausted: "cannot", refused: "unknown", lost: "unknown", critical: "low", warning: "low", kept: "low", asking: "asking", fine: "can",
	}[c]
}

// badge is the condition in a word.
func (c condition) badge(w words) lang.Text {
	return [conditions]lang.Text{
		w.BadgeExhausted, w.BadgeRefused, w.BadgeLost, w.BadgeCritical, w.BadgeWarning, w.BadgeKept, w.BadgeAsking, w.BadgeFine,
	}[c]
}

// runbook names the runbook that helps, or none.
func (c condition) runbook() string {
	return [conditions]string{
		exhausted: "PaypleTransferLimitExhausted", refused: "PaypleCredentialsRejected", lost: "PaypleTransferLimitUnknown",
		critical: "PaypleTransferLimitLow", warning: "PaypleTransferLimitLow", kept: "PaypleQueryFailing",
	}[c]
}

// standing is a merchant with the judgement on it.
type standing struct {
	collector.Snapshot

	index     int // in the order of configuration
	pace      collector.Pace
	condition condition
	// headroom is how far the worst measure is from its threshold: 1 is at it,
	// 2 is twice as much. Without figures it means nothing.
	headroom float64
}

// judge finds a merchant's condition. pace counts only if it is settled, as in
// the alert rules, so that the page does not cry before they do.
func judge(index int, s collector.Snapshot, pace collector.Pace) standing {
	j := standing{Snapshot: s, index: index, pace: pace, condition: fine, headroom: math.Inf(1)}
	switch {
	case !s.Known && !s.Attempted:
		j.condition = asking
	case !s.Known && s.Failure != nil && s.Failure.Reason.NeedsPerson():
		j.condition = refused
	case !s.Known:
		j.condition = lost
	default:
		j.judgeFigures()
	}
	return j
}

func (j *standing) judgeFigures() {
	if !j.Up {
		j.condition = kept
	}
	for severity, worse := range map[threshold.Severity]condition{threshold.Warning: warning, threshold.Critical: critical} {
		for _, level := range j.Merchant.Thresholds[severity] {
			measure, ok := j.measure(level.Kind)
			if !ok {
				continue
			}
			j.headroom = min(j.headroom, measure/level.Value)
			if measure < level.Value {
				j.condition = min(j.condition, worse)
			}
		}
	}
	if j.Limit.Remain <= 0 {
		j.condition = exhausted
	}
}

// measure returns what is held against a threshold of that kind, and whether
// there is such a measure now.
func (j *standing) measure(kind threshold.Kind) (float64, bool) {
	remain, total := float64(j.Limit.Remain), float64(j.Limit.TotalAccount)
	switch kind {
	case threshold.Amount:
		return remain, true
	case threshold.Ratio:
		return remain / total, total > 0
	case threshold.Runway:
		runway, ends := j.pace.Runway(j.Limit.Remain)
		return runway.Truncate(time.Second).Seconds(), ends && j.pace.Settled
	}
	return 0, false
}

// measuresRunway tells whether a merchant's condition depends on its pace.
func measuresRunway(levels threshold.Levels) bool {
	for _, severity := range threshold.Severities() {
		if slices.ContainsFunc(levels[severity], func(t threshold.Threshold) bool { return t.Kind == threshold.Runway }) {
			return true
		}
	}
	return false
}

// worstFirst orders merchants: by condition, then by how near the threshold
// they are, then by name, so that the order stays the same from one look to
// the next.
func worstFirst(a, b standing) int {
	byPerson := 0
	if a.condition == kept && b.condition == kept {
		byPerson = cmp.Compare(boolRank(!a.Failure.Reason.NeedsPerson()), boolRank(!b.Failure.Reason.NeedsPerson()))
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

// tally counts merchants by condition.
type tally [conditions]int

func (t tally) all() int {
	sum := 0
	for _, n := range t {
		sum += n
	}
	return sum
}

func (t tally) attention() int {
	sum := 0
	for c, n := range t {
		if condition(c).attention() {
			sum += n
		}
	}
	return sum
}

// answer is what the page says above everything: the condition that it speaks
// of, and of how many merchants.
func (t tally) answer() (condition, int) {
	switch {
	case t[exhausted] > 0:
		return exhausted, t[exhausted]
	case t[refused]+t[lost] > 0:
		return lost, t[refused] + t[lost]
	case t[asking] > 0:
		// Before what is low: as long as one is not known, not all can pay out.
		return asking, t[asking]
	case t[critical] > 0:
		return critical, t[critical] + t[warning]
	case t[warning] > 0:
		return warning, t[warning]
	case t[kept] > 0:
		return kept, t[kept]
	}
	return fine, t[fine]
}

// headline says the answer.
func (t tally) headline(s speaker) string {
	c, n := t.answer()
	one, several := s.OneFine, s.HeadFine
	switch c {
	case exhausted:
		one, several = s.OneExhausted, s.HeadExhausted
	case refused, lost:
		one, several = s.OneUnknown, s.HeadUnknown
	case asking:
		one, several = s.OneAsking, s.HeadAsking
	case critical, warning:
		one, several = s.OneLow, s.HeadLow
	case kept:
		one, several = s.OneKept, s.HeadKept
	case fine:
	}
	switch t.all() {
	case 0:
		return s.say(s.HeadNone)
	case 1:
		return s.say(one)
	}
	return s.say(several, grouped(n), grouped(t.all()))
}
