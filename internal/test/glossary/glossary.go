// Package glossary holds the words in which the Korean texts speak, and how:
// one word for one concept, and one level of politeness. Only tests import it.
package glossary

import (
	"regexp"
	"slices"
	"strings"
)

// Term is a concept and its Korean word.
type Term struct {
	Korean, English string
	// Payple is the word of Payple or of those who work with it, where that is known.
	Payple string
	// Old are words that mean the same, or something else to a reader in Seoul, and are not used.
	Old []string
}

// Terms returns all concepts that have one word.
func Terms() []Term {
	return []Term{
		{Korean: "파트너 계정", English: "merchant: who holds a cst_id", Payple: "파트너, 파트너사", Old: []string{"가맹점"}}, // to a platform, 가맹점 is who gets the money
		{Korean: "셀러(판매자)", English: "seller: who is paid", Payple: "셀러, 하위고객", Old: []string{"판매자"}},
		{Korean: "지급이체", English: "payouts, the service", Payple: "지급이체, now 정산지급대행"},
		{Korean: "한도 잔여금액", English: "remain_amt", Payple: "한도잔여금액, 이체 가능 잔액", Old: []string{"남은 한도", "한도 잔여 금액", "잔여 한도"}},
		{Korean: "누적 정산금액", English: "total_account_amt", Payple: "누적 정산금액", Old: []string{"누적 정산 금액"}},
		{Korean: "누적 이체금액", English: "total_transfer_amt", Payple: "누적 이체 금액", Old: []string{"누적 이체 금액", "누적 지급금액"}},
		{Korean: "지급", English: "to pay out", Old: []string{"이체분", "이체 없음", "보낼 수 있는"}},
		{Korean: "예상 소진 시간", English: "runway", Old: []string{"소진 예상 시간"}},
		{Korean: "기준(임계값)", English: "threshold; afterwards 기준", Old: []string{"임계값", "임계치"}},
		{Korean: "심각(critical), 경고(warning)", English: "severities; afterwards 심각, 경고", Old: []string{"위급", "치명적"}},
		{Korean: "확인 불가", English: "unknown; in sentences 확인할 수 없습니다", Old: []string{"알 수 없음", "알 수 없는 상태"}},
		{
			Korean: "마지막 조회값", English: "figure from memory",
			Old: []string{"이전 값", "직전에 조회한", "마지막 금액", "마지막 확인 금액", "마지막으로 확인된", "기억해 둔 값", "가지고 있는 값"},
		},
		{Korean: "인증키(custKey)", English: "key; with cst_id together 인증 정보", Payple: "파트너 인증키", Old: []string{"인증 키"}},
		{Korean: "응답 코드", English: "result", Payple: "응답 코드", Old: []string{"결과 코드"}},
		{Korean: "인증 거부", English: "refused", Payple: "인증요청 거부", Old: []string{"인증 거부됨"}},
		{Korean: "White IP", English: "list of registered addresses", Payple: "White IP, 화이트(White) IP", Old: []string{"화이트 IP", "화이트리스트"}},
		{Korean: "사유", English: "reason", Old: []string{"실패 이유", "실패한 이유"}},
		{Korean: "조치 방법", English: "what to do; short 조치", Old: []string{"조치사항", "해결 방법"}},
		{Korean: "대응 절차(런북)", English: "runbook; afterwards 대응 절차", Old: []string{"런북", "대응 절차(runbook)"}},
		{Korean: "온콜 호출", English: "page: of people. Programs send 요청", Old: []string{"호출로", "호출, 티켓", "허브 호출", "호출 제한", "API 호출"}},
		{Korean: "다시 불러오기(reload)", English: "reload", Old: []string{"다시 읽기", "다시 읽는", "다시 읽습니다"}},
		{Korean: "레코딩 룰(recording rule)", English: "recording rule", Old: []string{"기록 규칙"}},
		{Korean: "헬스 체크", English: "health", Old: []string{"동작 상태"}},
		{Korean: "한도 확보", English: "top-up: how it is done is between Payple and its partner", Old: []string{"충전"}},
		{Korean: "정산 담당자", English: "finance", Old: []string{"재무"}},
		{Korean: "제거", English: "take down", Old: []string{"철거"}},
		{Korean: "모니터링, 장애 재현, 복구", English: "watch, break, mend", Old: []string{"지켜보", "고장 내", "되돌리기"}},
	}
}

var (
	hangul = regexp.MustCompile(`\p{Hangul}`)
	// aside is what a text does not say itself: a template's code, a quotation of code, and a link's target.
	aside = regexp.MustCompile("\\{\\{.*?\\}\\}|`[^`]*`|\\]\\([^)]*\\)")

	oldManners  = regexp.MustCompile(`바랍니다|십시오|마시고|주시[고기면]|하시[고기면는]|하신|드립니다`)
	bareManners = regexp.MustCompile(`[^니마]다[.](?:\s|$)|하라[.]`)
	wonSign     = regexp.MustCompile(`₩`)
	detached    = regexp.MustCompile(`[^\s(|>·,.:-] \(`)
)

// Faults returns what is wrong with a text, line by line, as a Korean text:
// lines without Hangul, and code in them, may say what they like. In an English text that quotes
// Korean, only the words are looked at.
func Faults(text string, quoted bool) (faults []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !hangul.MatchString(line) {
			continue
		}
		add := func(found, why string) { faults = append(faults, `"`+found+`" `+why+": "+line) }
		for _, term := range Terms() {
			rest := strings.ReplaceAll(line, term.Korean, "")
			for _, old := range term.Old {
				if strings.Contains(rest, old) {
					add(old, "is now "+term.Korean)
				}
			}
		}
		for _, manner := range []struct {
			wrong *regexp.Regexp
			why   string
		}{
			{oldManners, "is of another level of politeness than ~하세요"},
			{bareManners, "is of another level of politeness than ~습니다"},
			{wonSign, "cannot be sent in EUC-KR, and no sentence is written so: 원"},
			{detached, "is a parenthesis apart from its word"},
		} {
			if found := manner.wrong.FindString(aside.ReplaceAllString(line, "x")); found != "" && !quoted {
				add(found, manner.why)
			}
		}
	}
	return slices.Compact(faults)
}
