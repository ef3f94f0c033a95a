package statuspage

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"payple_exporter/docs/runbooks"
	"payple_exporter/internal/lang"
)

var (
	//go:embed runbook.html
	runbookHTML string
	//go:embed runbook.css
	runbookCSS string
)

// runbookPages is the handler of the runbooks.
type runbookPages struct {
	version  string
	template *template.Template
	policy   string
	texts    *texts
}

// runbookView is what the template shows.
type runbookView struct {
	T                        *texts
	Lang, OtherLang, Written lang.Language // Written: of the runbook itself
	Title, Version           string
	Style                    template.CSS
	Content                  template.HTML
}

// NewRunbooks returns the handler of the runbooks: of the one of the alert that
// the request's path value "alert" names, or of the list of all.
func NewRunbooks(version string) http.Handler {
	return &runbookPages{
		version:  version,
		template: template.Must(template.New("runbook").Parse(runbookHTML)),
		policy:   policy(pageCSS + runbookCSS),
		texts:    newTexts(),
	}
}

func (p *runbookPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	language, named := lang.Parse(r.URL.Query().Get("lang"))
	if !named {
		language = lang.Preferred(r.Header.Get("Accept-Language"))
	}
	alert := r.PathValue("alert")
	content, written, found := runbook(alert, language)
	if !found {
		http.Error(w, "no runbook of that name: /runbooks/ lists them", http.StatusNotFound)
		return
	}
	v := runbookView{
		T: p.texts, Lang: language, OtherLang: lang.Korean, Written: written, Version: p.version,
		Title:   p.texts.LinkRunbooks.In(language),
		Style:   template.CSS(pageCSS + runbookCSS), //nolint:gosec // this package's own files
		Content: template.HTML(content),             //nolint:gosec // rendered from the repository's runbooks
	}
	if alert != "" {
		v.Title = alert + " · " + v.Title
	}
	if language == lang.Korean {
		v.OtherLang = lang.English
	}
	var body bytes.Buffer
	if err := p.template.Execute(&body, &v); err != nil {
		http.Error(w, "the runbook cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(written))
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Content-Security-Policy", p.policy)
	_, _ = w.Write(body.Bytes()) // the client may be gone: its business
}

// runbook returns the runbook of an alert, or the list of all where alert is
// empty, and the language that it is written in: the one asked for if there is
// one, else English.
func runbook(alert string, language lang.Language) (content []byte, written lang.Language, found bool) {
	name := "README"
	if alert != "" {
		name = alert
	}
	if strings.Contains(name, ".") {
		return nil, language, false // one named with its language
	}
	if language == lang.Korean {
		if content, err := runbooks.HTML.ReadFile("html/" + name + ".ko.html"); err == nil {
			return content, lang.Korean, true
		}
	}
	content, err := runbooks.HTML.ReadFile("html/" + name + ".html")
	return content, lang.English, err == nil
}
