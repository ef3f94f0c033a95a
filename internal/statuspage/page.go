// Package statuspage is the page at /, which shows people the condition of every
// merchant.
package statuspage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

const (
	// pageRows is how many merchants one page shows.
	pageRows = 50
	// defaultWait is how long the page waits for the hub. A person wants to see
	// what is known; the queries go on, and the next view has their answers.
	defaultWait = time.Second
	// refreshEvery is how often the page reloads itself, and refreshSoon the same
	// while first answers are awaited.
	refreshEvery = 15 * time.Second
	refreshSoon  = 2 * time.Second
	// fewMerchants are found at a glance: more need a search.
	fewMerchants = 10
)

// Options is what the page is made of.
type Options struct {
	// Collector asks for the merchants that are configured.
	Collector *collector.Collector
	// Version is shown in the footer.
	Version string
	// Demo says that nothing here is real.
	Demo bool
	// MetricsPath is where the metrics are, such as /metrics.
	MetricsPath string
	// Wait is how long the page waits for the hub before it shows what is
	// known; 0 means one second.
	Wait   time.Duration
	Logger log.Logger
	// Now returns the present time; nil means time.Now.
	Now func() time.Time
}

// page is the handler of the page.
type page struct {
	options  Options
	template *template.Template
	policy   string
	texts    *texts
}

// New returns the handler of the page. It panics if the template is broken: the
// first person who opens the page must not be the one who finds out.
func New(options Options) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = log.NewNopLogger()
	}
	options.Wait = cmp.Or(options.Wait, defaultWait)
	return &page{
		options:  options,
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy:   policy(pageCSS),
		texts:    newTexts(),
	}
}

// policy returns the content security policy of a page: the style sheet's hash
// lets it stand in the page, and nothing else.
func policy(style string) string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// view is what the template shows.
type view struct {
	T *texts

	printer                    printer
	Lang, OtherLang            lang.Language
	Title                      string
	Icon                       template.URL
	Style                      template.CSS
	Demo                       bool
	Tone, Sign                 string
	Headline, Who, Attention   string // Who names the merchants that the headline counts
	Counts                     []count
	Toolbar                    bool
	Search                     string
	Hidden                     []field // what the search form sends besides
	All, OnlyAttention         choice
	Found, Clear               string // the result of the search, and the link that ends it
	Rows                       []row
	Range, Previous, Next      string
	Refresh                    int // seconds; 0 is off
	RefreshState, RefreshLabel string
	RefreshLink, LanguageLink  string
	Now, Version, Metrics      string
}

// count is how many merchants are in one condition.
type count struct {
	Tone, Badge, Number string
}

// choice is a link to one of several views.
type choice struct {
	Text, Link string
	Current    bool
}

type field struct{ Name, Value string }

