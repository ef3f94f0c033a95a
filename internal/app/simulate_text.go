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
			Korean:  "모의 페이플 허브가 %s 에서 실행 중입니다. 실제 허브가 아니므로 돈은 이체되지 않습니다.",
		},
		Demo: lang.Text{
			English: "The demo's merchants, each in another state; key-refused has another key than the rest.",
			Korean:  "데모의 가맹점입니다. 가맹점마다 상태가 다르며, key-refused만 나머지와 키가 다릅니다.",
		},
		Merchants: lang.Text{English: "Merchants:", Korean: "가맹점:"},
		Watch:     lang.Text{English: "Watch:", Korean: "지켜보기:"},
		State:     lang.Text{English: "Its state:", Korean: "현재 상태:"},
		Break:     lang.Text{English: "Break it:", Korean: "고장 내기:"},
		Mend:      lang.Text{English: "Mend it:", Korean: "되돌리기:"},
	}
}
