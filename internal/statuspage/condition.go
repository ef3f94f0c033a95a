package statuspage

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

// condition is the state of a merchant, as the page sorts and colours it.
type condition int

// The conditions, worst first, as an operator must see them. Nothing left is
// certain harm, so it comes before unknown; unknown may be the same harm, and
// probably is where little was left, so it comes before what is low and still
// pays. What a person must repair comes before what may recover by itself.
const (
	exhausted   condition = iota // known, and nothing remains
	lostLow                      // unknown, and low when it was last known
	refused                      // unknown, because the hub refuses key or address
	lost                         // unknown, because queries fail
	critical                     // known, below a critical threshold
	warning                      // known, below a warning threshold
	keptRefused                  // known and enough, but the hub now refuses key or address
	kept                         // known and enough, but the latest query failed
	asking                       // not asked yet, or not answered for the first time
	fine                         // known and enough
)

// conditions is the number of conditions.
const conditions = int(fine) + 1

// attention reports whether somebody should look.
func (c condition) attention() bool { return c < asking }

// tone is the CSS class that gives a condition its colour.
func (c condition) tone() string {
	return [conditions]string{
		exhausted: "bad", lostLow: "bad", refused: "bad", lost: "bad", critical: "bad",
		warning: "warn", keptRefused: "warn", kept: "warn", asking: "idle", fine: "ok",
	}[c]
}

// badge returns the short name of the condition.
func (c condition) badge(t *texts) lang.Text {
	return [conditions]lang.Text{
		t.BadgeExhausted, t.BadgeLostLow, t.BadgeRefused, t.BadgeLost, t.BadgeCritical, t.BadgeWarning,
		t.BadgeKeptRefused, t.BadgeKept, t.BadgeAsking, t.BadgeFine,
	}[c]
}

// remembered is what the hub last said of a merchant, and when.
type remembered struct {
	hub.Limit

	at time.Time // zero: nothing yet
}

// status is a merchant with its condition.
type status struct {
	*collector.Snapshot

	index   int // in the order of configuration
	outflow history.Outflow
	// last is what was last known, where nothing is known now: history, which
	// must never look like a current figure.
	last      remembered
	condition condition
	// hit is the kind of the threshold that makes the merchant low; the one
	// that is furthest below, if several do.
	hit config.Kind
	// headroom is how far the worst measure is from its threshold: 1 is at it,
	// 2 is twice as much.
	headroom float64
}

// evaluate finds a merchant's condition. outflow counts only once it is settled,
// as in the alert rules, so that the page does not warn before they do.
func evaluate(index int, s *collector.Snapshot, last remembered, outflow history.Outflow) status {
	st := status{Snapshot: s, index: index, outflow: outflow, last: last, headroom: math.Inf(1)}
	switch {
	case s.Known:
		st.condition = st.compare(&s.Limit)
		if st.condition == fine && !s.Up {
			st.condition = st.unlessRejected(kept, keptRefused)
		}
	case !s.Attempted:
		st.condition = asking
	case last.at.IsZero():
		st.condition = st.unlessRejected(lost, refused)
		st.headroom = 1 // it may be anything, so it comes before those that had enough
	default:
		st.condition = st.unlessRejected(lost, refused)
		if st.compare(&last.Limit) < fine {
			st.condition = lostLow
		}
	}
	return st
}

// unlessRejected returns the one condition, or the other where the hub refuses
// the key or the address, for which the alert PaypleCredentialsRejected fires.
func (st *status) unlessRejected(usual, rejected condition) condition {
	if st.Failure != nil && (st.Failure.Reason == hub.ReasonAuth || st.Failure.Reason == hub.ReasonIPNotAllowed) {
		return rejected
	}
	return usual
}

// needsPerson reports whether queries fail until a person repairs the cause.
func (st *status) needsPerson() bool { return st.Failure != nil && st.Failure.Reason.NeedsPerson() }

// compare compares figures with the merchant's thresholds, and returns how low
// they are: fine if not at all.
func (st *status) compare(limit *hub.Limit) condition {
	found, furthest := fine, math.Inf(1)
	for _, severity := range config.Severities() {
		worse := warning
		if severity == config.Critical {
			worse = critical
		}
		for _, level := range st.Merchant.Thresholds[severity] {
			measure, ok := st.measure(limit, level.Kind)
			if !ok {
				continue
			}
			room := measure / level.Value
			st.headroom = min(st.headroom, room)
			if measure < level.Value && (worse < found || room < furthest) {
				found, furthest, st.hit = worse, room, level.Kind
			}
		}
	}
	if limit.Remain <= 0 {
		return exhausted
	}
	return found
}

