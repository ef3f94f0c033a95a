package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-kit/log/level"

	"payple_exporter/collector"
	"payple_exporter/hub"
)

//go:embed page.html
var pageHTML string

// parsePage parses the page's template. It panics if that is broken: the first
// person who opens the page must not be the one who finds out.
func parsePage() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) }

// row is one merchant on the page.
type row struct {
	Name, Hub                     string
	Remain, Transferred, Total    string
	State, Action, Class, NextAsk string
}

// page shows what is known of every merchant. Opening it asks the hub under
// the same rules as a scrape.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.scrapeContext(r)
	defer cancel()
	now := s.options.Now()
	var rows []row
	for _, snapshot := range s.options.Collector().Snapshots(ctx) {
		rows = append(rows, newRow(snapshot, now))
	}
	var page bytes.Buffer
	err := s.pageTemplate.Execute(&page, map[string]any{
		"Demo": s.options.Demo, "Version": s.options.Version, "Metrics": s.options.TelemetryPath, "Rows": rows,
		"Now": now.In(hub.KST()).Format("2006-01-02 15:04:05 KST"),
	})
	if err != nil {
		_ = level.Error(s.options.Logger).Log("msg", "writing the page", "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	_, _ = w.Write(page.Bytes()) // the client may be gone: its business
}

func newRow(s collector.Snapshot, now time.Time) row {
	r := row{Name: s.Merchant.Name, Hub: s.Merchant.Hub, Remain: "unknown", Transferred: "unknown", Total: "unknown"}
	if s.Known {
		r.Remain, r.Transferred, r.Total = s.Limit.Remain.String(), s.Limit.TotalTransfer.String(), s.Limit.TotalAccount.String()
	}
	r.State, r.Class = state(s, now)
	if s.Failure != nil {
		r.Action = s.Failure.Action().English
	}
	if !s.NextQuery.IsZero() {
		r.NextAsk = clockTime(s.NextQuery)
	}
	return r
}

// state says in words where the figures come from and why, and gives the class
// to show it in.
func state(s collector.Snapshot, now time.Time) (words, class string) {
	switch {
	case !s.Attempted:
		return "not asked yet", "unknown"
	case s.Up:
		return fmt.Sprintf("as of %s, %s ago", clockTime(s.LastSuccess), ago(now, s.LastSuccess)), "known"
	case s.Known:
		return fmt.Sprintf("kept from %s: %v, since %s", clockTime(s.LastSuccess), s.Failure, clockTime(s.FailingSince)), "kept"
	default:
		return fmt.Sprintf("%v, since %s", s.Failure, clockTime(s.FailingSince)), "unknown"
	}
}

func clockTime(t time.Time) string { return t.In(hub.KST()).Format("15:04:05 KST") }

func ago(now, then time.Time) time.Duration { return max(0, now.Sub(then)).Round(time.Second) }
