package lang

import (
	"strconv"
	"strings"
)

// maxRanges is how many languages of an Accept-Language header are looked at.
// Browsers send a handful; the rest of a longer one is somebody's attempt to
// keep this busy.
const maxRanges = 64

// wish is what a header says of a language. The zero wish is that of a language
// that it does not name.
type wish struct {
	quality float64
	place   int // of the range that says so, from 1; all refusals share one
}

// Preferred returns the language that the sender of an Accept-Language header
// (RFC 9110, section 12.5.4) understands best: the one of the highest quality,
// of equals the one named first, and of equals that only "*" names, English.
// What cannot be read is passed over. Where neither is wanted it is English,
// unless just that is refused by a quality of 0.
func Preferred(acceptLanguage string) Language {
	const others Language = "*"
	wishes := make(map[Language]wish)
	for i, part := range strings.SplitN(acceptLanguage, ",", maxRanges+1) {
		name, quality, ok := parseRange(part)
		if i == maxRanges || !ok {
			continue
		}
		asked := wish{quality, i + 1}
		if quality == 0 {
			asked.place = maxRanges + 1 // not to be mentioned is better than to be refused
		}
		language, known := Parse(name)
		if name == string(others) {
			language, known = others, true
		}
		if earlier, twice := wishes[language]; known && (!twice || quality > earlier.quality) {
			wishes[language] = asked
		}
	}
	english, named := wishes[English]
	if !named {
		english = wishes[others]
	}
	korean, named := wishes[Korean]
	if !named {
		korean = wishes[others]
	}
	if korean.quality > english.quality || korean.quality == english.quality && korean.place < english.place {
		return Korean
	}
	return English
}

// parseRange reads one element of the header: a language, or "*" for any, and
// a quality, from 0 to 1 with up to three decimals, if there is one.
func parseRange(part string) (name string, quality float64, ok bool) {
	const blank = " \t"
	name, weight, weighed := strings.Cut(part, ";")
	name = strings.Trim(name, blank)
	if !weighed {
		return name, 1, true
	}
	weight = strings.Trim(weight, blank)
	if len(weight) < len("q=0") || len(weight) > len("q=0.000") || !strings.EqualFold(weight[:2], "q=") {
		return "", 0, false
	}
	weight = weight[2:]
	quality, err := strconv.ParseFloat(weight, 64)
	return name, quality, err == nil && quality <= 1 && strings.Trim(weight, digits+".") == "" && (len(weight) == 1 || weight[1] == '.')
}