// measure returns what is compared with a threshold of that kind, and whether
// it is known.
func (st *status) measure(limit *hub.Limit, kind config.Kind) (float64, bool) {
	remain, total := float64(limit.Remain), float64(limit.TotalAccount)
	switch kind {
	case config.Amount:
		return remain, true
	case config.Ratio:
		return remain / total, total > 0
	case config.Runway:
		runway, ends := st.outflow.Runway(limit.Remain)
		return runway.Truncate(time.Second).Seconds(), ends && st.outflow.Settled
	}
	return 0, false
}

// alert returns the name of the alert that fires for a merchant in this
// condition, whose runbook helps; "" where nothing is wrong.
func (st *status) alert() string {
	low := map[config.Kind]string{
		config.Amount: "PaypleTransferLimitLow", config.Ratio: "PaypleTransferLimitRatioLow", config.Runway: "PaypleTransferRunwayShort",
	}[st.hit]
	return [conditions]string{
		exhausted: "PaypleTransferLimitExhausted", lostLow: "PaypleTransferLimitLostWhileLow",
		refused: "PaypleCredentialsRejected", lost: "PaypleTransferLimitUnknown", critical: low, warning: low,
		keptRefused: "PaypleCredentialsRejected", kept: "PaypleQueryFailing",
	}[st.condition]
}

// measuresRunway reports whether a merchant's condition depends on its outflow.
func measuresRunway(levels config.Levels) bool {
	for _, thresholds := range levels {
		if slices.ContainsFunc(thresholds, func(t config.Threshold) bool { return t.Kind == config.Runway }) {
			return true
		}
	}
	return false
}

// worstFirst orders merchants: by condition, then by how near the threshold
// they are, then by name, so that the order stays the same between two
// views. Of those in one condition, the ones that a person must help come before
// those that may recover by themselves.
func worstFirst(a, b *status) int {
	byPerson := 0
	if (a.condition == lost || a.condition == kept) && a.needsPerson() != b.needsPerson() {
		byPerson = 1
		if a.needsPerson() {
			byPerson = -1
		}
	}
	return cmp.Or(
		cmp.Compare(a.condition, b.condition),
		byPerson,
		cmp.Compare(a.headroom, b.headroom),
		cmp.Compare(a.Merchant.Name, b.Merchant.Name),
		cmp.Compare(a.index, b.index),
	)
}

// answer is the headline of the page.
type answer int

// The answers, of which each hides those below it. Low comes below inquiring: as
// long as one merchant is not known, the page cannot say that all can pay out.
const (
	cannot answer = iota
	unknown
	inquiring
	low
	fromMemory
	can
)

// answer returns the answer that a merchant in this condition causes.
func (c condition) answer() answer {
	return [conditions]answer{
		exhausted: cannot, lostLow: unknown, refused: unknown, lost: unknown, critical: low, warning: low,
		keptRefused: fromMemory, kept: fromMemory, asking: inquiring, fine: can,
	}[c]
}

// sign is the name of the picture beside the answer.
func (a answer) sign() string {
	return [...]string{cannot: "cannot", unknown: "unknown", inquiring: "asking", low: "low", fromMemory: "low", can: "can"}[a]
}

// tally counts merchants by condition.
type tally [conditions]int

// sum counts the merchants whose condition is one that include accepts; nil
// accepts all.
func (t tally) sum(include func(condition) bool) number {
	sum := 0
	for c, n := range t {
		if include == nil || include(condition(c)) {
			sum += n
		}
	}
	return number(sum)
}

// answer returns the answer for all, and the worst condition that causes it.
func (t tally) answer() (answer, condition) {
	a, worst := can, fine
	for c := fine; c >= 0; c-- {
		if t[c] > 0 && c.answer() <= a {
			a, worst = c.answer(), c
		}
	}
	return a, worst
}

// headline returns the answer in words, for one merchant or for several.
func (t tally) headline(p printer) string {
	a, _ := t.answer()
	words := [...]struct{ one, several lang.Text }{
		cannot: {p.OneExhausted, p.HeadExhausted}, unknown: {p.OneUnknown, p.HeadUnknown}, inquiring: {p.OneAsking, p.HeadAsking},
		low: {p.OneLow, p.HeadLow}, fromMemory: {p.OneKept, p.HeadKept}, can: {p.OneFine, p.HeadFine},
	}[a]
	switch all := t.sum(nil); all {
	case 0:
		return p.print(p.HeadNone)
	case 1:
		return p.print(words.one)
	default:
		return p.print(words.several, t.sum(func(c condition) bool { return c.answer() == a }), all)
	}
}
