package statuspage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/config"
	"payple_exporter/internal/lang"
)

// statusVersion grows where a field of Status goes or means something else.
const statusVersion = 1

// Status is what /status.json answers: the page's facts, for programs. The tags
// help are for documents.
type Status struct {
	Version   int              `json:"version" help:"of this shape; new fields may come within it"`
	Exporter  string           `json:"exporter" help:"the exporter's own version; of a build from the sources dev, and its revision"`
	Time      time.Time        `json:"time" help:"when this was answered"`
	Demo      bool             `json:"demo,omitempty" help:"true where nothing is real (--demo), else absent"`
	OK        bool             `json:"ok" help:"all merchants are ok; the HTTP status is 200, else 503"`
	Headline  string           `json:"headline" help:"as on the page, for people"`
	Merchants []MerchantStatus `json:"merchants" help:"worst first"`
}

// MerchantStatus is what /status.json answers of one merchant.
type MerchantStatus struct {
	Merchant string `json:"merchant" help:"its name"`
	CstID    string `json:"cst_id" help:"the partner id"`
	Contact  string `json:"contact,omitempty" help:"who can raise the limit; absent where nobody is named"`
	Hub      string `json:"hub" help:"as in the metrics: real, test, demo, or a host"`
	OK       bool   `json:"ok" help:"its state is fine"`
	State    string `json:"state" help:"one of the list below"`

	Remain   *hub.Won `json:"remain_amt,omitempty" help:"Korean won; absent while unknown"`
	Total    *hub.Won `json:"total_account_amt,omitempty" help:"the same"`
	Transfer *hub.Won `json:"total_transfer_amt,omitempty" help:"the same"`
	Runway   *int64   `json:"runway_seconds,omitempty" help:"how long that lasts at the present pace; absent where it does not end, or too little was seen"`

	LastSuccess *time.Time `json:"last_success,omitempty" help:"when the hub last answered"`
	LastRemain  *hub.Won   `json:"last_known_remain_amt,omitempty" help:"what remained then, where nothing is known now: history"`
	NextQuery   *time.Time `json:"next_query,omitempty" help:"from when on the hub may be asked again"`

	Thresholds map[config.Severity][]string `json:"thresholds" help:"as configured"`

	FailingSince *time.Time `json:"failing_since,omitempty" help:"since when queries fail; this and the next four are absent where the latest did not"`
	Reason       hub.Reason `json:"reason,omitempty" help:"as in payple_failure"`
	Result       string     `json:"result,omitempty" help:"the hub's code, if it gave one"`
	Problem      string     `json:"problem,omitempty" help:"for people"`
	Action       string     `json:"action,omitempty" help:"what to do, for people"`

	Alert   string `json:"alert,omitempty" help:"the alert that fires for it"`
	Runbook string `json:"runbook,omitempty" help:"that alert's, relative to this address unless --web.external-url is set"`
}

// States returns the values of a merchant's state, worst first, with what they
// mean.
func States() []struct{ Name, Meaning string } {
	return []struct{ Name, Meaning string }{
		exhausted:   {"exhausted", "nothing may be paid out"},
		lostLow:     {"lost_low", "unknown, and low when it was last known"},
		refused:     {"refused", "unknown: the hub refuses the key or the address"},
		lost:        {"lost", "unknown: queries fail"},
		critical:    {"critical", "below a critical threshold"},
		warning:     {"warning", "below a warning threshold"},
		keptRefused: {"kept_refused", "enough, but from memory: the hub refuses the key or the address"},
		kept:        {"kept", "enough, but from memory: the latest query failed"},
		asking:      {"asking", "not answered for the first time yet"},
		fine:        {"fine", "known and enough"},
	}
}

// statusJSON is the handler of /status.json.
type statusJSON struct {
	options Options
	texts   *texts
}

// NewStatus returns the handler of /status.json. It answers 503 unless all
// merchants, or the one that the query names, are known to be well. It waits for
// the hub for longer than a query may take, since 200 vouches for the figures.
func NewStatus(options Options, query time.Duration) http.Handler {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.Wait = query + time.Second
	return &statusJSON{options, newTexts()}
}

