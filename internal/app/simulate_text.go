package app

import "payple_exporter/internal/lang"

// simulateTable is all that simulate says to people, apart from what a drill
// says about itself. Verbs of fmt stand in both languages in the same order.
type simulateTable struct {
	Listens, Demo, Merchants, Watch, State, Break, Mend lang.Text
}

// simulateTexts returns the table.
func simulateTexts() simulateTable {
	return simulateTable{
		Listens: lang.Text{
			English: "A simulated Payple hub listens on %s. It is no real one: no money moves.",
			Korean:  "모의 페이플 허브가 %s 에서 실행 중입니다. 모의 허브이므로 실제 이체는 일어나지 않습니다.",
		},
		Demo: lang.Text{
			English: "The demo's merchants, each in another state; key-refused has another key than the rest.",
			Korean:  "데모용 파트너 계정은 상태가 모두 다르고, key-refused만 키가 다릅니다.",
		},
		Merchants: lang.Text{English: "Merchants:", Korean: "파트너 계정:"},
		Watch:     lang.Text{English: "Watch:", Korean: "모니터링:"},
		State:     lang.Text{English: "Its state:", Korean: "현재 상태:"},
		Break:     lang.Text{English: "Break it:", Korean: "장애 재현:"},
		Mend:      lang.Text{English: "Mend it:", Korean: "복구:"},
	}
}
