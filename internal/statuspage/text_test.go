package statuspage

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/test/must"
	shared "payple_exporter/internal/test/texts"
)

// No word of the page is missing in either language, each is in its own
// script, and both languages say the same things in it.
func TestPageWordsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	table := newTexts()
	if seen := shared.InBothLanguages(t, *table); seen != reflect.TypeFor[texts]().NumField()-1 {
		t.Errorf("%d texts were looked at", seen)
	}
}

// The page uses every text of its table: the template by its T, the code by a
// printer or by the table itself. A field of something else that is called
// alike does not count.
func TestPageWordsAreUsed(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for file, word := range map[string]string{
		"page.html": `[$ ]\.T\.(\w+)`, "page.go": `\b(?:v\.T|printer)\.(\w+)`, "row.go": `\bp\.(\w+)`, "chart.go": `\bp\.(\w+)`,
		"condition.go": `\b[pt]\.(\w+)`, "text.go": `\bp\.(\w+)`,
	} {
		text := must.Read(t, file)
		before := len(used)
		for _, match := range regexp.MustCompile(word).FindAllStringSubmatch(text, -1) {
			used[match[1]] = true
		}
		if len(used) == before {
			t.Errorf("%s uses nothing that no other file does: is it still read rightly?", file)
		}
	}
	for field := range reflect.TypeFor[texts]().Fields() {
		if field.Name != "_" && !used[field.Name] {
			t.Errorf("nobody uses %s", field.Name)
		}
	}
	if used["Now"] {
		t.Error("the page's own Now is taken for a word")
	}
}

// Lengths of time are used in two units at most, and never as longer than they
// are; no line ends between a number and its unit.
func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		-time.Second:                             {"0 s", "0초"},
		0:                                        {"0 s", "0초"},
		12*time.Second + 900*time.Millisecond:    {"12 s", "12초"},
		59 * time.Second:                         {"59 s", "59초"},
		time.Minute:                              {"1 min", "1분"},
		time.Minute + 59*time.Second:             {"1 min 59 s", "1분 59초"},
		36*time.Minute + 50*time.Second:          {"36 min", "36분"},
		3*time.Hour + 45*time.Minute + 59*1e9:    {"3 h 45 min", "3시간 45분"},
		36*time.Hour + 59*time.Minute:            {"36 h", "36시간"},
		48 * time.Hour:                           {"2 d", "2일"},
		3*24*time.Hour + 4*time.Hour + 59*60*1e9: {"3 d 4 h", "3일 4시간"},
		90*24*time.Hour + 23*time.Hour + 59*60e9: {"90 d", "90일"},
	} {
		for i, language := range lang.Languages() {
			if got, want := (printer{newTexts(), language}).duration(d), strings.ReplaceAll(want[i], " ", nbsp); got != want {
				t.Errorf("%s in %s: %q, want %q", d, language, got, want)
			}
		}
	}
}

// Times are those of Seoul, with the date where it is not today's there.
func TestTimeOfDay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC) // half past midnight of the 24th in Seoul
	for _, test := range []struct {
		then time.Time
		want string
	}{
		{now.Add(-12 * time.Minute), "00:18:00\u00a0KST"},
		{now.Add(-time.Hour), "2026-11-23 23:30:00\u00a0KST"},
		{now.AddDate(-1, 0, 0), "2025-11-24 00:30:00\u00a0KST"},
	} {
		if got := timeOfDay(test.then, now); got != test.want {
			t.Errorf("%s: %q, want %q", test.then, got, test.want)
		}
	}
}

