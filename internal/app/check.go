package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/hub"
	"payple_exporter/internal/check"
)

// checkFlags are those of the check command.
type checkFlags struct {
	json      bool
	minRemain wonFlag
	lang      languageFlag
}

// wonFlag is a flag that takes an amount of 0 or more. An empty value is a
// mistake, above all where it comes from an empty variable of a script.
type wonFlag struct{ won *hub.Won } // nil: not given

// Set implements [kingpin.Value].
func (f *wonFlag) Set(text string) error {
	won, err := hub.ParseWon(text)
	if err != nil || won < 0 {
		return errors.New("min-remain: want an amount in won, such as 50000000")
	}
	f.won = &won
	return nil
}

// String implements [kingpin.Value].
func (f *wonFlag) String() string { return "" }

func (f *checkFlags) define(command *kingpin.CmdClause) {
	command.Flag("json", "Print JSON for scripts, in English always.").BoolVar(&f.json)
	command.Flag("min-remain", "Exit with 3 if all have answered and one of them has less than so many won: for the line before a batch of payouts.").
		PlaceHolder("WON").SetValue(&f.minRemain)
	f.lang.define(command)
}

// check asks the hub once for each merchant and prints what it says.
func (p *program) check(ctx context.Context) (err error) {
	merchants, loaded, err := p.begin(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	p.warn(loaded)
	findings := check.Merchants(ctx, loaded.Merchants, check.Options{
		Timeout: p.merchants.timeout, MaxConcurrency: p.merchants.maxConcurrency, RequestsPerSecond: p.merchants.maxRequestsPerSecond,
		Referer: p.merchants.referer, UserAgent: userAgent(), Roots: loaded.Roots, Getenv: p.Getenv, Progress: p.Stderr,
		MinRemain: p.checking.minRemain.won,
	})
	if p.checking.json {
		err = check.WriteJSON(p.Stdout, findings)
	} else {
		err = check.WriteText(p.Stdout, findings, p.checking.lang.language(p.Getenv))
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	switch {
	case slices.ContainsFunc(findings, func(f check.Finding) bool { return !f.OK }):
		return shownError(ExitFailure)
	case slices.ContainsFunc(findings, func(f check.Finding) bool { return f.Below != nil }):
		return shownError(ExitLow)
	}
	return nil
}
