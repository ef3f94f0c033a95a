package lang_test

import (
	"regexp"
	"strings"
	"testing"

	"payple_exporter/internal/lang"
)

// A reader gets the language that the header ranks first of the two, by RFC
// 9110, section 12.5.4; what is malformed counts for nothing, and a reader of
// neither gets English.
func TestPreferred(t *testing.T) {
	t.Parallel()
	const english, korean = lang.English, lang.Korean
	for header, want := range map[string]lang.Language{
		"":                                    english,
		"en":                                  english,
		"ko":                                  korean,
		"KO-kr":                               korean,
		"ko_KR":                               korean,
		"ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7": korean,
		"en-GB,en;q=0.9,ko;q=0.8":             english,
		// neither, and one of many
		"de-DE,de;q=0.9":  english,
		"de,ko;q=0.5":     korean,
		"kok, enm, k, e":  english,
		"de,ko;q=0.001":   korean,
		"de;q=1,en;q=0.1": english,
		// equals: the first
		"ko,en":                 korean,
		"en,ko":                 english,
		"ko;q=0.5,en;q=0.5":     korean,
		"ko;q=0.50,en-GB;q=0.5": korean,
		// the best of several ranges of a language
		"ko;q=0.1,en;q=0.5,ko-KR;q=0.9": korean,
		"ko;q=0,en;q=0.5,ko-KR;q=0.9":   korean,
		// a quality of 0 refuses
		"en;q=0":              korean,
		"en;q=0.000, de":      korean,
		"ko;q=0":              english,
		"ko;q=0, *":           english,
		"en;q=0, *;q=0.1":     korean,
		"ko;q=0, en;q=0":      english,
		"*;q=0":               english,
		"*;q=0, ko;q=0.1":     korean,
		"en;q=0,ko;q=0,ko":    korean,
		"en;q=0, ko;q=0, *":   english,
		"en;q=0.0001, ko;q=0": english,
		// any
		"*":                english,
		"*, ko;q=0.5":      english,
		"ko, *;q=0.5":      korean,
		"ko;q=0.5,*;q=0.5": korean,
		"*;q=0.5,ko;q=0.5": english,
		"en;q=0.4,*;q=0.5": korean,
		"de, *;q=0":        english,
		"*-KR, en;q=0.1":   english,
		// blanks, and letters of either case
		" \tko ;\t q=0.8 , en;Q=0.7 ": korean,
		",, ,ko,,":                    korean,
		// malformed: passed over
		"ko;q=2, en;q=0.1":                        english,
		"ko;q=1.001, en;q=0.1":                    english,
		"ko;q=0.1234, en;q=0.1":                   english,
		"ko;q=-1, en;q=0.1":                       english,
		"ko;q=, en;q=0.1":                         english,
		"ko;q, en;q=0.1":                          english,
		"ko;level=1, en;q=0.1":                    english,
		"ko;q=1;q=1, en;q=0.1":                    english,
		"ko;, en;q=0.1":                           english,
		"ko kr, en;q=0.1":                         english,
		"ko-, en;q=0.1":                           english,
		"ko-<script>, en;q=0.1":                   english,
		"ko-subtagtoolong, en;q=0.1":              english,
		"\xff, ko;q=0.1":                          korean,
		"\x00;q=\x00, ko":                         korean,
		"ko;q=1., en;q=0.9":                       korean,
		"ko;q=1.000, en;q=1":                      korean,
		strings.Repeat("x-", 500) + ";;q=,,":      english,
		strings.Repeat("de,", 63) + "ko":          korean,
		strings.Repeat("de,", 1_000_000) + "ko":   english, // nobody's browser
		"ko" + strings.Repeat("-a", 1_000_000):    korean,
		strings.Repeat(";", 1_000_000) + ",ko":    korean,
		"de;q=" + strings.Repeat("0", 1_000_000):  english,
		"ko" + strings.Repeat(",en;q=0.9", 1_000): korean,
	} {
		if got := lang.Preferred(header); got != want {
			t.Errorf("%.60q: %s, want %s", header, got, want)
		}
	}
}

// Whatever a header holds, the answer is one of the two languages; letters'
// case and blanks between ranges change nothing; and who names one language
// alone, and refuses nothing, gets it.
func FuzzPreferred(f *testing.F) {
	for _, seed := range []string{
		"", "ko", "ko-KR,ko;q=0.9,en-US;q=0.8", "*;q=0.5,ko;q=0.5", "en;q=0, *;q=0.1", "de,ko;q=0.001", ";;q=,,", "ko;q=1.;q=", "\xff;q=0.\x00",
	} {
		f.Add(seed)
	}
	korean := regexp.MustCompile(`(?i)^(?:ko|de|ja-JP|zh-Hant)(?:;q=0\.[1-9])?$`)
	f.Fuzz(func(t *testing.T, header string) {
		got := lang.Preferred(header)
		if got != lang.English && got != lang.Korean {
			t.Fatalf("%q: %q is neither", header, got)
		}
		if upper := strings.ToUpper(header); len(upper) == len(header) && isASCII(header) && lang.Preferred(upper) != got {
			t.Fatalf("%q: %s, but %s in capitals", header, got, lang.Preferred(upper))
		}
		if spaced := strings.ReplaceAll(header, ",", " ,\t"); lang.Preferred(spaced) != got {
			t.Fatalf("%q: %s, but %s with blanks", header, got, lang.Preferred(spaced))
		}
		parts := strings.Split(header, ",")
		named := false
		for _, part := range parts {
			if !korean.MatchString(part) {
				return
			}
			named = named || strings.EqualFold(part[:2], "ko")
		}
		if named && len(parts) <= 64 && got != lang.Korean {
			t.Fatalf("%q names Korean and not English, and gets %s", header, got)
		}
	})
}

// Whatever a name holds, Parse says one of the two languages, and English where
// it says no.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "ko", "KO_kr", "en-GB-oxendict", "C", "한국어", "ko-", "-ko", "ko-<script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, ok := lang.Parse(name)
		if got != lang.English && got != lang.Korean || !ok && got != lang.English {
			t.Fatalf("%q: %q, %t", name, got, ok)
		}
		if ok && (len(name) < 2 || !strings.EqualFold(name[:2], string(got)) || !isASCII(name)) {
			t.Fatalf("%q is taken for %s", name, got)
		}
	})
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f })
}
