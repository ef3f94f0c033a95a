package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"payple_exporter/config"
	"payple_exporter/hub"
)

// finding is what check learned of one merchant, in the form that scripts get.
type finding struct {
	Merchant string `json:"merchant"`
	CstID    string `json:"cst_id"`
	Hub      string `json:"hub"`
	OK       bool   `json:"ok"`
	// Amounts are Korean won, and absent where OK is false.
	Remain   *hub.Won   `json:"remain_amt,omitempty"`
	Total    *hub.Won   `json:"total_account_amt,omitempty"`
	Paid     *hub.Won   `json:"total_transfer_amt,omitempty"`
	HubTime  *time.Time `json:"hub_time,omitempty"`
	Duration float64    `json:"duration_seconds"`
	// The rest is absent where OK is true.
	Reason hub.Reason `json:"reason,omitempty"`
	Code   string     `json:"result,omitempty"`
	Error  string     `json:"error,omitempty"`
	Action string     `json:"action,omitempty"`
}

// check asks the hub once for each merchant and prints what it says.
func (p *program) check(ctx context.Context) (err error) {
	merchants, err := p.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	config, err := merchants.load()
	if err != nil {
		return usageError{err}
	}
	findings := p.ask(ctx, config.Merchants)
	write := writeTable
	if p.flags.checkJSON {
		write = writeJSON
	}
	if err := write(p.stdout, findings); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	for _, finding := range findings {
		if !finding.OK {
			return errToldAlready
		}
	}
	return nil
}

// ask asks for all merchants, side by side.
func (p *program) ask(ctx context.Context, merchants []config.Merchant) []finding {
	transport := hub.NewTransport(p.flags.maxConcurrency)
	defer transport.CloseIdleConnections()
	findings := make([]finding, len(merchants))
	var group errgroup.Group
	group.SetLimit(p.flags.maxConcurrency)
	for i, merchant := range merchants {
		group.Go(func() error {
			client := hub.NewClient(hub.Options{
				URL: merchant.Hub.URL, Transport: transport, Referer: p.flags.referer, UserAgent: userAgent(),
			})
			ctx, cancel := context.WithTimeout(ctx, p.flags.timeout)
			defer cancel()
			findings[i] = find(ctx, merchant, hub.NewSession(client, merchant.CstID, merchant.Key))
			return nil
		})
	}
	_ = group.Wait() // none of them fails: findings hold the failures
	return findings
}

func find(ctx context.Context, merchant config.Merchant, session *hub.Session) finding {
	began := time.Now()
	limit, err := session.Remain(ctx)
	found := finding{
		Merchant: merchant.Name, CstID: merchant.CstID, Hub: merchant.Hub.Label,
		OK: err == nil, Duration: time.Since(began).Seconds(),
	}
	if err == nil {
		found.Remain, found.Total, found.Paid = &limit.Remain, &limit.TotalAccount, &limit.TotalTransfer
		if !limit.HubTime.IsZero() {
			found.HubTime = &limit.HubTime
		}
		return found
	}
	found.Error = err.Error()
	if failure, ok := errors.AsType[*hub.Error](err); ok {
		found.Reason, found.Code, found.Action = failure.Reason, failure.Code, failure.Action().English
	}
	return found
}

func writeJSON(w io.Writer, findings []finding) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"merchants": findings})
}

func writeTable(w io.Writer, findings []finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MERCHANT\tHUB\tREMAINING\tTRANSFERRED\tTOTAL\tHUB TIME (KST)\tLOCAL TIME\tRESULT")
	for _, f := range findings {
		if !f.OK {
			_, _ = fmt.Fprintf(table, "%s\t%s\t-\t-\t-\t-\t-\tfailed, %s\n", f.Merchant, f.Hub, f.Reason)
			continue
		}
		korean, local := "-", "-"
		if f.HubTime != nil {
			korean, local = f.HubTime.In(hub.KST()).Format(time.DateTime), f.HubTime.Local().Format(time.DateTime)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\tok\n", f.Merchant, f.Hub, f.Remain, f.Paid, f.Total, korean, local)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range findings {
		if !f.OK {
			if _, err := fmt.Fprintf(w, "\n%s: %s\n  What to do: %s\n", f.Merchant, f.Error, f.Action); err != nil {
				return err
			}
		}
	}
	return nil
}
