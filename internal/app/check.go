package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// finding is what check learned of one merchant, in the form that scripts get;
// docs/check.md documents it. It is in English whatever the language.
type finding struct {
	Merchant string `json:"merchant"`
	CstID    string `json:"cst_id"`
	Hub      string `json:"hub"`
	HubURL   string `json:"hub_url"`
	OK       bool   `json:"ok"`
	// Amounts are Korean won, and absent where OK is false.
	Remain   *hub.Won   `json:"remain_amt,omitempty"`
	Total    *hub.Won   `json:"total_account_amt,omitempty"`
	Paid     *hub.Won   `json:"total_transfer_amt,omitempty"`
	HubTime  *time.Time `json:"hub_time,omitempty"`
	Duration float64    `json:"duration_seconds"`
	// The rest but Steps is absent where OK is true.
	Reason hub.Reason `json:"reason,omitempty"`
	Code   string     `json:"result,omitempty"`
	Error  string     `json:"error,omitempty"`
	Action string     `json:"action,omitempty"`
	// Steps are all steps of the query in their order, tried or not.
	Steps []stepFinding `json:"steps"`

	// advice is for people, who are told in their own language.
	advice hub.Advice
}

// stepFinding is what check learned of one step.
type stepFinding struct {
	Step     hub.Step      `json:"step"`
	State    hub.StepState `json:"state"`
	Target   string        `json:"target,omitempty"`
	Found    string        `json:"found,omitempty"`
	Shared   bool          `json:"shared,omitempty"`
	Duration float64       `json:"duration_seconds"`
}

// check asks the hub once for each merchant and prints what it says. A key that
// cannot be read is the trouble of its merchant: the others are asked.
func (p *program) check(ctx context.Context) (err error) {
	p.flags.keysUnread = true
	merchants, err := p.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	loaded, err := merchants.load()
	if err != nil {
		return usageError{err}
	}
	findings := p.ask(ctx, loaded.Merchants)
	if p.flags.checkJSON {
		err = writeJSON(p.Stdout, findings)
	} else {
		err = report{texts: checkTexts(), language: p.language()}.write(p.Stdout, findings)
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	for _, finding := range findings {
		if !finding.OK {
			return errToldAlready
		}
	}
	return nil
}

// ask asks for all merchants, side by side and within the bounds that hold for
// serving, too.
func (p *program) ask(ctx context.Context, merchants []config.Merchant) []finding {
	transport := hub.NewTransport(p.flags.maxConcurrency)
	defer transport.CloseIdleConnections()
	limit := rate.NewLimiter(rate.Inf, 0)
	if perSecond := p.flags.maxRequestsPerSecond; perSecond > 0 {
		limit = rate.NewLimiter(rate.Limit(perSecond), max(requestsPerCheck, int(math.Ceil(perSecond))))
	}
	progress := newProgress(p.Stderr, len(merchants))
	defer progress.end()
	findings := make([]finding, len(merchants))
	var group errgroup.Group
	group.SetLimit(p.flags.maxConcurrency)
	for i, merchant := range merchants {
		group.Go(func() error {
			// An error comes with the end of ctx, which the query will tell of.
			_ = limit.WaitN(ctx, requestsPerCheck)
			findings[i] = p.find(ctx, merchant, transport)
			progress.step()
			return nil
		})
	}
	_ = group.Wait() // none of them fails: findings hold the failures
	return findings
}

// requestsPerCheck is what the question for one merchant takes: a token and
// the figures.
const requestsPerCheck = 2

// find asks for one merchant.
func (p *program) find(ctx context.Context, merchant config.Merchant, transport *http.Transport) finding {
	trace := hub.NewTrace(merchant.Hub.URL, transport)
	session := hub.NewSession(hub.NewClient(hub.Options{
		URL: merchant.Hub.URL, Transport: transport, Referer: p.flags.referer, UserAgent: userAgent(), Observe: trace.Observe,
	}), merchant.CstID, trace.Key(merchant.Key))
	ctx, cancel := context.WithTimeout(trace.Context(ctx), p.flags.timeout)
	defer cancel()
	began := time.Now()
	limit, err := session.Remain(ctx)
	reports := trace.Reports(merchant.Key)
	found := finding{
		Merchant: merchant.Name, CstID: merchant.CstID, Hub: merchant.Hub.Label, HubURL: merchant.Hub.URL,
		OK: err == nil, Duration: time.Since(began).Seconds(), Steps: p.steps(reports),
	}
	if err == nil {
		found.Remain, found.Total, found.Paid = &limit.Remain, &limit.TotalAccount, &limit.TotalTransfer
		if !limit.HubTime.IsZero() {
			// The hub's clock is Korea's, wherever this machine stands.
			korean := limit.HubTime.In(hub.KST())
			found.HubTime = &korean
		}
		return found
	}
	found.Error = err.Error()
	if failure, ok := errors.AsType[*hub.Error](err); ok {
		found.advice = hub.Advise(failure, reports)
		found.Reason, found.Code, found.Action = failure.Reason, failure.Code, found.advice.Action.English
	}
	return found
}

// steps returns the reports in the form that scripts get.
func (p *program) steps(reports []hub.StepReport) []stepFinding {
	steps := make([]stepFinding, 0, len(reports))
	for _, r := range reports {
		if r.Step == hub.StepProxy && r.State != hub.StepNotNeeded {
			// Where the proxy comes from: the first of these that is set counts.
			for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
				if r.Found == "" && p.Getenv(variable) != "" {
					r.Found = variable
				}
			}
		}
		steps = append(steps, stepFinding{
			Step: r.Step, State: r.State, Target: r.Target, Found: r.Found, Shared: r.Shared, Duration: r.Duration.Seconds(),
		})
	}
	return steps
}

func writeJSON(w io.Writer, findings []finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"merchants": findings})
}
