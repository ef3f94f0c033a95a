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
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"payple_exporter/collector"
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
	// ExternalURL is the address of the page, where it is known: for links to
	// runbooks that are read elsewhere.
	ExternalURL string
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
	T               *texts
	printer         printer
	Query           query
	Lang, OtherLang lang.Language
	Style           template.CSS
	Demo            bool

	Tone, Sign           string
	Headline, Who, Badge string // Who names the merchants that the headline counts; Badge is the worst
	Counts               []count
	All, Attention       number // merchants, and those of them that need attention

	Toolbar        bool
	Urgent, Found  number // merchants that the search finds and that need attention; merchants to show
	Rows           []row
	From, To       number
	Previous, Next string // pages
	Refresh        int    // seconds; 0 is off
	Refreshes      string

	Now, Version, Metrics string
}

// count is how many merchants are in one condition.
type count struct {
	Tone, Badge string
	Number      number
}

// Print lets the template print a text in the page's language.
func (v *view) Print(text lang.Text, args ...any) string { return v.printer.print(text, args...) }

// Split lets the template keep together in a text what belongs together.
func (v *view) Split(text string) segments { return splitSegments(text) }

// ServeHTTP shows what is known of every merchant. Opening the page asks the hub
// by the same rules as a scrape.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	language := cmp.Or(q.Language, lang.Preferred(r.Header.Get("Accept-Language")))
	ctx, cancel := context.WithTimeout(r.Context(), p.options.Wait)
	defer cancel()
	var body bytes.Buffer
	if err := p.template.Execute(&body, p.view(ctx, q, printer{p.texts, language})); err != nil {
		_ = level.Error(p.options.Logger).Log("msg", "writing the page", "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(language))
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", p.policy)
	_, _ = w.Write(body.Bytes()) // the client may be gone: its business
}

// view evaluates all merchants, and makes the rows of those that are asked for.
func (p *page) view(ctx context.Context, q query, printer printer) *view {
	merchants := p.options.Collector
	all := evaluateAll(merchants, merchants.Snapshots(ctx))
	now := p.options.Now()
	v := &view{
		T: printer.texts, printer: printer, Query: q, Lang: printer.language, OtherLang: lang.Korean,
		Style: template.CSS(pageCSS), //nolint:gosec // this package's own file
		Demo:  p.options.Demo, Toolbar: len(all) > fewMerchants || q.Search != "" || q.Attention, Now: dateTime(now),
		Version: p.options.Version, Metrics: strings.TrimPrefix(p.options.MetricsPath, "/"),
	}
	if v.Lang == lang.Korean {
		v.OtherLang = lang.English
	}
	var (
		counted tally
		shown   []*status
	)
	for i := range all {
		st := &all[i]
		counted[st.condition]++
		attention := st.condition.attention()
		if !q.matches(st) {
			continue
		}
		if attention {
			v.Urgent++
		}
		if attention || !q.Attention {
			shown = append(shown, st)
		}
	}
	v.summarize(counted)
	v.Who = affected(all, counted)
	slices.SortFunc(shown, worstFirst)
	from, to := q.window(len(shown))
	for _, st := range shown[from:to] {
		st.outflow = merchants.Outflow(st.Merchant.Name)
		v.Rows = append(v.Rows, printer.newRow(st, merchants.History(st.Merchant.Name), now))
	}
	v.From, v.To, v.Found = number(from+1), number(to), number(len(shown))
	if from > 0 {
		v.Previous = q.Link("page", strconv.Itoa(from/pageRows))
	}
	if to < len(shown) {
		v.Next = q.Link("page", strconv.Itoa(from/pageRows+2))
	}
	return v
}

// summarize says of all merchants together how they are.
func (v *view) summarize(counted tally) {
	answer, worst := counted.answer()
	v.Tone, v.Sign, v.Badge = worst.tone(), answer.sign(), v.Print(worst.badge(v.T))
	v.Headline = counted.headline(v.printer)
	v.All, v.Attention = counted.sum(nil), counted.sum(condition.attention)
	for c, n := range counted {
		if n > 0 {
			v.Counts = append(v.Counts, count{condition(c).tone(), v.Print(condition(c).badge(v.T)), number(n)})
		}
	}
	if !v.Query.NoRefresh {
		every := refreshEvery
		if counted[asking] > 0 {
			every = refreshSoon
		}
		v.Refresh, v.Refreshes = int(every.Seconds()), v.Print(v.T.RefreshOn, v.printer.duration(every))
	}
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
	answer, _ := counted.answer()
	if len(all) == 1 || answer == inquiring || answer == can {
		return ""
	}
	var few []*status
	for i := range all {
		if all[i].condition.answer() != answer {
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
