// Package texts holds what must be true of every table of texts in two
// languages. Only tests import it.
package texts

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"payple_exporter/internal/lang"
)

// InBothLanguages fails unless every [lang.Text] in a struct, and in its maps,
// is there in both languages, each in its own script, with the same blanks to
// fill in. It returns how many there are.
func InBothLanguages(t *testing.T, table any) int {
	t.Helper()
	seen := 0
	compare := func(name string, text lang.Text) {
		seen++
		english, korean := text.English, text.Korean
		if name == "OtherLanguage" { // each names the other
			english, korean = korean, english
		}
		if english == "" || korean == "" {
			t.Errorf("%s lacks a language: %+v", name, text)
		}
		if Hangul(english) {
			t.Errorf("%s: Korean in the English text: %q", name, english)
		}
		if letters := blank.ReplaceAllString(english, ""); regexp.MustCompile(`[A-Za-z]`).MatchString(letters) && !Hangul(korean) {
			t.Errorf("%s: no Korean in the Korean text: %q", name, korean)
		}
		if a, b := blanks(english), blanks(korean); !slices.Equal(a, b) {
			t.Errorf("%s puts in %v in English, %v in Korean", name, a, b)
		}
	}
	value := reflect.ValueOf(table)
	for i := range value.NumField() {
		name, field := value.Type().Field(i).Name, value.Field(i)
		if name == "_" {
			continue
		}
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

var blank = regexp.MustCompile(`%(?:\[(\d)\])?([a-z])`)

// blanks returns what a text puts in: each verb with the number of its argument.
func blanks(text string) []string {
	var found []string
	next := 1
	for _, match := range blank.FindAllStringSubmatch(text, -1) {
		if match[1] != "" {
			_, _ = fmt.Sscan(match[1], &next)
		}
		found = append(found, fmt.Sprintf("%d%s", next, match[2]))
		next++
	}
	slices.Sort(found)
	return found
}

// Hangul reports whether there is a Korean letter in text.
func Hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}
