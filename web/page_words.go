package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/lang"
)

// words are all texts of the page, both languages side by side. Verbs of fmt
// stand for what is put in, in the same order in both.
type words struct {
	Title, Skip, Merchants, Language, OtherLanguage, Demo lang.Text

	// Columns and what stands in them.
	Merchant, Hub, Remaining, Runway, Transferred, Total, State lang.Text
	Unknown, LevelWarning, LevelCritical                        lang.Text // of a threshold: amount, then what it comes from
	LevelWarningOnly, LevelCriticalOnly                         lang.Text // of a threshold that has no amount
	RunwayOf, Meter                                             lang.Text
	TooEarly, TooEarlyNote, NoPayouts, NoPayoutsNote            lang.Text
	NotSteady, NotSteadyNote, Lasts, LastsNote                  lang.Text
	NothingLeft, History, Gaps, HistoryNote                     lang.Text

	// The state in words.
	AsOf, KeptFrom, FailedSince, NeverAnswered, LastAnswer, Asking lang.Text
	WhatToDo, NextQuery, NextQueryNow, Metrics, Runbook            lang.Text

	// Conditions, as a badge says them, and counts of them.
	BadgeExhausted, BadgeRefused, BadgeLost, BadgeCritical, BadgeWarning, BadgeKept, BadgeAsking, BadgeFine lang.Text

	// The answer above everything, for one merchant and for several.
	HeadNone, HeadExhausted, HeadUnknown, HeadAsking, HeadLow, HeadKept, HeadFine lang.Text
	OneExhausted, OneUnknown, OneAsking, OneLow, OneKept, OneFine                 lang.Text
	Attention, AttentionNone                                                      lang.Text

	// Finding a merchant among many.
	Search, SearchLabel, ShowAll, ShowAttention, Found, NoneFound, Range, Previous, Next, Pages lang.Text

	// The foot.
	Now, AsksNoMore, RefreshOn, RefreshOff, RefreshStop, RefreshStart           lang.Text
	LinkMetrics, LinkTargets, LinkHealth, LinkRunbooks, LinkDashboards, LinkDoc lang.Text

	// Lengths of time.
	Days, Hours, Minutes, Seconds, LongTime lang.Text
}

