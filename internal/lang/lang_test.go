package lang_test

import (
	"testing"

	"payple_exporter/internal/lang"
)

// A language is known by any of the names that browsers, shells and people give it.
func TestParse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]lang.Language{
		"ko": lang.Korean, "ko-KR": lang.Korean, "KO_kr": lang.Korean, "en": lang.English, "en-GB": lang.English,
	} {
		if got, ok := lang.Parse(name); !ok || got != want {
			t.Errorf("%q: got %q, %t; want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "de", "C", "한국어", "<script>"} {
		if got, ok := lang.Parse(name); ok || got != lang.English {
			t.Errorf("%q: got %q, %t; want English, and false", name, got, ok)
		}
	}
}

// A text is shown in the language asked for, in English if it is neither.
func TestIn(t *testing.T) {
	t.Parallel()
	text := lang.Text{English: "empty", Korean: "소진"}
	for language, want := range map[lang.Language]string{lang.English: "empty", lang.Korean: "소진", "de": "empty"} {
		if got := text.In(language); got != want {
			t.Errorf("%s: got %q, want %q", language, got, want)
		}
	}
}

// A terminal's messages are in the language of the first variable that is set,
// as POSIX has it.
func TestOfLocale(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		all, messages, lang string
		want                lang.Language
	}{
		{"", "", "ko_KR.UTF-8", lang.Korean},
		{"", "ko_KR.eucKR", "en_US.UTF-8", lang.Korean},
		{"C", "ko_KR.UTF-8", "ko_KR.UTF-8", lang.English},
		{"", "", "C.UTF-8", lang.English},
		{"", "", "de_DE@euro", lang.English},
		{"ko", "", "", lang.Korean},
		{"", "", "", lang.English},
	} {
		environment := map[string]string{"LC_ALL": test.all, "LC_MESSAGES": test.messages, "LANG": test.lang}
		if got := lang.OfLocale(func(name string) string { return environment[name] }); got != test.want {
			t.Errorf("%v: got %s, want %s", environment, got, test.want)
		}
	}
}