// "Over the last" takes an hour without its number.
func TestPeriod(t *testing.T) {
	t.Parallel()
	english, korean := printer{newTexts(), lang.English}, printer{newTexts(), lang.Korean}
	for d, want := range map[time.Duration][2]string{
		time.Hour: {"hour", "1시간"}, 59 * time.Minute: {"59\u00a0min", "59분"}, time.Hour + time.Second: {"1\u00a0h", "1시간"},
	} {
		if got := [2]string{english.period(d), korean.period(d)}; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

// How long the limit lasts is a length of time and the clock time of its end in Seoul, with the date where that is
// another; what lasts longer than any outflow stays the same has no end, in neither language.
func TestRunwayHasItsClockTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 4, 30, 0, 0, time.UTC) // 13:30 in Seoul
	for hours, want := range map[hub.Won][2]string{
		0:          {"nothing left", "소진됨"},
		1:          {"about 1 h, until 14:30 KST", "약 1시간 후 · 14:30경"},
		11:         {"about 11 h, until 26 Nov, 00:30 KST", "약 11시간 후 · 11월 26일 00:30경"},
		24 * 10:    {"about 10 d, until 5 Dec", "약 10일 후 · 12월 5일경"},
		24 * 90:    {"about 90 d, until 23 Feb", "약 90일 후 · 2월 23일경"},
		24*90 + 24: {"more than 90 d", "90일 넘게 남음"},
	} {
		snapshot := known("store", hours*1000, 1_000_000_000, nil)
		st := evaluate(0, &snapshot, remembered{}, history.Outflow{Window: time.Hour, PerHour: 1000, Paid: 1000, Settled: true})
		for i, language := range lang.Languages() {
			got := printer{newTexts(), language}.newRow(&st, nil, now)
			if runway := strings.ReplaceAll(got.Runway, nbsp, " "); runway != want[i] {
				t.Errorf("%d h: %q, want %q", hours, runway, want[i])
			}
		}
	}
}

// A long amount is read by ten thousands in Korea, never as more than it is.
func TestInWords(t *testing.T) {
	t.Parallel()
	for amount, want := range map[hub.Won]string{
		-20_000_000: "", 9_999_999: "", 10_000_000: "1,000만 원", 40_000_500: "약 4,000만 원", 444_000_000: "4억 4,400만 원", 500_000_000: "5억 원",
		100_000_500: "약 1억 원", 1_234_567_890_123: "약 12,345억 6,789만 원",
	} {
		if got := strings.ReplaceAll(printer{newTexts(), lang.Korean}.inWords(amount), nbsp, " "); got != want {
			t.Errorf("%d: %q, want %q", amount, got, want)
		}
		if got := (printer{newTexts(), lang.English}).inWords(amount); got != "" {
			t.Errorf("%d in English: %q", amount, got)
		}
	}
}

// The texts of all thresholds are read as what is configured; an amount that
// follows from something else is marked as present, and shown only where it
// is known.
func TestLevels(t *testing.T) {
	t.Parallel()
	settled := history.Outflow{Window: time.Hour, PerHour: 60_000_000, Paid: 60_000_000, Settled: true}
	for _, test := range []struct {
		warning, critical string
		total             hub.Won
		outflow           history.Outflow
		english, korean   []string
	}{
		{
			"30000000 24h", "10000000", 135_000_000, settled,
			[]string{"Warning below ₩30,000,000 or 24 h of payouts (now ₩1,440,000,000)", "Critical below ₩10,000,000"},
			[]string{"경고: 30,000,000원 또는 24시간치 지급액(현재 1,440,000,000원) 미만", "심각: 10,000,000원 미만"},
		},
		{
			"30000000 24h", "20% 1d", 0,
			history.Outflow{},
			[]string{"Warning below ₩30,000,000 or 24 h of payouts", "Critical below 20% or 24 h of payouts"},
			[]string{"경고: 30,000,000원 또는 24시간치 지급액 미만", "심각: 20% 또는 24시간치 지급액 미만"},
		},
		{
			"12.5%", "10% 90m 5", 200_000_000, settled,
			[]string{"Warning below 12.5% (now ₩25,000,000)", "Critical below 10% (now ₩20,000,000) or 1 h 30 min of payouts (now ₩90,000,000) or ₩5"},
			[]string{"경고: 12.5%(현재 25,000,000원) 미만", "심각: 10%(현재 20,000,000원) 또는 1시간 30분치 지급액(현재 90,000,000원) 또는 5원 미만"},
		},
		{"", "", 200_000_000, settled, nil, nil},
	} {
		snapshot := known("store", 40_000_000, test.total, levels(t, test.warning, test.critical))
		st := evaluate(0, &snapshot, remembered{}, test.outflow)
		for language, want := range map[lang.Language][]string{lang.English: test.english, lang.Korean: test.korean} {
			got := printer{newTexts(), language}.levels(&st)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], nbsp, " ")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s and %s: %q, want %q", test.warning, test.critical, got, want)
			}
		}
	}
}

