// Package lang holds what the exporter tells people in two languages. Texts
// stand side by side where they are used; this package knows only how to pick.
package lang

import "strings"

// Language is one of the two that the exporter speaks, as an HTML lang
// attribute names it.
type Language string

// The languages, in the order of preference where a reader states none.
const (
	English Language = "en"
	Korean  Language = "ko"
)

// Languages returns both languages, English first.
func Languages() []Language { return []Language{English, Korean} }

// Text is one text in both languages. Neither may be empty unless both are.
type Text struct {
	English string
	Korean  string
}

// In returns the text in one language; in English for any but the two.
func (t Text) In(l Language) string {
	if l == Korean {
		return t.Korean
	}
	return t.English
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// Parse returns the language that a person has named ("ko", "ko-KR", "en_US"),
// and whether it is one of the two.
func Parse(name string) (Language, bool) {
	primary, subtags, more := strings.Cut(strings.ReplaceAll(name, "_", "-"), "-")
	for subtag := range strings.SplitSeq(subtags, "-") {
		if more && (subtag == "" || len(subtag) > 8 || strings.Trim(subtag, letters+digits) != "") {
			return English, false
		}
	}
	for _, l := range Languages() {
		if strings.EqualFold(primary, string(l)) {
			return l, true
		}
	}
	return English, false
}

// OfLocale returns the language of a terminal's messages, by the variables of
// POSIX: the first of LC_ALL, LC_MESSAGES and LANG that is set counts. It is
// English for any but the two. getenv is os.Getenv.
func OfLocale(getenv func(string) string) Language {
	for _, variable := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		locale := getenv(variable)
		if locale == "" {
			continue
		}
		name, _, _ := strings.Cut(locale, ".") // ko_KR.UTF-8
		name, _, _ = strings.Cut(name, "@")
		language, _ := Parse(name)
		return language
	}
	return English
}
