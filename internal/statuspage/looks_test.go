package statuspage_test

// looks are the states of the page, each as some reader sees it.
func looks() []look {
	all := everyShop()
	few := []string{"hanbit-market", "서울상점", "narae-books", "dalbit", "gaon-delivery"}
	return []look{
		{
			name: "page", target: "/", width: 1200, height: 900, title: "Exhausted · 1 of 5 merchants cannot pay out: dalbit · ",
			shops: few, fits: true,
			texts: []string{
				"1 of 5 merchants cannot pay out: dalbit", "4 of 5 merchants need attention", "2026-11-23 14:15:07 KST",
				"Refreshes every 15 s Stop", "payple_exporter 1.0.0",
			},
			absent: []string{"DEMO", "Search"},
		},
		{
			name: "page-ko", target: "/", shops: few, width: 360, height: 800, dark: true, acceptKorean: true, cut: true,
			title: "소진 · 파트너 계정 5개 중 1개 지급 불가: dalbit",
			texts: []string{"서울상점", "한도 잔여금액", "누적 이체금액", "누적 정산금액 135,000,000원", "4,000만 원", "약 40분 후 · 14:55경", "조회 거부", "대응 절차", "경고: 30,000,000원 또는 24시간치 지급액(현재 1,440,000,000원) 미만"},
		},
		{
			name: "dark", target: "/?refresh=off", shops: all, width: 1360, height: 900, dark: true,
			texts:  []string{"May still be paid out", "about 40 min"},
			widths: []int64{320, 500, 768, 1024, 1087, 1089, 1280, 1920},
		},
		{
			name: "korean", target: "/?lang=ko&refresh=off", shops: all, width: 1360, height: 900,
			texts: []string{
				"파트너 계정 9개 중 1개 지급 불가: dalbit", "마지막 조회값 표시 중(14:12:30 KST 기준). 14:13:00 KST부터 조회 실패: 허브가 오류로 응답함(HTTP 503)", "다음 조회 14:15:10 KST 이후", "자동 새로 고침 꺼짐 켜기", "한도 잔여금액 = 누적 정산금액 − 누적 이체금액",
				"확인 불가 · 직전 부족", "조회 거부 · 마지막 조회값", "페이플에 문의하세요",
			},
			absent: []string{"Merchant", "unknown", "거절", "₩"},
			widths: []int64{320, 500, 768, 1024, 1087, 1089, 1280, 1920},
		},
		{name: "phone", target: "/?refresh=off", shops: all, width: 360, height: 800, texts: []string{"Paid out so far", "of ₩135,000,000"}},
		{
			name: "healthy", target: "/?refresh=off", shops: []string{"hanbit-market"}, width: 1360, height: 500, title: "OK · Payouts are possible",
			texts: []string{
				"Payouts are possible", "₩408,000,000", "As of 14:15:00 KST, 7 s ago",
				"Warning below 20% (now ₩100,000,000)", "Critical below 10% (now ₩50,000,000)",
				"no steady payouts", "₩24,000,000 in the last hour", "Does not refresh Start",
			},
			absent: []string{"What to do", "need", "Runbook\n"},
		},
		{
			name: "low", target: "/?refresh=off", shops: []string{"서울상점", "hanbit-market"}, width: 1100, height: 600, title: "Warning · All 2 merchants can pay out",
			texts: []string{
				"All 2 merchants can pay out; 1 running low: 서울상점", "₩40,000,000", "about 40 min, until 14:55 KST", "at ₩60,000,000 an hour over the last hour",
				"Warning below ₩30,000,000 or 24 h of payouts (now ₩1,440,000,000)",
			},
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
			name: "kept-refused", target: "/?refresh=off", shops: []string{"onnuri", "sori-music"}, width: 1360, height: 600,
			title: "Refused · old figure · All 2 merchants can pay out, 2 by figures from memory: onnuri, sori-music",
			texts: []string{"₩52,000,000", "Kept from memory, 14:11:30 KST", "(T0310)", "Warning below ₩8,000,000", "Critical below 24 h of payouts"},
		},
		{
			name: "lost", target: "/?refresh=off", shops: []string{"mirae-travel"}, width: 1360, height: 500, title: "Unknown · Unknown whether payouts are possible",
			texts: []string{
				"unknown", "Bank maintenance (T0996), since 13:52:00 KST", "Last known: ₩46,550,000 at 13:51:30 KST; may differ now",
				"Wait until the maintenance ends",
			},
			absent: []string{"was low", "of ₩"},
		},
		{
			name: "lost-low", target: "/?refresh=off", shops: []string{"mirae-travel", "haneul-tour"}, width: 1360, height: 600,
			title: "Unknown – was low · Unknown whether 2 of 2 merchants can pay out: haneul-tour, mirae-travel",
			texts: []string{"Unknown – was low", "Last known: ₩2,865,000 at 14:03:30 KST; may differ now"},
		},
		{
			name: "refused", target: "/?refresh=off", shops: []string{"gaon-delivery"}, width: 1360, height: 500, title: "Refused · Unknown whether",
			texts:  []string{"Refused", "(T0300), since 13:00:00 KST", "The hub has not given a figure yet", "Check cst_id, custKey and hub"},
			absent: []string{"₩"},
		},
		{
			name: "outage", target: "/?refresh=off", shops: few, outage: true, fits: true, width: 1360, height: 900,
			title: "Unknown – was low · Unknown whether 5 of 5 merchants can pay out",
			texts: []string{"3 Unknown – was low", "2 Unknown", "Last known: ₩0 at", "Last known: ₩408,000,000 at"},
		},
		{name: "outage-phone", target: "/?refresh=off&lang=ko", shops: few, outage: true, width: 360, height: 800, dark: true, texts: []string{"마지막 조회값: 0원"}},
		{
			name: "demo", target: "/?refresh=off", shops: []string{"hanbit-market", "narae-books"}, demo: true, width: 1360, height: 700, title: "DEMO · Critical",
			texts: []string{"DEMO: nothing here is real"},
		},
		{
			name: "thousand", target: "/?page=2&refresh=off", many: 1000, width: 1360, height: 900,
			texts:  []string{"All 1,000 merchants can pay out", "Nothing needs attention", "51 to 100 of 1,000", "Previous", "Next", "All 1,000", "Needs attention 0"},
			widths: []int64{360, 800},
		},
		{
			name: "search", target: "/?q=0099&refresh=off", many: 1000, found: 11, width: 1360, height: 900,
			texts: []string{"All 1,000 merchants can pay out", "11 found for “0099” Clear search", "All 1,000"},
		},
	}
}
