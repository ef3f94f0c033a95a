package statuspage

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"payple_exporter/internal/lang"
)

// query is which part of the page a reader wants, and how, as the address says
// it. Every link keeps all of it, so that an address can be sent to somebody
// else.
type query struct {
	Search    string        // part of a merchant's name or cst_id
	Page      int           // from 1
	Attention bool          // only merchants that need attention
	NoRefresh bool          // without refreshing itself
	Language  lang.Language // empty: as the browser says
}

// maxQuery is how much of a search text is used.
const maxQuery = 100

// parseQuery reads an address. What makes no sense is left out.
func parseQuery(values url.Values) query {
	q := query{
		Search: strings.ToValidUTF8(strings.TrimSpace(values.Get("q")), ""), Page: 1,
		Attention: values.Get("show") == "attention", NoRefresh: values.Get("refresh") == "off",
	}
	if runes := []rune(q.Search); len(runes) > maxQuery {
		q.Search = string(runes[:maxQuery])
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 {
		q.Page = n
	}
	if named, ok := lang.Parse(values.Get("lang")); ok {
		q.Language = named
	}
	return q
}

// Link returns the address of the page with some of its parameters changed: names
// and values in turn. It is relative to the page, so that it holds behind a
// reverse proxy that adds a path, and leaves out what is the default.
func (q query) Link(changes ...string) string {
	values := url.Values{"q": {q.Search}, "page": {strconv.Itoa(q.Page)}, "lang": {string(q.Language)}}
	if q.Attention {
		values.Set("show", "attention")
	}
	if q.NoRefresh {
		values.Set("refresh", "off")
	}
	for change := range slices.Chunk(changes, 2) {
		values.Set(change[0], change[1])
	}
	maps.DeleteFunc(values, func(name string, value []string) bool { return value[0] == "" || name == "page" && value[0] == "1" })
	if encoded := values.Encode(); encoded != "" {
		return "?" + encoded
	}
	return "./"
}

// matches reports whether a merchant is one that is searched for.
func (q query) matches(st *status) bool {
	text := strings.ToLower(q.Search)
	return text == "" || strings.Contains(strings.ToLower(st.Merchant.Name), text) || strings.Contains(strings.ToLower(st.Merchant.CstID), text)
}

// window returns which of so many merchants are on the page; a page beyond the
// last is the last.
func (q query) window(merchants int) (from, to int) {
	last := max(0, merchants-1) / pageRows
	from = min(q.Page-1, last) * pageRows
	return from, min(from+pageRows, merchants)
}
