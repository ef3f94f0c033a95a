package statuspage

import (
	"fmt"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// texts are all texts of the page, in both languages side by side. Verbs of fmt
// take the same arguments in the same order in both.
type texts struct {
	_ [0]func() // not to be compared: the code for it would be larger than the table

	Title, Skip, Merchants, Language, OtherLanguage, Demo lang.Text

	// Columns and their cells.
	Merchant, Hub, Remaining, Runway, Transferred, Total, State lang.Text
	Unknown, LevelWarning, LevelCritical, Or                    lang.Text // of a threshold
	RunwayOf, NeedOf, AtPresent, Meter                          lang.Text
	TooEarly, TooEarlyNote, NoPayouts, NoPayoutsNote            lang.Text
	NotSteady, NotSteadyNote, Lasts, LastsNote                  lang.Text
	NothingLeft, History, Gaps, HistoryNote                     lang.Text

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
	AsksNoMore, RefreshOn, RefreshOff, RefreshStop, RefreshStart                lang.Text
	LinkMetrics, LinkTargets, LinkHealth, LinkRunbooks, LinkDashboards, LinkDoc lang.Text

	// Lengths of time.
	Days, Hours, Minutes, Seconds, OneHour, LongTime lang.Text
}

// newTexts returns the table. It is passed by pointer, because it is large.
//
//nolint:funlen // a table
func newTexts() *texts {
	return &texts{
		Title:         lang.Text{English: "Payple payout limit", Korean: "페이플 지급이체 한도"},
		Skip:          lang.Text{English: "Skip to the merchants", Korean: "가맹점 목록으로 건너뛰기"},
		Merchants:     lang.Text{English: "Merchants, worst first", Korean: "가맹점 목록 (시급한 순)"},
		Language:      lang.Text{English: "Language", Korean: "언어"},
		OtherLanguage: lang.Text{English: "한국어", Korean: "English"},
		Demo: lang.Text{
			English: "DEMO: nothing here is real. The hub is simulated and the merchants are invented.",
			Korean:  "데모(DEMO) 화면입니다. 허브는 모의 서버이고 가맹점과 금액은 모두 가상입니다.",
		},

		Merchant:      lang.Text{English: "Merchant", Korean: "가맹점"},
		Hub:           lang.Text{English: "hub", Korean: "허브"},
		Remaining:     lang.Text{English: "May still be paid out", Korean: "한도 잔여금액"},
		Runway:        lang.Text{English: "Lasts", Korean: "소진 예상"},
		Transferred:   lang.Text{English: "Paid out so far", Korean: "누적 이체금액"},
		Total:         lang.Text{English: "of %s", Korean: "누적 정산금액 %s"},
		State:         lang.Text{English: "State", Korean: "상태"},
		Unknown:       lang.Text{English: "unknown", Korean: "확인 불가"},
		LevelWarning:  lang.Text{English: "warning below %s", Korean: "경고: %s 미만"},
		LevelCritical: lang.Text{English: "critical below %s", Korean: "심각: %s 미만"},
		Or:            lang.Text{English: " or ", Korean: " 또는 "},
		RunwayOf:      lang.Text{English: "%s of payouts", Korean: "%s 이체분"},
		NeedOf:        lang.Text{English: "%s what the next 24 h took last week", Korean: "지난주 같은 24시간 감소액의 %s"},
		AtPresent:     lang.Text{English: " (now %s)", Korean: " (현재 %s)"},
		Meter:         lang.Text{English: "%s remaining of %s; %s", Korean: "%[2]s 중 %[1]s 남음, %[3]s"},
		TooEarly:      lang.Text{English: "too early to tell", Korean: "아직 알 수 없음"},
		TooEarlyNote:  lang.Text{English: "needs %s of history", Korean: "%s 이상의 기록이 필요합니다"},
		NoPayouts:     lang.Text{English: "no payouts seen", Korean: "이체 없음"},
		NoPayoutsNote: lang.Text{English: "in the last %s", Korean: "최근 %s"},
		NotSteady:     lang.Text{English: "no steady payouts", Korean: "이체가 일정하지 않음"},
		NotSteadyNote: lang.Text{English: "%s in the last %s", Korean: "최근 %[2]s 동안 %[1]s 이체"},
		Lasts:         lang.Text{English: "about %s", Korean: "약 %s 후"},
		LastsNote:     lang.Text{English: "at %s an hour over the last %s", Korean: "시간당 %s 이체 (최근 %s 기준)"},
		NothingLeft:   lang.Text{English: "nothing left", Korean: "소진됨"},
		History: lang.Text{
			English: "History over %s: from %s to %s, lowest %s, highest %s",
			Korean:  "%s 동안의 추이: %s에서 %s으로, 최저 %s, 최고 %s",
		},
		Gaps:        lang.Text{English: "; times without figures: %d", Korean: ", 기록이 없는 구간 %d곳"},
		HistoryNote: lang.Text{English: "last %s", Korean: "최근 %s"},

		AsOf:          lang.Text{English: "As of %s, %s ago", Korean: "%s 기준 (%s 전)"},
		KeptFrom:      lang.Text{English: "Kept from memory, %s: %s, since %s", Korean: "이전 값 표시 중 (%s 기준): %s, %s부터"},
		FailedSince:   lang.Text{English: "%s, since %s", Korean: "%s, %s부터"},
		NeverAnswered: lang.Text{English: "The hub has not given a figure yet", Korean: "아직 허브에서 금액을 받지 못했습니다"},
		LastKnown:     lang.Text{English: "Last known: %s at %s; may differ now", Korean: "마지막 확인 금액: %s (%s 기준, 현재와 다를 수 있음)"},
		NotAsked:      lang.Text{English: "The hub was not asked for a while", Korean: "한동안 허브에 조회하지 않았습니다"},
		Asking:        lang.Text{English: "Asking the hub now", Korean: "허브에 조회하는 중입니다"},
		WhatToDo:      lang.Text{English: "What to do", Korean: "조치"},
		NextQuery:     lang.Text{English: "Next query from %s", Korean: "다음 조회 %s 이후"},
		NextQueryNow:  lang.Text{English: "Next query with the next scrape", Korean: "다음 수집 때 조회"},
		Metrics:       lang.Text{English: "Metrics", Korean: "지표"},
		Runbook:       lang.Text{English: "Runbook", Korean: "대응 절차"},

		BadgeExhausted:   lang.Text{English: "Exhausted", Korean: "소진"},
		BadgeLostLow:     lang.Text{English: "Unknown – was low", Korean: "확인 불가 (직전 한도 부족)"},
		BadgeRefused:     lang.Text{English: "Refused", Korean: "조회 거부"},
		BadgeLost:        lang.Text{English: "Unknown", Korean: "확인 불가"},
		BadgeCritical:    lang.Text{English: "Critical", Korean: "심각"},
		BadgeWarning:     lang.Text{English: "Warning", Korean: "경고"},
		BadgeKeptRefused: lang.Text{English: "Refused · old figure", Korean: "조회 거부 · 이전 값"},
		BadgeKept:        lang.Text{English: "From memory", Korean: "이전 값"},
		BadgeAsking:      lang.Text{English: "Asking", Korean: "조회 중"},
		BadgeFine:        lang.Text{English: "OK", Korean: "정상"},

		HeadNone:      lang.Text{English: "No merchant is configured", Korean: "설정된 가맹점이 없습니다"},
		HeadExhausted: lang.Text{English: "%s of %s merchants cannot pay out", Korean: "가맹점 %[2]s곳 중 %[1]s곳이 지급 불가 상태입니다"},
		HeadUnknown:   lang.Text{English: "Unknown whether %s of %s merchants can pay out", Korean: "가맹점 %[2]s곳 중 %[1]s곳의 지급 가능 여부를 알 수 없습니다"},
		HeadAsking:    lang.Text{English: "Asking the hub for %s of %s merchants", Korean: "가맹점 %[2]s곳 중 %[1]s곳을 조회하고 있습니다"},
		HeadLow:       lang.Text{English: "All %[2]s merchants can pay out; %[1]s running low", Korean: "가맹점 %[2]s곳 모두 지급할 수 있으나, %[1]s곳은 남은 한도가 얼마 없습니다"},
		HeadKept:      lang.Text{English: "All %[2]s merchants can pay out, %[1]s by figures from memory", Korean: "가맹점 %[2]s곳 모두 지급할 수 있습니다 (%[1]s곳은 이전 값 기준)"},
		HeadFine:      lang.Text{English: "All %[2]s merchants can pay out", Korean: "가맹점 %[2]s곳 모두 지급할 수 있습니다"},

		OneExhausted: lang.Text{English: "Payouts are not possible", Korean: "지급할 수 없습니다"},
		OneUnknown:   lang.Text{English: "Unknown whether payouts are possible", Korean: "지급 가능 여부를 알 수 없습니다"},
		OneAsking:    lang.Text{English: "Asking the hub", Korean: "허브에 조회하고 있습니다"},
		OneLow:       lang.Text{English: "Payouts are possible, but little remains", Korean: "지급할 수 있으나 남은 한도가 얼마 없습니다"},
		OneKept:      lang.Text{English: "Payouts are possible, by the figure from memory", Korean: "이전 값 기준으로 지급할 수 있습니다"},
		OneFine:      lang.Text{English: "Payouts are possible", Korean: "지급할 수 있습니다"},
		Attention: lang.Text{
			English: "%[1]s of %[2]s merchants need attention",
			Korean:  "가맹점 %[2]s곳 중 %[1]s곳을 확인해야 합니다",
		},
		AttentionNone: lang.Text{English: "Nothing needs attention", Korean: "확인이 필요한 가맹점이 없습니다"},

		Search:        lang.Text{English: "Search", Korean: "검색"},
		SearchLabel:   lang.Text{English: "Merchant name or cst_id", Korean: "가맹점 이름 또는 cst_id"},
		ClearSearch:   lang.Text{English: "Clear search", Korean: "검색 지우기"},
		ShowAll:       lang.Text{English: "All %s", Korean: "전체 %s"},
		ShowAttention: lang.Text{English: "Needs attention %s", Korean: "확인 필요 %s"},
		Found:         lang.Text{English: "%s found for “%s”", Korean: "“%[2]s” 검색 결과 %[1]s곳"},
		NoneFound:     lang.Text{English: "No merchant to show.", Korean: "표시할 가맹점이 없습니다."},
		Range:         lang.Text{English: "%s to %s of %s", Korean: "%[3]s곳 중 %[1]s–%[2]s"},
		Previous:      lang.Text{English: "Previous", Korean: "이전"},
		Next:          lang.Text{English: "Next", Korean: "다음"},
		Pages:         lang.Text{English: "Pages", Korean: "페이지"},

		AsksNoMore:     lang.Text{English: "Opening it asks the hub no more often than a scrape does.", Korean: "이 화면을 열어도 허브 조회 횟수가 지표 수집 때보다 늘지 않습니다."},
		RefreshOn:      lang.Text{English: "Refreshes every %s", Korean: "%s마다 새로 고침"},
		RefreshOff:     lang.Text{English: "Does not refresh", Korean: "자동 새로 고침 꺼짐"},
		RefreshStop:    lang.Text{English: "Stop", Korean: "중지"},
		RefreshStart:   lang.Text{English: "Start", Korean: "시작"},
		LinkMetrics:    lang.Text{English: "Metrics", Korean: "지표"},
		LinkTargets:    lang.Text{English: "Service discovery", Korean: "서비스 디스커버리"},
		LinkHealth:     lang.Text{English: "Health", Korean: "동작 상태"},
		LinkRunbooks:   lang.Text{English: "Runbooks", Korean: "대응 절차"},
		LinkDashboards: lang.Text{English: "Dashboards", Korean: "대시보드"},
		LinkDoc:        lang.Text{English: "Documentation", Korean: "문서"},

		Days:     lang.Text{English: "%d\u00a0d", Korean: "%d일"},
		Hours:    lang.Text{English: "%d\u00a0h", Korean: "%d시간"},
		Minutes:  lang.Text{English: "%d\u00a0min", Korean: "%d분"},
		Seconds:  lang.Text{English: "%d\u00a0s", Korean: "%d초"},
		OneHour:  lang.Text{English: "hour", Korean: "1시간"}, // as in "the last hour"
		LongTime: lang.Text{English: "more than %s", Korean: "%s 이상"},
	}
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

// formatCount writes a number of merchants as amounts are written, with commas.
func formatCount(n int) string { return hub.Won(n).Grouped() }

// capitalize makes the first letter a capital one, as at the beginning of a sentence,
// unless the first word is a name such as cst_id. Hangul has no capitals.
func capitalize(text string) string {
	if first, _, _ := strings.Cut(text, " "); first == "" || strings.Contains(first, "_") || first[0] < 'a' || first[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// segments are a text in segments, within some of which no line may end.
type segments []segment

type segment struct {
	Text    string
	NoBreak bool
}

// splitSegments keeps in one segment what a person reads or copies as one: a
// flag, and what is in parentheses if that is short.
func splitSegments(text string) segments {
	const short = 32 // bytes: fits beside the picture on the smallest phone
	var p segments
	start := 0 // of the segment that is not in all yet
	for i := 0; i < len(text); i++ {
		size := 0
		switch {
		case text[i] == '(':
			size = strings.IndexByte(text[i:], ')') + 1
		case strings.HasPrefix(text[i:], "--"):
			size = len(text[i:]) - len(strings.TrimLeft(text[i:], "abcdefghijklmnopqrstuvwxyz-."))
			size = len(strings.TrimRight(text[i:i+size], "-."))
		}
		if size == 0 || size > short {
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
