package statuspage

import (
	"net/url"
	"strconv"
	"strings"

	"payple_exporter/internal/lang"
)

// query is which part of the page a reader wants, and how, as the address says
// it. Every link keeps all of it, so that an address can be sent to somebody
// else.
type query struct {
	search    string        // part of a merchant's name or cst_id
	page      int           // from 1
	attention bool          // only merchants that need attention
	noRefresh bool          // without refreshing itself
	language  lang.Language // empty: as the browser says
}

// maxQuery is how much of a search text is used.
const maxQuery = 100

// parseQuery reads an address. What makes no sense is left out.
func parseQuery(values url.Values) query {
	q := query{search: strings.ToValidUTF8(strings.TrimSpace(values.Get("q")), ""), page: 1}
	if runes := []rune(q.search); len(runes) > maxQuery {
		q.search = string(runes[:maxQuery])
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 {
		q.page = n
	}
	q.attention = values.Get("show") == "attention"
	q.noRefresh = values.Get("refresh") == "off"
	if named, ok := lang.Parse(values.Get("lang")); ok {
		q.language = named
	}
	return q
}

// values returns the address again, without what is the default.
func (q query) values() url.Values {
	values := make(url.Values)
	set := func(name, value string, wanted bool) {
		if wanted {
			values.Set(name, value)
		}
	}
	set("q", q.search, q.search != "")
	set("page", strconv.Itoa(q.page), q.page > 1)
	set("show", "attention", q.attention)
	set("refresh", "off", q.noRefresh)
	set("lang", string(q.language), q.language != "")
	return values
}

// link returns the address relative to the page, so that it holds behind a
// reverse proxy that adds a path.
func (q query) link() string {
	if encoded := q.values().Encode(); encoded != "" {
		return "?" + encoded
	}
	return "./"
}

func (q query) withPage(page int) query { q.page = page; return q }

func (q query) withAttention(attention bool) query { q.attention, q.page = attention, 1; return q }

func (q query) withSearch(text string) query { q.search, q.page = text, 1; return q }

func (q query) withRefresh(on bool) query { q.noRefresh = !on; return q }

func (q query) withLanguage(l lang.Language) query { q.language = l; return q }

// hidden returns what a search form sends beside its text.
func (q query) hidden() []field {
	values := q.withSearch("").values()
	var fields []field
	for _, name := range []string{"show", "refresh", "lang"} {
		if values.Has(name) {
			fields = append(fields, field{name, values.Get(name)})
		}
	}
	return fields
}

// matches reports whether a merchant is one that is searched for.
func (q query) matches(st *status) bool {
	text := strings.ToLower(q.search)
	return text == "" || strings.Contains(strings.ToLower(st.Merchant.Name), text) || strings.Contains(strings.ToLower(st.Merchant.CstID), text)
}

// includes reports whether a merchant that matches is to be shown.
func (q query) includes(st *status) bool { return !q.attention || st.condition.attention() }

// window returns which of so many merchants are on the page; a page beyond the
// last is the last.
func (q query) window(merchants int) (from, to int) {
	last := max(0, merchants-1) / pageRows
	from = min(q.page-1, last) * pageRows
	return from, min(from+pageRows, merchants)
}

// preferredLanguage returns the language to answer in: the one asked for, else what the
// browser prefers.
func (q query) preferredLanguage(acceptLanguage string) lang.Language {
	if q.language != "" {
		return q.language
	}
	return lang.Preferred(acceptLanguage)
}
