package statuspage

import (
	"net/url"
	"strconv"
	"strings"

	"payple_exporter/internal/lang"
)

// ask is what a reader asks of the page, by its address. All of it is kept in
// every link, so that an address can be sent to somebody else.
type ask struct {
	query     string        // part of a merchant's name or cst_id
	page      int           // from 1
	attention bool          // only merchants that need attention
	still     bool          // without refreshing itself
	language  lang.Language // empty: as the browser says
}

// maxQuery is how much of a search text is used.
const maxQuery = 100

// parseAsk reads an address. What makes no sense is left out.
func parseAsk(values url.Values) ask {
	a := ask{query: strings.ToValidUTF8(strings.TrimSpace(values.Get("q")), ""), page: 1}
	if runes := []rune(a.query); len(runes) > maxQuery {
		a.query = string(runes[:maxQuery])
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 {
		a.page = n
	}
	a.attention = values.Get("show") == "attention"
	a.still = values.Get("refresh") == "off"
	if named, ok := lang.Parse(values.Get("lang")); ok {
		a.language = named
	}
	return a
}

// values is the address again, without what goes without saying.
func (a ask) values() url.Values {
	values := make(url.Values)
	set := func(name, value string, wanted bool) {
		if wanted {
			values.Set(name, value)
		}
	}
	set("q", a.query, a.query != "")
	set("page", strconv.Itoa(a.page), a.page > 1)
	set("show", "attention", a.attention)
	set("refresh", "off", a.still)
	set("lang", string(a.language), a.language != "")
	return values
}

// link returns the address relative to the page, so that it holds behind a
// reverse proxy that adds a path.
func (a ask) link() string {
	if encoded := a.values().Encode(); encoded != "" {
		return "?" + encoded
	}
	return "./"
}

func (a ask) at(page int) ask { a.page = page; return a }

func (a ask) showing(attention bool) ask { a.attention, a.page = attention, 1; return a }

func (a ask) searching(query string) ask { a.query, a.page = query, 1; return a }

func (a ask) refreshing(on bool) ask { a.still = !on; return a }

func (a ask) in(l lang.Language) ask { a.language = l; return a }

// hidden is what a search form hands on beside its text.
func (a ask) hidden() []field {
	values := a.searching("").values()
	var fields []field
	for _, name := range []string{"show", "refresh", "lang"} {
		if values.Has(name) {
			fields = append(fields, field{name, values.Get(name)})
		}
	}
	return fields
}

// finds tells whether a merchant is one that is searched for.
func (a ask) finds(j *standing) bool {
	text := strings.ToLower(a.query)
	return text == "" || strings.Contains(strings.ToLower(j.Merchant.Name), text) || strings.Contains(strings.ToLower(j.Merchant.CstID), text)
}

// wants tells whether a merchant that was found is to be shown.
func (a ask) wants(j *standing) bool { return !a.attention || j.condition.attention() }

// window returns which of so many merchants are on the page; a page beyond the
// last is the last.
func (a ask) window(merchants int) (from, to int) {
	last := max(0, merchants-1) / pageRows
	from = min(a.page-1, last) * pageRows
	return from, min(from+pageRows, merchants)
}

// speaks returns the language to answer in: the one asked for, else what the
// browser prefers.
func (a ask) speaks(acceptLanguage string) lang.Language {
	if a.language != "" {
		return a.language
	}
	return lang.Preferred(acceptLanguage)
}