// A share is shown as it was written, without the noise of floating point.
func TestWholePercentages(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 100; n++ {
		text := strconv.Itoa(n) + "%"
		snapshot := known("store", 40_000_000, 0, levels(t, text, ""))
		st := evaluate(0, &snapshot, remembered{}, history.Outflow{})
		got := printer{newTexts(), lang.English}.newRow(&st, nil, time.Time{}).Levels
		if len(got) != 1 || got[0].String() != "Warning below "+text {
			t.Errorf("%s is shown as %q", text, got)
		}
	}
}

// What is lost is shown as history: the last amount only with its time and a
// word that it may be another by now, and never in the place of a figure.
func TestLastKnownIsHistory(t *testing.T) {
	t.Parallel()
	answered := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC) // as forgotten has it
	since := answered.Add(30 * time.Second)
	s := failing(known("store", 4_400_000, 80_000_000, nil), hub.ReasonTimeout)
	s.FailingSince, s.LastSuccess = since, answered
	gone := forgotten(s)
	st := gone.evaluate(0, history.Outflow{})
	for language, want := range map[lang.Language]string{
		lang.English: "The hub did not answer in time, since 14:00:30\u00a0KST | Last known: ₩4,400,000 at 14:00:00\u00a0KST; may differ now",
		lang.Korean:  "14:00:30\u00a0KST부터 조회 실패: 허브가 제시간에 응답하지 않음 | 마지막 조회값: 4,400,000원(14:00:00\u00a0KST 기준, 현재와 다를 수 있음)",
	} {
		r := printer{newTexts(), language}.newRow(&st, nil, since.Add(time.Hour))
		if got := r.State.String() + " | " + r.Last.String(); got != want {
			t.Errorf("in %s: %q, want %q", language, got, want)
		}
		if r.Known || r.Remain != "" || r.Meter != nil || r.Levels != nil || r.Runway != "" || r.Transferred != "" || r.Total != "" {
			t.Errorf("a figure of the past is shown as a present one: %+v", r)
		}
	}
	gone.Failure = nil // nobody has asked since
	st = gone.evaluate(0, history.Outflow{})
	if got, want := (printer{newTexts(), lang.English}).newRow(&st, nil, since), "Last known: ₩4,400,000"; got.State.String() != "The hub was not asked for a while" || !strings.HasPrefix(got.Last.String(), want) {
		t.Errorf("%s: %s, want %s", got.State, got.Last, want)
	}
}

// A line that is as good as flat has nothing below it, which would look like a
// picture that is not loaded yet; any other has.
func TestSparklineAreaIsOfWhatMoves(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		from, to hub.Won
		flat     bool
	}{
		{5_000_000, 5_000_000, true},
		{0, 0, true},
		{-5, -5, true},
		{100, 95, true},
		{100, 87, false},
		{87, 100, false},
		{1, 0, false},
		{-100, 0, false},
	} {
		points := []history.Point{{At: now.Add(-time.Hour), Remain: test.from}, {At: now, Remain: test.to}}
		drawn := printer{newTexts(), lang.English}.newSparkline(points, now)
		if drawn.Line == "" || (drawn.Area == "") != test.flat {
			t.Errorf("from %d to %d: %+v, flat %t", test.from, test.to, drawn, test.flat)
		}
	}
}

// String is the text as a reader sees it.
func (p segments) String() string {
	var b strings.Builder
	for _, segment := range p {
		b.WriteString(segment.Text)
	}
	return b.String()
}

