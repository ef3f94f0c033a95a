package check

import (
	"payple_exporter/internal/lang"
)

// textTable is all that check says to people, apart from what package
// advice says of failures. Verbs of fmt stand in both languages in the same order.
type textTable struct {
	Asks, AndMore, OwnKeys, KeyFile, KeyEnv, KeyDemo, KeyUnnamed, KeyWrapped          lang.Text
	UpTo, CertificateUntil, Shared, With                                              lang.Text
	Problem, Action, InFull, Answered, Low, Below                                     lang.Text
	Merchant, Hub, Remaining, Transferred, Total, KoreanTime, LocalTime, Result, Good lang.Text
	Bad                                                                               lang.Text
	Steps                                                                             map[Step]lang.Text
	States                                                                            map[StepState]lang.Text
	NotNeeded                                                                         map[Step]lang.Text
}

// allTexts returns the table.
func allTexts() textTable {
	return textTable{
		Asks:             lang.Text{English: "%s, asked at %s", Korean: "%s(조회 주소: %s)"},
		AndMore:          lang.Text{English: "%s and %d more", Korean: "%s 외 %d개"},
		OwnKeys:          lang.Text{English: "each merchant's own", Korean: "파트너 계정마다 다름"},
		KeyFile:          lang.Text{English: "file %s", Korean: "파일 %s"},
		KeyEnv:           lang.Text{English: "environment variable %s", Korean: "환경 변수 %s"},
		KeyDemo:          lang.Text{English: "the demo's", Korean: "데모용 키"},
		KeyUnnamed:       lang.Text{English: "the name of its source is not shown, since it may be the key itself", Korean: "이름 자리에 키가 적혀 있을 수 있어 표시하지 않음"},
		KeyWrapped:       lang.Text{English: "warning: it " + foundWrapped, Korean: "경고: 키의 앞이나 뒤에 공백 또는 따옴표가 있음"},
		UpTo:             lang.Text{English: "up to %s", Korean: "최대 %s"},
		CertificateUntil: lang.Text{English: "%s, certificate until %s", Korean: "%s, 인증서 만료일 %s"},
		With:             lang.Text{English: "%s (%s)", Korean: "%s(%s)"},
		Shared:           lang.Text{English: "connection already open", Korean: "이미 열린 연결을 사용함"},

		Problem:  lang.Text{English: "Problem", Korean: "사유"},
		Action:   lang.Text{English: "What to do", Korean: "조치 방법"},
		InFull:   lang.Text{English: "In full", Korean: "상세(영문)"},
		Answered: lang.Text{English: "%d of %d answered.", Korean: "%[2]d개 중 %[1]d개 조회 성공"},
		Low:      lang.Text{English: "%d with less than ₩%s.", Korean: "%[2]s원 미만 %[1]d개"},
		Below:    lang.Text{English: "below ₩%s", Korean: "%s원 미만"},

		Merchant:    lang.Text{English: "MERCHANT", Korean: "파트너 계정"},
		Hub:         lang.Text{English: "HUB", Korean: "허브"},
		Remaining:   lang.Text{English: "REMAINING", Korean: "한도 잔여금액"},
		Transferred: lang.Text{English: "TRANSFERRED", Korean: "누적 이체금액"},
		Total:       lang.Text{English: "TOTAL", Korean: "누적 정산금액"},
		KoreanTime:  lang.Text{English: "HUB TIME (KST)", Korean: "허브 시각(KST)"},
		LocalTime:   lang.Text{English: "LOCAL TIME (%s)", Korean: "이 서버 시각(%s)"},
		Result:      lang.Text{English: "RESULT", Korean: "결과"},
		Good:        lang.Text{English: "ok", Korean: "정상"},
		Bad:         lang.Text{English: "failed, %s", Korean: "실패(%s)"},

		Steps: map[Step]lang.Text{
			StepKey:        {English: "key", Korean: "키 읽기"},
			StepAddress:    {English: "address", Korean: "주소 확인"},
			StepProxy:      {English: "proxy", Korean: "프록시"},
			StepConnection: {English: "connection", Korean: "연결"},
			StepTLS:        {English: "TLS", Korean: "보안 연결(TLS)"},
			StepToken:      {English: "token", Korean: "토큰 발급"},
			StepRemain:     {English: "remain", Korean: "한도 조회"},
		},
		States: map[StepState]lang.Text{
			StepOK:        {English: "ok", Korean: "정상"},
			StepFailed:    {English: "failed", Korean: "실패"},
			StepNotTried:  {English: "not tried", Korean: "미시도"},
			StepNotNeeded: {English: "not needed", Korean: "해당 없음"},
		},
		// Why a step is not needed.
		NotNeeded: map[Step]lang.Text{
			StepAddress:    {English: "%s", Korean: "%s"},
			StepProxy:      {English: "none for this address (HTTPS_PROXY, NO_PROXY)", Korean: "이 주소에는 프록시를 쓰지 않음(HTTPS_PROXY, NO_PROXY)"},
			StepConnection: {English: "through the proxy", Korean: "프록시를 거쳐 연결함"},
			StepTLS:        {English: "plain HTTP within this machine", Korean: "이 서버 내부 통신(암호화하지 않은 HTTP)"},
		},
	}
}
