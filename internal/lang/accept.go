package lang

import "strings"

// maxRanges is how many languages of an Accept-Language header are looked at.
// Browsers send a handful; the rest of a longer one is somebody's attempt to
// keep this busy.
const maxRanges = 64

// Preferred returns the language that the sender of an Accept-Language header
// (RFC 9110, section 12.5.4) understands best: the one of the highest quality,
// of equals the one named first, and of equals that only "*" names, English.
// What cannot be read is passed over. Where neither is wanted it is English,
// unless just that is refused by a quality of 0.
func Preferred(acceptLanguage string) Language {
	var (
		named  = make(map[Language]wish)
		others wish
		place  int
	)
	for part := range strings.SplitSeq(acceptLanguage, ",") {
		if place++; place > maxRanges {
			break
		}
		name, quality, ok := parseRange(part)
		if !ok {
			continue
		}
		asked := wish{true, quality, place}
		if name == "*" {
			others = others.or(asked)
		} else if l, known := Parse(name); known {
			named[l] = named[l].or(asked)
		}
	}
	for _, l := range Languages() {
		if !named[l].uttered {
			named[l] = others
		}
	}
	if named[Korean].before(named[English]) {
		return Korean
	}
	return English
}

// wish is what a header says of a language.
type wish struct {
	uttered bool
	quality int // in thousandths; 0 is a refusal
	place   int // of the range that says so
}

// before reports whether a language of this wish is preferred to one of another;
// no two that are wished for alike are.
func (w wish) before(other wish) bool {
	switch {
	case w.quality != other.quality:
		return w.quality > other.quality
	case w.quality == 0: // not to be mentioned is better than to be refused
		return !w.uttered && other.uttered
	}
	return w.place < other.place
}

// or returns the better of two wishes for one language.
func (w wish) or(other wish) wish {
	if !w.uttered || other.quality > w.quality {
		return other
	}
	return w
}

// parseRange reads one element of the header: a language, or "*" for any, and
// a quality if there is one.
func parseRange(part string) (name string, quality int, ok bool) {
	const blank = " \t"
	name, weight, weighed := strings.Cut(part, ";")
	name = strings.Trim(name, blank)
	if !weighed {
		return name, 1000, true
	}
	weight = strings.Trim(weight, blank)
	if len(weight) < 3 || !strings.EqualFold(weight[:2], "q=") {
		return "", 0, false
	}
	quality, ok = parseQuality(weight[2:])
	return name, quality, ok
}

// parseQuality reads 0 to 1 with up to three decimals, as thousandths.
func parseQuality(text string) (int, bool) {
	whole, decimals, _ := strings.Cut(text, ".")
	if whole != "0" && whole != "1" || len(decimals) > 3 || strings.Trim(decimals, digits) != "" {
		return 0, false
	}
	thousandths := 0
	for _, digit := range []byte((whole + decimals + "000")[:4]) {
		thousandths = 10*thousandths + int(digit-'0')
	}
	return thousandths, thousandths <= 1000
}