// Flags and short parentheses stay whole; no letter is lost or changed, so that
// what is copied is what is meant.
func TestSplitSegments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                nil,
		"plain – text - of no-thing":      nil,
		"raise --payple.timeout":          {"--payple.timeout"},
		"raise --payple.min-interval and": {"--payple.min-interval"},
		"응답이 느리면 --payple.timeout 값을 늘리세요": {"--payple.timeout"},
		"see --a, --b.":           {"--a", "--b"},
		"dashes -- and --":        nil,
		"20% (now ₩100,000,000)":  {"(now ₩100,000,000)"},
		"error (HTTP 503), since": {"(HTTP 503)"},
		"(a)(b)":                  {"(a)", "(b)"},
		"경로(프록시, 방화벽, 네트워크)를":                            {"(프록시, 방화벽, 네트워크)"},
		"(열여섯 자가 넘는 한글은 화면보다 넓음)":                        nil,
		"IP 주소가 White IP로":                               {"White IP"},
		"7개 중 1개 지급 불가, 한도 부족":                           {"지급 불가", "한도 부족"},
		"(set --web.flag)":                               {"(set --web.flag)"},
		"not closed (a b":                                nil,
		"(" + strings.Repeat("long ", 9) + "and --flag)": {"--flag"},
	} {
		p := splitSegments(text)
		var whole []string
		for _, segment := range p {
			if segment.Text == "" {
				t.Errorf("%q has an empty piece", text)
			}
			if segment.NoBreak {
				whole = append(whole, segment.Text)
			}
		}
		if p.String() != text || !slices.Equal(whole, want) {
			t.Errorf("%q becomes %q with %q whole, want %q", text, p.String(), whole, want)
		}
	}
	for _, reason := range hub.Reasons() {
		for _, language := range lang.Languages() {
			action := advice.ForReason(reason).In(language)
			for _, flag := range regexp.MustCompile(`--[a-z.-]+`).FindAllString(action, -1) {
				if !slices.ContainsFunc(splitSegments(action), func(p segment) bool { return p.NoBreak && strings.Contains(p.Text, flag) }) {
					t.Errorf("%q can be torn apart in %q", flag, action)
				}
			}
		}
	}
}

func TestCapitalize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "key refused": "Key refused", "cst_id is missing": "cst_id is missing", "키가 없음": "키가 없음", "₩5": "₩5", "HTTP 503": "HTTP 503",
	} {
		if got := capitalize(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// The text on every background keeps a contrast of 4.5 to 1, light and dark;
// signs keep 3 to 1, and so do a threshold's mark against its outline and the
// outline against the bar that the mark stands in.
func TestPageContrast(t *testing.T) {
	t.Parallel()
	if !regexp.MustCompile(`\.mark \{[^}]*fill: var\(--ink\); stroke: var\(--card\); stroke-width: [2-9]px;[^}]*vector-effect: non-scaling-stroke`).MatchString(pageCSS) {
		t.Error("a threshold's mark has no outline in the card's colour")
	}
	light, dark := customProperties(t)
	for scheme, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		for least, pairs := range map[float64]string{
			4.5: "ink/page ink/card soft/page soft/card link/page link/card ok/ok-tint warn/warn-tint bad/bad-tint idle/idle-tint " +
				"warn/card bad/card ok/card demo-ink/demo",
			// The last four are a mark and its outline, and the outline and each bar.
			3: "ok/track warn/track bad/track warn/warn-tint bad/bad-tint bad/warn-tint ok/page warn/page bad/page ink/track soft/track idle/page " +
				"ink/card card/ok card/warn card/bad",
		} {
			for pair := range strings.FieldsSeq(pairs) {
				over, under, _ := strings.Cut(pair, "/")
				if got := contrast(t, colours[over], colours[under]); got < least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", scheme, over, under, got, least)
				}
			}
		}
	}
}

// customProperties returns the colours of the style sheet: the dark ones are
// the light ones but for those that are set again.
func customProperties(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	roots := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(pageCSS, -1)
	if len(roots) < 2 {
		t.Fatalf("%d sets of colours, want two", len(roots))
	}
	light, dark = make(map[string]string), make(map[string]string)
	property := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	for _, match := range property.FindAllStringSubmatch(roots[0][1], -1) {
		light[match[1]], dark[match[1]] = match[2], match[2]
	}
	for _, match := range property.FindAllStringSubmatch(roots[1][1], -1) {
		dark[match[1]] = match[2]
	}
	return light, dark
}

// contrast is WCAG's ratio of two colours such as #1b1b1a.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var rgb [3]uint8
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		sum += weight * linear(float64(rgb[i])/255)
	}
	return sum
}

// linear takes the gamma out of a colour's channel.
func linear(channel float64) float64 {
	if channel <= 0.04045 {
		return channel / 12.92
	}
	return math.Pow((channel+0.055)/1.055, 2.4)
}
