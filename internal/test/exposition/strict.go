package exposition

import (
	"errors"
	"fmt"
	"strings"
)

// strict reports what is wrong with a text of OpenMetrics that Prometheus' own
// parser lets pass, and stricter ones do not: families that are not together or
// are there twice, samples of another name than their family's, counters
// without _total, and an end that is missing or not the end.
func strict(text string) error {
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended || strings.Contains(body, "# EOF") {
		return errors.New("want # EOF as the last line, and there alone")
	}
	suffixes := map[string][]string{"": {""}, "counter": {"_total", "_created"}, "histogram": {"_bucket", "_count", "_sum", "_created"}, "summary": {"", "_count", "_sum", "_created"}, "gauge": {""}, "unknown": {""}, "info": {"_info"}}
	family, kind, names := "", "", make(map[string]string) // of samples: the family that they belong to
	for line := range strings.Lines(body) {
		words := strings.Fields(line)
		if words[0] == "#" {
			if words[1] == "TYPE" {
				kind = words[3]
			}
			if words[2] == family {
				continue
			}
			family = words[2]
			if words[1] != "TYPE" {
				kind = "" // its type follows
			}
			if of, taken := names[family]; taken {
				return fmt.Errorf("%s is there twice, or is the name of a sample of %s", family, of)
			}
			names[family] = family
			continue
		}
		name, _, _ := strings.Cut(words[0], "{")
		if kind == "" { // without a TYPE, each name is a family of its own
			family = name
		}
		suffix, belongs := strings.CutPrefix(name, family)
		known := false
		for _, one := range suffixes[kind] {
			known = known || one == suffix
		}
		if !belongs || !known {
			return fmt.Errorf("%s is no sample of the %s %s", name, kind, family)
		}
		if of, taken := names[name]; taken && of != family {
			return fmt.Errorf("%s belongs to %s and to %s", name, of, family)
		}
		names[name] = family
	}
	return nil
}
