// Package texts holds what must be true of every table of texts in two
// languages. Only tests import it.
package texts

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"payple_exporter/internal/lang"
)

// InBothLanguages fails unless every [lang.Text] in a struct, and in its maps,
// is there in both languages, with the same blanks to fill in. It returns how
// many there are.
func InBothLanguages(t *testing.T, table any) int {
	t.Helper()
	seen := 0
	verbs := regexp.MustCompile(`%(\[\d\])?[a-z]`)
	compare := func(name string, text lang.Text) {
		seen++
		if text.English == "" || text.Korean == "" {
			t.Errorf("%s lacks a language: %+v", name, text)
		}
		if Hangul(text.English) {
			t.Errorf("%s: Korean in the English text: %q", name, text.English)
		}
		if !Hangul(text.Korean) && text.English != "%s" {
			t.Errorf("%s: no Korean in the Korean text: %q", name, text.Korean)
		}
		if a, b := len(verbs.FindAllString(text.English, -1)), len(verbs.FindAllString(text.Korean, -1)); a != b {
			t.Errorf("%s: %d blanks in English, %d in Korean", name, a, b)
		}
	}
	value := reflect.ValueOf(table)
	for i := range value.NumField() {
		name, field := value.Type().Field(i).Name, value.Field(i)
		if text, ok := reflect.TypeAssert[lang.Text](field); ok {
			compare(name, text)
			continue
		}
		for _, key := range field.MapKeys() {
			text, _ := reflect.TypeAssert[lang.Text](field.MapIndex(key))
			compare(fmt.Sprintf("%s[%v]", name, key), text)
		}
	}
	return seen
}

// Hangul reports whether there is a Korean letter in text.
func Hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}
