package exposition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// strict reports what is wrong with a text of OpenMetrics that Prometheus' own
// parser lets pass, and stricter ones do not: families that are not together or
// are there twice, samples of another name than their family's, counters
// without _total, and an end that is missing or not the end.
func strict(text string) (err error) {
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended || strings.Contains(body, "# EOF") {
		return errors.New("want # EOF as the last line, and there alone")
	}
	r := strictReader{names: make(map[string]string)}
	for line := range strings.Lines(body) {
		words := strings.Fields(line)
		if words[0] == "#" {
			err = r.comment(words[1], words)
		} else {
			name, _, _ := strings.Cut(words[0], "{")
			err = r.sample(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// strictReader is where in a text of OpenMetrics one is.
type strictReader struct {
	family, kind string
	names        map[string]string // of families and their samples: the family that they belong to
}

func (r *strictReader) comment(of string, words []string) error {
	if of == "TYPE" {
		r.kind = words[3]
	}
	if words[2] == r.family {
		return nil
	}
	r.family = words[2]
	if of != "TYPE" {
		r.kind = "" // its type follows
	}
	if of, taken := r.names[r.family]; taken {
		return fmt.Errorf("%s is there twice, or is the name of a sample of %s", r.family, of)
	}
	r.names[r.family] = r.family
	return nil
}

func (r *strictReader) sample(name string) error {
	if r.kind == "" { // without a TYPE, each name is a family of its own
		r.family = name
	}
	if suffix, belongs := strings.CutPrefix(name, r.family); !belongs || !slices.Contains(suffixes(r.kind), suffix) {
		return fmt.Errorf("%s is no sample of the %s %s", name, r.kind, r.family)
	}
	if of, taken := r.names[name]; taken && of != r.family {
		return fmt.Errorf("%s belongs to %s and to %s", name, of, r.family)
	}
	r.names[name] = r.family
	return nil
}

// suffixes are what the names of a family's samples end with.
func suffixes(kind string) []string {
	switch kind {
	case "counter":
		return []string{"_total", "_created"}
	case "histogram":
		return []string{"_bucket", "_count", "_sum", "_created"}
	case "summary":
		return []string{"", "_count", "_sum", "_created"}
	case "info":
		return []string{"_info"}
	}
	return []string{""}
}
