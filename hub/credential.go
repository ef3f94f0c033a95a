package hub

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OddKeyError says why a text cannot be a key, without anything of it but the
// character that is out of place.
type OddKeyError struct{ source, fault string }

func (e OddKeyError) Error() string {
	return e.source + " " + e.fault + ": want the custKey alone, in one line of plain text"
}

// usable returns the key from that source, if it can be one.
func usable(key Secret, source string) (Secret, error) {
	text := key.Reveal()
	unseen, found := Unseen(text)
	var fault string
	switch {
	case text == "":
		return Secret{}, EmptyKeyError{source}
	case !utf8.ValidString(text):
		// JSON would carry it changed, and the hub refuse it for no visible reason.
		fault = "is not text in UTF-8"
	case strings.TrimSpace(text) == "":
		fault = "holds nothing but blanks"
	case strings.ContainsAny(text, "\n\v\f\r\u0085\u2028\u2029"):
		fault = "holds several lines"
	case strings.HasPrefix(text, "\ufeff"):
		fault = "begins with a byte order mark (U+FEFF)"
	case found:
		fault = fmt.Sprintf("holds a control or invisible character (%U)", unseen)
	default:
		return key, nil
	}
	return Secret{}, OddKeyError{source, fault}
}

// Unseen returns the first character of a text that people do not see, or not
// as what it is: line breaks and control characters, blanks other than the
// space, letters and marks without a shape or a width, and what turns the
// reading direction or stands for a broken character.
func Unseen(text string) (rune, bool) {
	for _, r := range text {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar || r == '\u2800' || // the pattern without dots of Braille
			unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return r, true
		}
	}
	return 0, false
}

// BlanksAndQuotes are the characters that people put around a text, and that
// shells and files leave there.
const BlanksAndQuotes = " '\"`‘’“”"

// Wrapped reports whether the text begins or ends with a blank or a quote, which
// in a key are hardly meant.
func (s Secret) Wrapped() bool {
	text := s.Reveal()
	return strings.Trim(text, BlanksAndQuotes) != text
}
