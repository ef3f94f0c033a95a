// Package check asks the hub once for each merchant, step by step, and reports
// to people and to scripts what it found.
package check

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// Finding is what check learned of one merchant, in the form that scripts get;
// docs/check.md documents it. It is in English whatever the language.
type Finding struct {
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
	// Below is Options.MinRemain where less remains, else absent.
	Below *hub.Won `json:"below_min_remain,omitempty"`
	// The rest but Steps is absent where OK is true.
	Reason hub.Reason `json:"reason,omitempty"`
	Code   string     `json:"result,omitempty"`
	Error  string     `json:"error,omitempty"`
	Action string     `json:"action,omitempty"`
	// Steps are all steps of the query in their order, tried or not.
	Steps []StepFinding `json:"steps"`

	// advice and key are for people, who are told in their own language.
	advice Advice
	key    hub.KeySource
}

// StepFinding is what check learned of one step.
type StepFinding struct {
	Step     Step      `json:"step"`
	State    StepState `json:"state"`
	Target   string    `json:"target,omitempty"`
	Found    string    `json:"found,omitempty"`
	Shared   bool      `json:"shared,omitempty"`
	Duration float64   `json:"duration_seconds"`
}

// Options is how the hub is asked.
type Options struct {
	// Timeout is for one merchant, both steps.
	Timeout time.Duration
	// MaxConcurrency and RequestsPerSecond hold for all merchants together; 0
	// requests a second means no limit.
	MaxConcurrency    int
	RequestsPerSecond float64
	// Referer and UserAgent are sent with every request, unless empty.
	Referer, UserAgent string
	// Roots are the authorities that hubs are verified by; nil leaves it to the
	// system.
	Roots *x509.CertPool
	// Getenv reads the environment, in which a proxy may be named.
	Getenv func(string) string
	// MinRemain is how much has to remain of each merchant; nil if anything will do.
	MinRemain *hub.Won
	// Progress is shown how many merchants have answered, if it is a terminal.
	Progress io.Writer
}

// requestsEach is what the question for one merchant takes: a token and the
// figures.
const requestsEach = 2

// Merchants asks for all merchants, side by side and within the limits that
// hold for serving, too, and returns what it found in their order.
func Merchants(ctx context.Context, merchants []config.Merchant, options Options) []Finding {
	transport := hub.NewTransport(options.MaxConcurrency)
	transport.TLSClientConfig.RootCAs = options.Roots
	defer transport.CloseIdleConnections()
	limit := collector.NewRequestLimiter(options.RequestsPerSecond)
	progress := newProgress(options.Progress, len(merchants))
	defer progress.end()
	findings := make([]Finding, len(merchants))
	var group errgroup.Group
	group.SetLimit(options.MaxConcurrency)
	for i, merchant := range merchants {
		group.Go(func() error {
			// An error comes with the end of ctx, which the query will tell of.
			_ = limit.WaitN(ctx, requestsEach)
			findings[i] = options.find(ctx, merchant, transport)
			progress.step()
			return nil
		})
	}
	_ = group.Wait() // none of them fails: findings hold the failures
	return findings
}

// find asks for one merchant.
func (o Options) find(ctx context.Context, merchant config.Merchant, transport *http.Transport) Finding {
	trace := NewTrace(merchant.Hub.URL, transport)
	session := hub.NewSession(hub.NewClient(hub.Options{
		URL: merchant.Hub.URL, Transport: transport, Referer: o.Referer, UserAgent: o.UserAgent, Observe: trace.Observe,
	}), merchant.CstID, trace.Key(merchant.Key))
	ctx, cancel := context.WithTimeout(trace.Context(ctx), o.Timeout)
	defer cancel()
	began := time.Now()
	limit, err := session.Remain(ctx)
	reports := trace.Reports(merchant.Key)
	found := Finding{
		Merchant: merchant.Name, CstID: merchant.CstID, Hub: merchant.Hub.Label, HubURL: merchant.Hub.URL,
		key: merchant.Key.Source(), OK: err == nil, Duration: time.Since(began).Seconds(), Steps: o.steps(reports),
	}
	if err == nil {
		found.Remain, found.Total, found.Paid = &limit.Remain, &limit.TotalAccount, &limit.TotalTransfer
		if o.MinRemain != nil && limit.Remain < *o.MinRemain {
			found.Below = o.MinRemain
		}
		if !limit.HubTime.IsZero() {
			// The hub's clock is Korea's, wherever this machine stands.
			korean := limit.HubTime.In(hub.KST())
			found.HubTime = &korean
		}
		return found
	}
	found.Error = err.Error()
	if errors.Is(err, hub.ErrNameNotShown) {
		found.key.Name = ""
	}
	if failure, ok := errors.AsType[*hub.Error](err); ok {
		found.advice = Advise(failure, reports)
		found.Reason, found.Code, found.Action = failure.Reason, failure.Code, found.advice.Action.English
	}
	return found
}

// steps returns the reports in the form that scripts get.
func (o Options) steps(reports []StepReport) []StepFinding {
	steps := make([]StepFinding, 0, len(reports))
	for _, r := range reports {
		if r.Step == StepProxy && r.State != StepNotNeeded {
			// Where the proxy comes from: the first of these that is set counts.
			for _, variable := range []string{"HTTPS_PROXY", "https_proxy"} {
				if r.Found == "" && o.Getenv(variable) != "" {
					r.Found = variable
				}
			}
		}
		steps = append(steps, StepFinding{
			Step: r.Step, State: r.State, Target: r.Target, Found: r.Found, Shared: r.Shared, Duration: r.Duration.Seconds(),
		})
	}
	return steps
}

// WriteJSON writes findings for scripts, as docs/check.md documents it.
func WriteJSON(w io.Writer, findings []Finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"merchants": findings})
}
