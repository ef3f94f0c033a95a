package statuspage

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// texts are all texts of the page, in both languages side by side. Verbs of fmt
// take the same arguments in both.
type texts struct {
	_ [0]func() // not to be compared: the code for it would be large

	Title, Skip, Merchants, Language, OtherLanguage, Demo lang.Text

	// Columns and their cells.
	Merchant, Hub, Contact, Remaining, Runway, Transferred, Total, State lang.Text
	Unknown, LevelWarning, LevelCritical, Or                             lang.Text // of a threshold
	RunwayOf, NeedOf, AtPresent, Meter                                   lang.Text
	TooEarly, TooEarlyNote, NoPayouts, NoPayoutsNote                     lang.Text
	NotSteady, NotSteadyNote, Lasts, LastsLong, LastsNote                lang.Text
	NothingLeft, History, Gaps, HistoryNote                              lang.Text

	// The state.
	AsOf, KeptFrom, FailedSince, NeverAnswered, LastKnown, NotAsked, Asking lang.Text
	WhatToDo, NextQuery, NextQueryNow, Metrics, Runbook                     lang.Text

	// Conditions, in badges and in counts.
	BadgeExhausted, BadgeLostLow, BadgeRefused, BadgeLost, BadgeCritical lang.Text
	BadgeWarning, BadgeKeptRefused, BadgeKept, BadgeAsking, BadgeFine    lang.Text

	// The headline, for one merchant and for several.
	HeadNone, HeadExhausted, HeadUnknown, HeadAsking, HeadLow, HeadKept, HeadFine lang.Text
	OneExhausted, OneUnknown, OneAsking, OneLow, OneKept, OneFine                 lang.Text
	Attention, AttentionNone                                                      lang.Text

	// Finding a merchant among many.
	Search, SearchLabel, ClearSearch, ShowAll, ShowAttention, Found, NoneFound lang.Text
	Range, Previous, Next, Pages                                               lang.Text

	// The footer.
	Formula, AsksNoMore, RefreshOn, RefreshOff, RefreshStop, RefreshStart lang.Text
	LinkMetrics, LinkTargets, LinkHealth, LinkRunbooks                    lang.Text

	// Lengths of time. OneHour is as in "the last hour".
	Days, Hours, Minutes, Seconds, OneHour lang.Text

	// Layouts of package time, for a time to come.
	Today, OtherDay, FarDay lang.Text
}

//go:embed texts.json
var textsJSON []byte

