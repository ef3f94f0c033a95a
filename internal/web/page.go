package web

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
	// pageWait is how long the page waits for the hub. A person wants to see
	// what is known; the queries go on, and the next look has their answers.
	pageWait = time.Second
	// refreshEvery is how often the page loads itself anew, and refreshSoon how
	// soon while first answers are awaited.
	refreshEvery = 15 * time.Second
	refreshSoon  = 2 * time.Second
	// fewMerchants are found without a search.
	fewMerchants = 10
)

// statusPage is the page at /, ready to be written.
type statusPage struct {
	template *template.Template
	policy   string
	words    *words
}

// newStatusPage parses the template. It panics if that is broken: the first
// person who opens the page must not be the one who finds out.
func newStatusPage() statusPage {
	// The style sheet's hash lets it stand in the page, and nothing else.
	hash := sha256.Sum256([]byte(pageCSS))
	return statusPage{
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
			"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		words: pageWords(),
	}
}

// view is what the template shows.
type view struct {
	T *words

	speaker                    speaker
	Lang, OtherLang            lang.Language
	Title                      string
	Icon                       template.URL
	Style                      template.CSS
	Demo                       bool
	Tone, Sign                 string
	Headline, Who, Attention   string // Who names the merchants that the headline speaks of
	Counts                     []count
	Toolbar                    bool
	Query                      string
	Hidden                     []field // what the search form has to hand on
	All, OnlyAttention         choice
	Found, Clear               string // what the search has found, and the link that ends it
	Rows                       []row
	Range, Previous, Next      string
	Refresh                    int // seconds; 0 is off
	RefreshState, RefreshLabel string
	RefreshLink, LanguageLink  string
	Now, Version, Metrics      string
	Docs                       string
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

// page shows what is known of every merchant. Opening it asks the hub under
// the same rules as a scrape.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	a := parseAsk(r.URL.Query())
	ctx, cancel := context.WithTimeout(r.Context(), cmp.Or(s.options.PageWait, pageWait))
	defer cancel()
	speaker := speaker{s.status.words, a.speaks(r.Header.Get("Accept-Language"))}
	page := s.view(ctx, a, speaker)
	var body bytes.Buffer
	if err := s.status.template.Execute(&body, &page); err != nil {
		_ = level.Error(s.options.Logger).Log("msg", "writing the page", "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(page.Lang))
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", s.status.policy)
	_, _ = w.Write(body.Bytes()) // the client may be gone: its business
}

// view judges all merchants, and puts those into words that are asked for.
func (s *Server) view(ctx context.Context, a ask, speaker speaker) view {
	merchants := s.options.Collector
	all := judgeAll(merchants, merchants.Snapshots(ctx))
	now := s.options.Now()
	var (
		counted tally
		found   int // of those that are searched for, who needs attention
		shown   []*standing
	)
	for i := range all {
		j := &all[i]
		counted[j.condition]++
		if !a.finds(j) {
			continue
		}
		found += boolRank(j.condition.attention())
		if a.wants(j) {
			shown = append(shown, j)
		}
	}
	slices.SortFunc(shown, worstFirst)
	v := s.frame(a, speaker, counted, now)
	v.OnlyAttention.Text = speaker.say(speaker.ShowAttention, grouped(found))
	v.Who = affected(all, counted)
	v.Title = v.tabTitle(counted)
	if a.query != "" {
		v.Found = speaker.say(speaker.Found, grouped(len(shown)), a.query)
		v.Clear = a.searching("").link()
	}
	from, to := a.window(len(shown))
	for _, j := range shown[from:to] {
		j.pace = merchants.Outflow(j.Merchant.Name)
		v.Rows = append(v.Rows, speaker.newRow(j, merchants.History(j.Merchant.Name), now))
	}
	v.turnPages(a, from, to, len(shown))
	return v
}

// judgeAll judges each merchant by its snapshot, and by what else there is to
// judge by: where a threshold is a runway its pace, and where nothing is known
// what was last known.
func judgeAll(merchants *collector.Collector, snapshots []collector.Snapshot) []standing {
	all := make([]standing, len(snapshots))
	for i := range snapshots {
		var (
			snapshot = &snapshots[i]
			last     remembered
			pace     history.Outflow
		)
		if measuresRunway(snapshot.Merchant.Thresholds) {
			pace = merchants.Outflow(snapshot.Merchant.Name)
		}
		if !snapshot.Known {
			last.Limit, last.at = merchants.LastFigures(snapshot.Merchant.Name)
		}
		all[i] = judge(i, snapshot, last, pace)
	}
	return all
}

// affected names the merchants that the headline counts, worst first, if they
// are few among several: then nobody has to look for them.
func affected(all []standing, counted tally) string {
	const most = 3
	a, _ := counted.answer()
	if len(all) == 1 || !a.namesAffected() {
		return ""
	}
	var few []*standing
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
	for i, j := range few {
		names[i] = j.Merchant.Name
	}
	return strings.Join(names, ", ")
}

// turnPages links the page before and the page after, if there are several.
func (v *view) turnPages(a ask, from, to, merchants int) {
	if merchants <= pageRows {
		return
	}
	v.Range = v.speaker.say(v.T.Range, grouped(from+1), grouped(to), grouped(merchants))
	shown := from/pageRows + 1
	if from > 0 {
		v.Previous = a.at(shown - 1).link()
	}
	if to < merchants {
		v.Next = a.at(shown + 1).link()
	}
}

// frame is the page without its rows.
func (s *Server) frame(a ask, speaker speaker, counted tally, now time.Time) view {
	answer, worst := counted.answer()
	v := view{
		T: speaker.words, speaker: speaker, Lang: speaker.language, OtherLang: lang.Korean,
		Icon: icon(worst.tone()), Style: template.CSS(pageCSS), //nolint:gosec // this package's own file
		Demo: s.options.Demo, Tone: worst.tone(), Sign: answer.sign(), Headline: counted.headline(speaker),
		Query: a.query,
		All: choice{
			speaker.say(speaker.ShowAll, grouped(counted.all())), a.searching("").showing(false).link(), !a.attention && a.query == "",
		},
		OnlyAttention: choice{Link: a.showing(true).link(), Current: a.attention},
		Toolbar:       counted.all() > fewMerchants || a.query != "" || a.attention,
		Hidden:        a.hidden(),
		RefreshState:  speaker.say(speaker.RefreshOff), RefreshLabel: speaker.say(speaker.RefreshStart),
		RefreshLink: a.refreshing(a.still).link(),
		Now:         moment(now), Version: s.options.Version,
		Metrics: strings.TrimPrefix(s.options.TelemetryPath, "/"), Docs: documentation,
	}
	if speaker.language == lang.Korean {
		v.OtherLang = lang.English
	}
	v.LanguageLink = a.in(v.OtherLang).link()
	if counted.all() > 1 { // of one merchant the headline has said all
		v.count(counted)
	}
	if !a.still {
		every := refreshEvery
		if counted[asking] > 0 {
			every = refreshSoon
		}
		v.Refresh = int(every.Seconds())
		v.RefreshState, v.RefreshLabel = speaker.say(speaker.RefreshOn, speaker.length(every)), speaker.say(speaker.RefreshStop)
	}
	return v
}

// count says how many merchants are in which condition.
func (v *view) count(counted tally) {
	v.Attention = v.Say(v.T.AttentionNone)
	if n := counted.attention(); n > 0 {
		v.Attention = v.speaker.say(v.T.Attention, grouped(n), grouped(counted.all()))
	}
	for c, n := range counted {
		if n > 0 {
			v.Counts = append(v.Counts, count{condition(c).tone(), v.Say(condition(c).badge(v.T)), grouped(n)})
		}
	}
}

// tabTitle begins with what a narrow browser tab should still show.
func (v *view) tabTitle(counted tally) string {
	title := v.Say(v.T.Title)
	if counted.all() > 0 {
		_, worst := counted.answer()
		said := v.Headline
		if v.Who != "" {
			said += ": " + v.Who
		}
		title = v.Say(worst.badge(v.T)) + " · " + said + " · " + title
	}
	if v.Demo {
		title = "DEMO · " + title
	}
	return title
}

// won writes an amount that was computed, rounded down.
func won(x float64) string { return hub.Won(math.Floor(x + 1e-6)).String() }

// icon is the tab's icon: a dot in the colour of the worst state.
func icon(tone string) template.URL {
	colour := map[string]string{"ok": "238636", "warn": "bf7a00", "bad": "cf222e", "idle": "7a7a7a"}[tone]
	//nolint:gosec // made of this function's own texts
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
		"%3Ccircle cx='8' cy='8' r='7' fill='%23" + colour + "'/%3E%3C/svg%3E")
}

// Say lets the template say a word of the table.
func (v *view) Say(text lang.Text) string { return v.speaker.say(text) }
