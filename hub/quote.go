package hub

import (
	"strconv"
	"strings"
	"unicode"
)

// Quote quotes a text that stands where something else belongs, for a message
// about that; but not one that may be, or hold, the custKey, which somebody has
// put there by mistake.
func Quote(text string) string {
	if MayHoldKey(text) {
		return "(not shown, since a custKey may be in it)"
	}
	return strconv.Quote(text)
}

// MayHoldKey reports whether a custKey may be in a text: a long word, a word
// of letters and digits that is no short one, or a character that addresses,
// amounts, durations and paths do without.
func MayHoldKey(text string) bool {
	const longestNumber, longestWord, longestMixed, longest = 16, 20, 7, 80
	if len(text) > longest || strings.HasSuffix(text, "=") || strings.ContainsAny(text, "&<>\"'`~^*@#{}|\\") {
		return true
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		letters := strings.ContainsFunc(word, unicode.IsLetter)
		digits := strings.ContainsFunc(word, unicode.IsDigit)
		if length := len(word); letters && digits && length > longestMixed || length > longestWord || !letters && length > longestNumber {
			return true
		}
	}
	return false
}

// In reports whether the key stands in a text, where it does not belong. Short
// keys, which only tests have, stand in many.
func (s Secret) In(text string) bool {
	const shortest = 8
	key := s.Reveal()
	return len(key) >= shortest && strings.Contains(text, key)
}