// pageWords returns the table.
//
//nolint:funlen // a table
func pageWords() words {
	return words{
		Title:         lang.Text{English: "Payple payout limit", Korean: "페이플 지급이체 한도"},
		Skip:          lang.Text{English: "Skip to the merchants", Korean: "가맹점 목록으로 건너뛰기"},
		Merchants:     lang.Text{English: "Merchants, worst first", Korean: "가맹점 목록 (시급한 순)"},
		Language:      lang.Text{English: "Language", Korean: "언어"},
		OtherLanguage: lang.Text{English: "한국어", Korean: "English"},
		Demo: lang.Text{
			English: "DEMO: nothing here is real. The hub is simulated and the merchants are invented.",
			Korean:  "데모(DEMO) 화면입니다. 허브는 모의 서버이고 가맹점과 금액은 모두 가상입니다.",
		},

		Merchant:          lang.Text{English: "Merchant", Korean: "가맹점"},
		Hub:               lang.Text{English: "hub", Korean: "허브"},
		Remaining:         lang.Text{English: "May still be paid out", Korean: "지급 가능 금액"},
		Runway:            lang.Text{English: "Lasts", Korean: "소진 예상"},
		Transferred:       lang.Text{English: "Paid out so far", Korean: "누적 이체 금액"},
		Total:             lang.Text{English: "Total settled", Korean: "누적 정산 금액"},
		State:             lang.Text{English: "State", Korean: "상태"},
		Unknown:           lang.Text{English: "unknown", Korean: "확인 불가"},
		LevelWarning:      lang.Text{English: "warning below %s%s", Korean: "경고: %s 미만%s"},
		LevelCritical:     lang.Text{English: "critical below %s%s", Korean: "심각: %s 미만%s"},
		LevelWarningOnly:  lang.Text{English: "warning below %s", Korean: "경고: %s 미만"},
		LevelCriticalOnly: lang.Text{English: "critical below %s", Korean: "심각: %s 미만"},
		RunwayOf:          lang.Text{English: "%s of payouts", Korean: "이체 %s분량"},
		Meter:             lang.Text{English: "%s remaining of %s; %s", Korean: "%[2]s 중 %[1]s 남음, %[3]s"},
		TooEarly:          lang.Text{English: "too early to tell", Korean: "아직 알 수 없음"},
		TooEarlyNote:      lang.Text{English: "it takes %s of figures", Korean: "%s 이상의 기록이 필요합니다"},
		NoPayouts:         lang.Text{English: "no payouts seen", Korean: "이체 없음"},
		NoPayoutsNote:     lang.Text{English: "in the last %s", Korean: "최근 %s"},
		NotSteady:         lang.Text{English: "no steady payouts", Korean: "꾸준한 이체 없음"},
		NotSteadyNote:     lang.Text{English: "%s in the last %s", Korean: "최근 %[2]s 동안 %[1]s 이체"},
		Lasts:             lang.Text{English: "about %s", Korean: "약 %s 후"},
		LastsNote:         lang.Text{English: "at %s/h, as in the last %s", Korean: "시간당 %s 이체 (최근 %s 기준)"},
		NothingLeft:       lang.Text{English: "nothing left", Korean: "소진됨"},
		History: lang.Text{
			English: "History over %s: from %s to %s, lowest %s, highest %s",
			Korean:  "%s 동안의 추이: %s에서 %s(으)로, 최저 %s, 최고 %s",
		},
		Gaps:        lang.Text{English: "; times without figures: %d", Korean: ", 기록이 없는 구간 %d곳"},
		HistoryNote: lang.Text{English: "last %s", Korean: "최근 %s"},

		AsOf:          lang.Text{English: "As of %s, %s ago", Korean: "%s 기준 (%s 전)"},
		KeptFrom:      lang.Text{English: "Kept from memory, %s: %s, since %s", Korean: "이전 값 표시 중 (%s 기준): %s, %s부터"},
		FailedSince:   lang.Text{English: "%s, since %s", Korean: "%s, %s부터"},
		NeverAnswered: lang.Text{English: "The hub has not given a figure yet.", Korean: "아직 허브에서 금액을 받지 못했습니다."},
		LastAnswer:    lang.Text{English: "The last figure is from %s, too old to show.", Korean: "마지막으로 받은 값(%s)은 오래되어 표시하지 않습니다."},
		Asking:        lang.Text{English: "Asking the hub now", Korean: "허브에 조회하는 중입니다"},
		WhatToDo:      lang.Text{English: "What to do", Korean: "조치"},
		NextQuery:     lang.Text{English: "Next query from %s", Korean: "다음 조회 %s 이후"},
		NextQueryNow:  lang.Text{English: "Next query with the next scrape", Korean: "다음 수집 때 조회"},
		Metrics:       lang.Text{English: "Metrics", Korean: "지표"},
		Runbook:       lang.Text{English: "Runbook", Korean: "대응 절차"},

		BadgeExhausted: lang.Text{English: "Exhausted", Korean: "소진"},
		BadgeRefused:   lang.Text{English: "Refused", Korean: "조회 거절"},
		BadgeLost:      lang.Text{English: "Unknown", Korean: "확인 불가"},
		BadgeCritical:  lang.Text{English: "Critical", Korean: "심각"},
		BadgeWarning:   lang.Text{English: "Warning", Korean: "경고"},
		BadgeKept:      lang.Text{English: "From memory", Korean: "이전 값"},
		BadgeAsking:    lang.Text{English: "Asking", Korean: "조회 중"},
		BadgeFine:      lang.Text{English: "OK", Korean: "정상"},

		HeadNone:      lang.Text{English: "No merchant is configured", Korean: "설정된 가맹점이 없습니다"},
		HeadExhausted: lang.Text{English: "%s of %s merchants cannot pay out", Korean: "가맹점 %[2]s곳 중 %[1]s곳에서 지급할 수 없습니다"},
		HeadUnknown:   lang.Text{English: "Unknown whether %s of %s merchants can pay out", Korean: "가맹점 %[2]s곳 중 %[1]s곳의 지급 가능 여부를 알 수 없습니다"},
		HeadAsking:    lang.Text{English: "Asking the hub for %s of %s merchants", Korean: "가맹점 %[2]s곳 중 %[1]s곳을 조회하고 있습니다"},
		HeadLow:       lang.Text{English: "All %[2]s merchants can pay out; %[1]s running low", Korean: "가맹점 %[2]s곳 모두 지급할 수 있으나, %[1]s곳의 한도가 부족합니다"},
		HeadKept:      lang.Text{English: "All %[2]s merchants can pay out, %[1]s by figures from memory", Korean: "가맹점 %[2]s곳 모두 지급할 수 있습니다 (%[1]s곳은 이전 값 기준)"},
		HeadFine:      lang.Text{English: "All %[2]s merchants can pay out", Korean: "가맹점 %[2]s곳 모두 지급할 수 있습니다"},

		OneExhausted: lang.Text{English: "Payouts are not possible", Korean: "지급할 수 없습니다"},
		OneUnknown:   lang.Text{English: "Unknown whether payouts are possible", Korean: "지급 가능 여부를 알 수 없습니다"},
		OneAsking:    lang.Text{English: "Asking the hub", Korean: "허브에 조회하고 있습니다"},
		OneLow:       lang.Text{English: "Payouts are possible, but little remains", Korean: "지급할 수 있으나 한도가 부족합니다"},
		OneKept:      lang.Text{English: "Payouts are possible, by the figure from memory", Korean: "이전 값 기준으로 지급할 수 있습니다"},
		OneFine:      lang.Text{English: "Payouts are possible", Korean: "지급할 수 있습니다"},
		Attention: lang.Text{
			English: "%[1]s of %[2]s merchants need attention",
			Korean:  "가맹점 %[2]s곳 중 %[1]s곳을 확인해야 합니다",
		},
		AttentionNone: lang.Text{English: "Nothing needs attention", Korean: "확인이 필요한 가맹점이 없습니다"},

		Search:        lang.Text{English: "Search", Korean: "검색"},
		SearchLabel:   lang.Text{English: "Merchant name or cst_id", Korean: "가맹점 이름 또는 cst_id"},
		ShowAll:       lang.Text{English: "All %s", Korean: "전체 %s"},
		ShowAttention: lang.Text{English: "Needs attention %s", Korean: "확인 필요 %s"},
		Found:         lang.Text{English: "%s found for “%s”", Korean: "“%[2]s” 검색 결과 %[1]s곳"},
		NoneFound:     lang.Text{English: "No merchant to show.", Korean: "표시할 가맹점이 없습니다."},
		Range:         lang.Text{English: "%s to %s of %s", Korean: "%[3]s곳 중 %[1]s–%[2]s"},
		Previous:      lang.Text{English: "Previous", Korean: "이전"},
		Next:          lang.Text{English: "Next", Korean: "다음"},
		Pages:         lang.Text{English: "Pages", Korean: "페이지"},

		Now:            lang.Text{English: "Page of %s.", Korean: "%s 화면입니다."},
		AsksNoMore:     lang.Text{English: "Opening it asks the hub no more often than a scrape does.", Korean: "이 화면을 열어도 지표 수집보다 더 자주 허브에 조회하지 않습니다."},
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

		Days:     lang.Text{English: "%d d", Korean: "%d일"},
		Hours:    lang.Text{English: "%d h", Korean: "%d시간"},
		Minutes:  lang.Text{English: "%d min", Korean: "%d분"},
		Seconds:  lang.Text{English: "%d s", Korean: "%d초"},
		LongTime: lang.Text{English: "more than %s", Korean: "%s 이상"},
	}
}

