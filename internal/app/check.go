package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/internal/check"
)

// checkFlags are those of the check command.
type checkFlags struct {
	json bool
	lang languageFlag
}

func (f *checkFlags) define(command *kingpin.CmdClause) {
	command.Flag("json", "Print JSON for scripts, in English always.").BoolVar(&f.json)
	f.lang.define(command)
}

// check asks the hub once for each merchant and prints what it says.
func (p *program) check(ctx context.Context) (err error) {
	merchants, err := p.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, merchants.close()) }()
	loaded, err := merchants.load()
	if err != nil {
		return usageError{err}
	}
	findings := check.Merchants(ctx, loaded.Merchants, check.Options{
		Timeout: p.merchants.timeout, MaxConcurrency: p.merchants.maxConcurrency, RequestsPerSecond: p.merchants.maxRequestsPerSecond,
		Referer: p.merchants.referer, UserAgent: userAgent(), Getenv: p.Getenv, Progress: p.Stderr,
	})
	if p.checking.json {
		err = check.WriteJSON(p.Stdout, findings)
	} else {
		err = check.WriteText(p.Stdout, findings, p.checking.lang.language(p.Getenv))
	}
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if slices.ContainsFunc(findings, func(f check.Finding) bool { return !f.OK }) {
		return errToldAlready
	}
	return nil
}
