package web_test

// looks are the states of the page, each as some reader sees it.
func looks() []look {
	all := everyShop()
	return []look{
		{
			name: "page", target: "/", width: 1200, height: 818, title: "Exhausted · 1 of 5 merchants cannot pay out",
			shops: []string{"hanbit-market", "서울상점", "narae-books", "dalbit", "gaon-delivery"},
			texts: []string{
				"1 of 5 merchants cannot pay out", "4 of 5 merchants need attention", "2026-11-23 14:15:07 KST",
				"Refreshes every 15 s Stop", "payple_exporter 1.0.0",
			},
			absent: []string{"DEMO", "Search"},
		},
		{
			name: "page-ko", target: "/", shops: all, width: 360, height: 800, dark: true, acceptKorean: true,
			title: "소진 · 가맹점 7곳 중 1곳에서 지급할 수 없습니다",
			texts: []string{"서울상점", "지급 가능 금액", "누적 이체 금액", "누적 정산 금액", "약 40분 후", "대응 절차", "페이플에 문의하세요"},
		},
		{
			name: "dark", target: "/?refresh=off", shops: all, width: 1360, height: 900, dark: true,
			texts:  []string{"May still be paid out", "about 40 min"},
			widths: []int64{320, 500, 768, 1024, 1087, 1089, 1280, 1920},
		},
		{
			name: "korean", target: "/?lang=ko&refresh=off", shops: all, width: 1360, height: 900,
			texts:  []string{"가맹점 7곳 중 1곳에서 지급할 수 없습니다", "이전 값 표시 중 (14:12:30 KST 기준)", "다음 조회 14:15:10 KST 이후", "자동 새로 고침 꺼짐 시작"},
			absent: []string{"Merchant", "unknown"},
		},
		{name: "phone", target: "/?refresh=off", shops: all, width: 360, height: 800, texts: []string{"Paid out so far", "Total settled"}},
		{
			name: "healthy", target: "/?refresh=off", shops: []string{"hanbit-market"}, width: 1360, height: 500, title: "OK · Payouts are possible",
			texts: []string{
				"Payouts are possible", "₩408,000,000", "As of 14:15:00 KST, 7 s ago",
				"Warning below ₩100,000,000 (20%)", "Critical below ₩50,000,000 (10%)", "₩24,000,000 in the last 1 h", "Does not refresh Start",
			},
			absent: []string{"What to do", "need"},
		},
		{
			name: "low", target: "/?refresh=off", shops: []string{"서울상점", "hanbit-market"}, width: 1100, height: 600, title: "Warning · All 2 merchants can pay out",
			texts: []string{"All 2 merchants can pay out; 1 running low", "₩40,000,000", "about 40 min", "at ₩60,000,000/h, as in the last 1 h", "(₩30,000,000, 24 h of payouts)"},
		},
		{
			name: "empty", target: "/?refresh=off", shops: []string{"dalbit"}, width: 1360, height: 500, title: "Exhausted · Payouts are not possible",
			texts: []string{"Payouts are not possible", "₩0", "nothing left"},
		},
		{
			name: "kept", target: "/?refresh=off", shops: []string{"sori-music"}, width: 1360, height: 500, title: "From memory · Payouts are possible, by the figure from memory",
			texts: []string{"₩489,000,000", "Kept from memory, 14:12:30 KST: the hub answered with an error (HTTP 503), since 14:13:00 KST", "What to do Wait"},
		},
		{
			name: "lost", target: "/?refresh=off", shops: []string{"mirae-travel"}, width: 1360, height: 500, title: "Unknown · Unknown whether payouts are possible",
			texts:  []string{"unknown", "Bank maintenance (T0996), since 13:52:00 KST. The last figure is from 13:51:30 KST, too old to show.", "Wait until the maintenance ends"},
			absent: []string{"₩"},
		},
		{
			name: "refused", target: "/?refresh=off", shops: []string{"gaon-delivery"}, width: 1360, height: 500, title: "Unknown · Unknown whether",
			texts:  []string{"Refused", "(T0300), since 13:00:00 KST", "The hub has not given a figure yet.", "Check cst_id and custKey"},
			absent: []string{"₩"},
		},
		{
			name: "demo", target: "/?refresh=off", shops: []string{"hanbit-market", "narae-books"}, demo: true, width: 1360, height: 700, title: "DEMO · Critical",
			texts: []string{"DEMO: nothing here is real"},
		},
		{
			name: "thousand", target: "/?page=2&refresh=off", many: 1000, width: 1360, height: 900,
			texts:  []string{"All 1,000 merchants can pay out", "Nothing needs attention", "51 to 100 of 1,000", "Previous", "Next", "All 1,000", "Needs attention 0"},
			widths: []int64{360, 800},
		},
	}
}