func (s *statusJSON) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	ctx, cancel := context.WithTimeout(r.Context(), s.options.Wait)
	defer cancel()
	scrape := s.options.Collector.Bind(ctx)
	if names := query["merchant"]; len(names) == 1 && names[0] != "" {
		one, found := s.options.Collector.BindOne(ctx, names[0])
		if !found {
			http.Error(w, fmt.Sprintf("no merchant %q is configured; /sd lists the names", names[0]), http.StatusNotFound)
			return
		}
		scrape = one
	} else if names != nil {
		http.Error(w, "want one merchant: /status.json?merchant=NAME, or all: /status.json", http.StatusBadRequest)
		return
	}
	language, named := lang.Parse(query.Get("lang"))
	if !named {
		language = lang.Preferred(r.Header.Get("Accept-Language"))
	}
	answer := s.answer(scrape.Snapshots(), printer{s.texts, language})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Language", string(language))
	w.Header().Set("Vary", "Accept-Language")
	if !answer.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer) // the client may be gone: its business
}

// answer evaluates merchants as the page does.
func (s *statusJSON) answer(snapshots []collector.Snapshot, p printer) Status {
	all := evaluateAll(s.options.Collector, snapshots)
	shown := make([]*status, len(all))
	var counted tally
	for i := range all {
		counted[all[i].condition]++
		all[i].outflow = s.options.Collector.Outflow(all[i].Merchant.Name)
		shown[i] = &all[i]
	}
	slices.SortFunc(shown, worstFirst)
	answer := Status{
		Version: statusVersion, Exporter: s.options.Version, Time: *inSeoul(s.options.Now()), Demo: s.options.Demo,
		OK: counted[fine] == len(all) && len(all) > 0, Headline: counted.headline(p), Merchants: make([]MerchantStatus, len(all)),
	}
	if who := affected(all, counted); who != "" {
		answer.Headline += ": " + who
	}
	runbooks := "runbooks/"
	if s.options.ExternalURL != "" {
		runbooks = s.options.ExternalURL + "/runbooks/"
	}
	for i, st := range shown {
		answer.Merchants[i] = p.merchantStatus(st, runbooks)
	}
	return answer
}

func (p printer) merchantStatus(st *status, runbooks string) MerchantStatus {
	m := MerchantStatus{
		Merchant: st.Merchant.Name, CstID: st.Merchant.CstID, Contact: st.Merchant.Contact, Hub: st.Merchant.Hub,
		OK: st.condition == fine, State: States()[st.condition].Name,
		LastSuccess: inSeoul(st.LastSuccess), NextQuery: inSeoul(st.NextQuery),
		Thresholds: make(map[config.Severity][]string),
	}
	switch {
	case st.Known:
		m.Remain, m.Total, m.Transfer = &st.Limit.Remain, &st.Limit.TotalAccount, &st.Limit.TotalTransfer
		if runway, ends := st.outflow.Runway(st.Limit.Remain); ends {
			seconds := int64(runway.Seconds())
			m.Runway = &seconds
		}
	case !st.last.at.IsZero():
		m.LastRemain = &st.last.Remain
	}
	for severity, levels := range st.Merchant.Thresholds {
		for _, level := range levels {
			m.Thresholds[severity] = append(m.Thresholds[severity], level.String())
		}
	}
	if st.Failure != nil {
		m.FailingSince, m.Reason, m.Result = inSeoul(st.FailingSince), st.Failure.Reason, st.Failure.Code
		m.Problem, m.Action = p.print(advice.Problem(st.Failure)), p.print(advice.Action(st.Failure))
	}
	if m.Alert = st.alert(); m.Alert != "" {
		m.Runbook = runbooks + m.Alert
	}
	return m
}

// inSeoul returns a time as people there read it, to the second; nil for none.
func inSeoul(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.In(hub.KST()).Truncate(time.Second)
	return &t
}
