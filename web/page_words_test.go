package web

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"payple_exporter/hub"
	"payple_exporter/lang"
)

// No word of the page is missing in either language, each is in its own
// script, and both languages say the same things in it.
func TestPageWordsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	table := reflect.ValueOf(pageWords())
	for i := range table.NumField() {
		name := table.Type().Field(i).Name
		text, ok := reflect.TypeAssert[lang.Text](table.Field(i))
		if !ok {
			t.Fatalf("%s is no text", name)
		}
		if text.English == "" || text.Korean == "" {
			t.Errorf("%s is missing in one language: %+v", name, text)
		}
		english, korean := text.English, text.Korean
		if name == "OtherLanguage" { // each names the other
			english, korean = korean, english
		}
		if hangul(english) {
			t.Errorf("%s: Hangul in the English text %q", name, english)
		}
		if letters(english) && !hangul(korean) {
			t.Errorf("%s: no Hangul in the Korean text %q", name, korean)
		}
		if got, want := verbs(text.Korean), verbs(text.English); !slices.Equal(got, want) {
			t.Errorf("%s puts in %v in Korean, %v in English", name, got, want)
		}
	}
}

func hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}

func letters(text string) bool {
	return regexp.MustCompile(`[A-Za-z]`).MatchString(regexp.MustCompile(`%(\[\d\])?[a-z]`).ReplaceAllString(text, ""))
}

// verbs returns what a text puts in: each verb with the number of its argument.
func verbs(text string) []string {
	var found []string
	next := 1
	for _, match := range regexp.MustCompile(`%(?:\[(\d)\])?([a-z])`).FindAllStringSubmatch(text, -1) {
		if match[1] != "" {
			_, _ = fmt.Sscan(match[1], &next)
		}
		found = append(found, fmt.Sprintf("%d%s", next, match[2]))
		next++
	}
	slices.Sort(found)
	return found
}

// The page's Go code and template use every word of the table.
func TestPageWordsAreUsed(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	for _, file := range []string{"page.go", "page.html", "page_row.go", "page_draw.go", "page_judge.go", "page_words.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	for field := range reflect.TypeFor[words]().Fields() {
		if name := field.Name; !regexp.MustCompile(`\.` + name + `\b`).MatchString(sources.String()) {
			t.Errorf("nobody says %s", name)
		}
	}
}

// Lengths of time are said in two units at most, and never as longer than they
// are.
func TestLength(t *testing.T) {
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
			if got := (speaker{pageWords(), language}).length(d); got != want[i] {
				t.Errorf("%s in %s: %q, want %q", d, language, got, want[i])
			}
		}
	}
}

// Times are those of Seoul, with the date where it is not today's there.
func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC) // half past midnight of the 24th in Seoul
	for _, test := range []struct {
		then time.Time
		want string
	}{
		{now.Add(-12 * time.Minute), "00:18:00 KST"},
		{now.Add(-time.Hour), "2026-11-23 23:30:00 KST"},
		{now.AddDate(-1, 0, 0), "2025-11-24 00:30:00 KST"},
	} {
		if got := clock(test.then, now); got != test.want {
			t.Errorf("%s: %q, want %q", test.then, got, test.want)
		}
	}
}

func TestCapital(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "key refused": "Key refused", "cst_id is missing": "cst_id is missing", "키가 없음": "키가 없음", "₩5": "₩5", "HTTP 503": "HTTP 503",
	} {
		if got := capital(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// What the hub's errors say on the page is there in both languages.
func TestEveryFailureHasWords(t *testing.T) {
	t.Parallel()
	for _, reason := range hub.Reasons() {
		failure := &hub.Error{Reason: reason}
		for _, language := range lang.Languages() {
			if failure.Problem().In(language) == "" || failure.Action().In(language) == "" {
				t.Errorf("%s says nothing in %s", reason, language)
			}
		}
	}
}

// The text on every background keeps a contrast of 4.5 to 1, light and dark;
// marks and signs keep 3 to 1.
func TestPageContrast(t *testing.T) {
	t.Parallel()
	light, dark := customProperties(t)
	for scheme, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			over, under string
			least       float64
		}{
			{"ink", "page", 4.5},
			{"ink", "card", 4.5},
			{"soft", "page", 4.5},
			{"soft", "card", 4.5},
			{"link", "page", 4.5},
			{"link", "card", 4.5},
			{"ok", "ok-tint", 4.5},
			{"warn", "warn-tint", 4.5},
			{"bad", "bad-tint", 4.5},
			{"idle", "idle-tint", 4.5},
			{"warn", "card", 4.5},
			{"bad", "card", 4.5},
			{"ok", "card", 4.5},
			{"demo-ink", "demo", 4.5},
			{"ok", "track", 3},
			{"warn", "track", 3},
			{"bad", "track", 3},
			{"warn", "warn-tint", 3},
			{"bad", "bad-tint", 3},
			{"bad", "warn-tint", 3},
			{"ok", "page", 3},
			{"warn", "page", 3},
			{"bad", "page", 3},
			{"ink", "track", 3},
			{"soft", "track", 3},
			{"idle", "page", 3},
		} {
			if got := contrast(t, colours[pair.over], colours[pair.under]); got < pair.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", scheme, pair.over, pair.under, got, pair.least)
			}
		}
	}
}

// customProperties returns the colours of the style sheet: the dark ones are
// the light ones but for those that are set anew.
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
