package hub

import (
	"errors"
	"strconv"
	"strings"
)

// Won is an amount of Korean won. It has no decimals and may be negative.
type Won int64

// MaxWon is the largest amount, in either direction, that is taken for true:
// beyond 2^53 a Prometheus sample, a float64, could no longer hold it exactly.
const MaxWon Won = 1 << 53

// The reasons why a text is no amount. They do not hold the text itself, which
// may have come from anywhere.
var (
	errNotWhole = errors.New("not a whole number of won")
	errGroups   = errors.New("commas are not between groups of three digits")
	errTooLarge = errors.New("larger than 2^53 won")
)

// ParseWon reads an amount: digits with an optional leading minus, bare
// ("9944000") or with commas between groups of three ("9,944,000"). Everything
// else is an error: signs, spaces, decimals, exponents, misplaced commas,
// amounts beyond [MaxWon].
func ParseWon(text string) (Won, error) {
	digits, negative := strings.CutPrefix(text, "-")
	digits, err := ungroup(digits)
	if err != nil {
		return 0, err
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, errNotWhole
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if Won(n) > MaxWon { // out of range, n is the largest there is
		return 0, errTooLarge
	}
	if err != nil {
		return 0, errNotWhole
	}
	if negative {
		n = -n
	}
	return Won(n), nil
}

// withoutDress takes off an amount what may come with it and says nothing: blanks
// around it, as of types of a fixed width, and one or two decimals that are all
// zero, as of types of money. Three decimals are refused, since 9.944 is nine
// thousand to some.
func withoutDress(text string) string {
	text = strings.Trim(text, " \t\r\n")
	for _, decimals := range []string{".00", ".0"} {
		if whole, found := strings.CutSuffix(text, decimals); found && strings.Trim(whole, "-") != "" {
			return whole
		}
	}
	return text
}

// ungroup takes the commas out of digits, if they stand where they should.
func ungroup(digits string) (string, error) {
	groups := strings.Split(digits, ",")
	if len(groups) == 1 {
		return digits, nil
	}
	if len(groups[0]) < 1 || len(groups[0]) > 3 {
		return "", errGroups
	}
	for _, group := range groups[1:] {
		if len(group) != 3 {
			return "", errGroups
		}
	}
	return strings.Join(groups, ""), nil
}

// Grouped returns the amount with a comma between groups of three digits, as
// [ParseWon] reads it: "-1,234,567".
func (w Won) Grouped() string {
	digits := strconv.FormatInt(int64(w), 10)
	sign := ""
	if w < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range []byte(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// String returns the amount as people read it: "₩4,400,000", "-₩1,000".
func (w Won) String() string {
	text, negative := strings.CutPrefix(w.Grouped(), "-")
	if negative {
		return "-₩" + text
	}
	return "₩" + text
}