// ServeHTTP shows what is known of every merchant. Opening the page asks the hub
// by the same rules as a scrape.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	ctx, cancel := context.WithTimeout(r.Context(), p.options.Wait)
	defer cancel()
	shown := p.view(ctx, q, printer{p.texts, q.preferredLanguage(r.Header.Get("Accept-Language"))})
	var body bytes.Buffer
	if err := p.template.Execute(&body, &shown); err != nil {
		_ = level.Error(p.options.Logger).Log("msg", "writing the page", "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(shown.Lang))
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", p.policy)
	_, _ = w.Write(body.Bytes()) // the client may be gone: its business
}

// view evaluates all merchants, and makes the rows of those that are asked for.
func (p *page) view(ctx context.Context, q query, printer printer) view {
	merchants := p.options.Collector
	all := evaluateAll(merchants, merchants.Snapshots(ctx))
	now := p.options.Now()
	var (
		counted tally
		found   int // those that match the search and need attention
		shown   []*status
	)
	for i := range all {
		st := &all[i]
		counted[st.condition]++
		if !q.matches(st) {
			continue
		}
		found += boolRank(st.condition.attention())
		if q.includes(st) {
			shown = append(shown, st)
		}
	}
	slices.SortFunc(shown, worstFirst)
	v := p.frame(q, printer, counted, now)
	v.OnlyAttention.Text = printer.print(printer.ShowAttention, formatCount(found))
	v.Who = affected(all, counted)
	v.Title = v.tabTitle(counted)
	if q.search != "" {
		v.Found = printer.print(printer.Found, formatCount(len(shown)), q.search)
		v.Clear = q.withSearch("").link()
	}
	from, to := q.window(len(shown))
	for _, st := range shown[from:to] {
		st.outflow = merchants.Outflow(st.Merchant.Name)
		v.Rows = append(v.Rows, printer.newRow(st, merchants.History(st.Merchant.Name), now))
	}
	v.turnPages(q, from, to, len(shown))
	return v
}

// evaluateAll evaluates each merchant by its snapshot and, where a threshold is a
// runway, by its outflow, and where nothing is known by what was last known.
func evaluateAll(merchants *collector.Collector, snapshots []collector.Snapshot) []status {
	all := make([]status, len(snapshots))
	for i := range snapshots {
		var (
			snapshot = &snapshots[i]
			last     remembered
			outflow  history.Outflow
		)
		if measuresRunway(snapshot.Merchant.Thresholds) {
			outflow = merchants.Outflow(snapshot.Merchant.Name)
		}
		if !snapshot.Known {
			last.Limit, last.at = merchants.LastFigures(snapshot.Merchant.Name)
		}
		all[i] = evaluate(i, snapshot, last, outflow)
	}
	return all
}

// affected returns the names of the merchants that the headline counts, worst
// first, if they are few among several: then nobody has to search for them.
func affected(all []status, counted tally) string {
	const most = 3
	a, _ := counted.answer()
	if len(all) == 1 || !a.namesAffected() {
		return ""
	}
	var few []*status
	for i := range all {
		if all[i].condition.answer() != a {
			continue
		}
		if few = append(few, &all[i]); len(few) > most {
			return ""
		}
	}
	slices.SortFunc(few, worstFirst)
	names := make([]string, len(few))
	for i, st := range few {
		names[i] = st.Merchant.Name
	}
	return strings.Join(names, ", ")
}

// turnPages links the page before and the page after, if there are several.
func (v *view) turnPages(q query, from, to, merchants int) {
	if merchants <= pageRows {
		return
	}
	v.Range = v.printer.print(v.T.Range, formatCount(from+1), formatCount(to), formatCount(merchants))
	shown := from/pageRows + 1
	if from > 0 {
		v.Previous = q.withPage(shown - 1).link()
	}
	if to < merchants {
		v.Next = q.withPage(shown + 1).link()
	}
}

// frame makes the view without its rows.
func (p *page) frame(q query, printer printer, counted tally, now time.Time) view {
	answer, worst := counted.answer()
	v := view{
		T: printer.texts, printer: printer, Lang: printer.language, OtherLang: lang.Korean,
		Icon: icon(worst.tone()), Style: template.CSS(pageCSS), //nolint:gosec // this package's own file
		Demo: p.options.Demo, Tone: worst.tone(), Sign: answer.sign(), Headline: counted.headline(printer),
		Search: q.search,
		All: choice{
			printer.print(printer.ShowAll, formatCount(counted.all())), q.withSearch("").withAttention(false).link(), !q.attention && q.search == "",
		},
		OnlyAttention: choice{Link: q.withAttention(true).link(), Current: q.attention},
		Toolbar:       counted.all() > fewMerchants || q.search != "" || q.attention,
		Hidden:        q.hidden(),
		RefreshState:  printer.print(printer.RefreshOff), RefreshLabel: printer.print(printer.RefreshStart),
		RefreshLink: q.withRefresh(q.noRefresh).link(),
		Now:         dateTime(now), Version: p.options.Version,
		Metrics: strings.TrimPrefix(p.options.MetricsPath, "/"),
	}
	if printer.language == lang.Korean {
		v.OtherLang = lang.English
	}
	v.LanguageLink = q.withLanguage(v.OtherLang).link()
	if counted.all() > 1 { // of one merchant the headline says all
		v.count(counted)
	}
	if !q.noRefresh {
		every := refreshEvery
		if counted[asking] > 0 {
			every = refreshSoon
		}
		v.Refresh = int(every.Seconds())
		v.RefreshState, v.RefreshLabel = printer.print(printer.RefreshOn, printer.duration(every)), printer.print(printer.RefreshStop)
	}
	return v
}

// count adds how many merchants are in which condition.
func (v *view) count(counted tally) {
	v.Attention = v.Print(v.T.AttentionNone)
	if n := counted.attention(); n > 0 {
		v.Attention = v.printer.print(v.T.Attention, formatCount(n), formatCount(counted.all()))
	}
	for c, n := range counted {
		if n > 0 {
			v.Counts = append(v.Counts, count{condition(c).tone(), v.Print(condition(c).badge(v.T)), formatCount(n)})
		}
	}
}

// tabTitle returns the title, beginning with what a narrow tab should still show.
func (v *view) tabTitle(counted tally) string {
	title := v.Print(v.T.Title)
	if counted.all() > 0 {
		_, worst := counted.answer()
		said := v.Headline
		if v.Who != "" {
			said += ": " + v.Who
		}
		title = v.Print(worst.badge(v.T)) + " · " + said + " · " + title
	}
	if v.Demo {
		title = "DEMO · " + title
	}
	return title
}

// won formats an amount that was computed, rounded down.
func won(x float64) string { return hub.Won(math.Floor(x + 1e-6)).String() }

// icon returns the tab's icon: a dot in the colour of the worst state.
func icon(tone string) template.URL {
	colour := map[string]string{"ok": "238636", "warn": "bf7a00", "bad": "cf222e", "idle": "7a7a7a"}[tone]
	//nolint:gosec // made of this function's own texts
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
		"%3Ccircle cx='8' cy='8' r='7' fill='%23" + colour + "'/%3E%3C/svg%3E")
}

// Print lets the template print a text in the page's language.
func (v *view) Print(text lang.Text) string { return v.printer.print(text) }