// newTexts returns the table of texts.json. It panics where that holds a text
// that no field is for.
func newTexts() *texts {
	table := new(texts)
	decoder := json.NewDecoder(bytes.NewReader(textsJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(table); err != nil {
		panic(err)
	}
	return table
}

// printer formats the page's texts in one language.
type printer struct {
	*texts

	language lang.Language
}

// print returns a text in the printer's language, with its verbs filled in.
func (p printer) print(text lang.Text, args ...any) string {
	if len(args) == 0 {
		return text.In(p.language)
	}
	return fmt.Sprintf(text.In(p.language), args...)
}

// duration formats a duration in its two largest units, rounded down: what
// remains must not seem to last longer than it does.
func (p printer) duration(d time.Duration) string {
	units := []struct {
		size time.Duration
		name lang.Text
	}{{24 * time.Hour, p.Days}, {time.Hour, p.Hours}, {time.Minute, p.Minutes}, {time.Second, p.Seconds}}
	left := max(0, d)
	for i, unit := range units {
		n := int(left / unit.size)
		if i < len(units)-1 && (n == 0 || i == 0 && n < 2) {
			continue // 36 h says more than 1 d 12 h
		}
		text := p.print(unit.name, n)
		if i+1 < len(units) && n < 10 {
			if rest := int(left % unit.size / units[i+1].size); rest > 0 {
				text += nbsp + p.print(units[i+1].name, rest)
			}
		}
		return text
	}
	return ""
}

// period formats a duration that follows "the last".
func (p printer) period(d time.Duration) string {
	if d == time.Hour {
		return p.print(p.OneHour)
	}
	return p.duration(d)
}

// nbsp is a no-break space: a number stays with its unit.
const nbsp = "\u00a0"

// timeOfDay formats a time in Seoul, with the date unless it is today.
func timeOfDay(then, now time.Time) string {
	then, now = then.In(hub.KST()), now.In(hub.KST())
	if then.YearDay() == now.YearDay() && then.Year() == now.Year() {
		return then.Format("15:04:05" + nbsp + "KST")
	}
	return dateTime(then)
}

// dateTime formats a time in Seoul with its date.
func dateTime(t time.Time) string {
	return t.In(hub.KST()).Format("2006-01-02 15:04:05" + nbsp + "KST")
}

// number is a number of merchants, written as amounts are, with commas.
type number int

// String implements [fmt.Stringer].
func (n number) String() string { return hub.Won(n).Grouped() }

// won formats an amount. In Korean it is as sentences have it; that sign can also be sent in EUC-KR.
func (p printer) won(amount hub.Won) string {
	if p.language == lang.Korean {
		return amount.Grouped() + "원"
	}
	return amount.String()
}

// floor returns an amount that was computed, rounded down.
func floor(x float64) hub.Won { return hub.Won(math.Floor(x + 1e-6)) }

// inWords formats a long amount as it is read in Korea, where figures are counted by ten thousands, rounded to the lower of them; ""
// for a short one and in English.
func (p printer) inWords(amount hub.Won) string {
	const man, eok = 10_000, 100_000_000
	if p.language != lang.Korean || amount < 1000*man {
		return ""
	}
	var parts []string
	if n := amount / eok; n > 0 {
		parts = append(parts, n.Grouped()+"억")
	}
	if n := amount % eok / man; n > 0 {
		parts = append(parts, n.Grouped()+"만")
	}
	text := strings.Join(append(parts, "원"), nbsp)
	if amount%man != 0 {
		return "약" + nbsp + text
	}
	return text
}

// until formats when something ends that lasts for so long from now, as exactly as [printer.duration] is.
func (p printer) until(d time.Duration, now time.Time) string {
	now, end := now.In(hub.KST()), now.Add(d).In(hub.KST())
	layout := p.OtherDay
	switch {
	case now.YearDay() == end.YearDay() && now.Year() == end.Year():
		layout = p.Today
	case d >= 10*24*time.Hour:
		layout = p.FarDay
	}
	return end.Format(p.print(layout))
}

// capitalize makes the first letter a capital one, as at the beginning of a sentence,
// unless the first word is a name such as cst_id. Hangul has no capitals.
func capitalize(text string) string {
	if first, _, _ := strings.Cut(text, " "); first == "" || strings.Contains(first, "_") || first[0] < 'a' || first[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// compound returns how long the words are that a text begins with and that
// belong together: 지급 불가 must not be read as 지급.
func compound(text string) int {
	for _, words := range []string{"White IP", "지급 불가", "지급 가능", "확인 불가", "한도 부족", "조회 중", "조회 실패"} {
		if strings.HasPrefix(text, words) {
			return len(words)
		}
	}
	return 0
}

// segments are a text in segments, within some of which no line may end.
type segments []segment

type segment struct {
	Text    string
	NoBreak bool
}

// splitSegments keeps in one segment what a person reads or copies as one: a
// flag, words of which one alone means something else, and what is in
// parentheses if that is short.
func splitSegments(text string) segments {
	const short = 32 // columns: fits beside the picture on the smallest phone
	var p segments
	start := 0 // of the segment that is not in all yet
	for i := 0; i < len(text); i++ {
		var size int
		switch {
		case text[i] == '(':
			size = strings.IndexByte(text[i:], ')') + 1
		case strings.HasPrefix(text[i:], "--"):
			size = len(text[i:]) - len(strings.TrimLeft(text[i:], "abcdefghijklmnopqrstuvwxyz-."))
			size = len(strings.TrimRight(text[i:i+size], "-."))
		default:
			size = compound(text[i:])
		}
		if size == 0 || lang.Columns(text[i:i+size]) > short {
			continue
		}
		if i > start {
			p = append(p, segment{Text: text[start:i]})
		}
		p = append(p, segment{text[i : i+size], true})
		start = i + size
		i = start - 1
	}
	if start < len(text) {
		p = append(p, segment{Text: text[start:]})
	}
	return p
}