// speaker says the page's words in one language.
type speaker struct {
	words
	language lang.Language
}

// say returns a text in the speaker's language, with its verbs filled in.
func (s speaker) say(text lang.Text, args ...any) string {
	if len(args) == 0 {
		return text.In(s.language)
	}
	return fmt.Sprintf(text.In(s.language), args...)
}

// length says a length of time in its two largest units, rounded down: what
// remains must not seem to last longer than it does.
func (s speaker) length(d time.Duration) string {
	units := []struct {
		size time.Duration
		name lang.Text
	}{{24 * time.Hour, s.Days}, {time.Hour, s.Hours}, {time.Minute, s.Minutes}, {time.Second, s.Seconds}}
	left := max(0, d)
	for i, unit := range units {
		n := int(left / unit.size)
		if i < len(units)-1 && (n == 0 || i == 0 && n < 2) {
			continue // 36 h says more than 1 d 12 h
		}
		text := s.say(unit.name, n)
		if i+1 < len(units) && n < 10 {
			if rest := int(left % unit.size / units[i+1].size); rest > 0 {
				text += " " + s.say(units[i+1].name, rest)
			}
		}
		return text
	}
	return ""
}

// clock says a time of day in Seoul, with the date unless it is today.
func clock(then, now time.Time) string {
	then, now = then.In(hub.KST()), now.In(hub.KST())
	if then.YearDay() == now.YearDay() && then.Year() == now.Year() {
		return then.Format("15:04:05 KST")
	}
	return then.Format("2006-01-02 15:04:05 KST")
}

// grouped writes a count with commas.
func grouped(n int) string { return hub.Won(n).Grouped() }

// percent writes a share such as 0.2 as 20%.
func percent(share float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(share*100, 'f', -1, 64), ".") + "%"
}

// capital makes the first letter large, as at the beginning of a sentence,
// unless the first word is a name such as cst_id. Hangul has no large letters.
func capital(text string) string {
	if first, _, _ := strings.Cut(text, " "); first == "" || strings.Contains(first, "_") || first[0] < 'a' || first[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
