// Package links follows the links of pages. Only tests import it.
package links

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Reply is what an address answers.
type Reply struct {
	Status      int
	ContentType string
	Body        string
}

// Follow follows all links from the page at start on, and fails where one leads
// out of what is below start, or does not answer 200; for /status.json, 503 says
// that somebody should look. It returns what it came to, relative to start and
// without queries.
func Follow(t *testing.T, start string, get func(address string) Reply) map[string]bool {
	t.Helper()
	first, err := url.Parse(start)
	if err != nil {
		t.Fatal(err)
	}
	waiting, seen, reached := []*url.URL{first}, map[string]bool{start: true}, make(map[string]bool)
	for len(waiting) > 0 {
		at := waiting[0]
		waiting = waiting[1:]
		path := strings.TrimPrefix(at.Path, first.Path)
		reached[path] = true
		reply := get(at.String())
		if reply.Status != http.StatusOK && (path != "status.json" || reply.Status != http.StatusServiceUnavailable) {
			t.Errorf("%s answers %d", at, reply.Status)
		}
		if !strings.HasPrefix(reply.ContentType, "text/html") {
			continue
		}
		for _, match := range regexp.MustCompile(`(?:action|href)="([^"]*)"`).FindAllStringSubmatch(reply.Body, -1) {
			to, err := at.Parse(html.UnescapeString(match[1]))
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			to.Fragment = ""
			if to.Scheme == "data" || seen[to.String()] {
				continue
			}
			seen[to.String()] = true
			if !strings.HasPrefix(to.String(), start) {
				t.Errorf("%s links to %s, which is not the exporter's", at, to)
				continue
			}
			waiting = append(waiting, to)
		}
	}
	return reached
}
