package app

import (
	"errors"
	"fmt"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
)

// source tells where a configuration comes from, and how to end what stands
// behind it.
type source struct {
	load  func() (config.Config, error)
	close func() error
	// simulator is the address of the simulated hub of a demo; else empty.
	simulator string
}

// source returns the real configuration, or starts a simulated hub and returns
// one that asks it.
func (p *program) source() (source, error) {
	if err := p.flags.validate(); err != nil {
		return source{}, usageError{err}
	}
	if !p.flags.demo {
		if err := hub.CheckProxy(p.Getenv); err != nil {
			return source{}, usageError{err}
		}
		return source{load: p.loadConfig, close: func() error { return nil }}, nil
	}
	if p.flags.cstID != "" || p.flags.custKeyFile != "" || p.flags.configFile != "" {
		return source{}, usageError{errors.New("--demo invents its merchants: take out --payple.cst-id, --payple.cust-key-file and --config.file")}
	}
	defaults, err := p.flags.defaults()
	if err != nil {
		return source{}, usageError{err}
	}
	server, err := simulator.Start(simulator.New(simulator.Options{}, demoPartners()...), "127.0.0.1:0")
	if err != nil {
		return source{}, fmt.Errorf("demo: %w", err)
	}
	load := func() (config.Config, error) {
		return demoConfig(server.URL, defaults.MinInterval, defaults.Thresholds), nil
	}
	return source{load: load, close: server.Close, simulator: server.URL}, nil
}

// custKeyEnv is where the key of the one-merchant set-up may stand.
const custKeyEnv = "PAYPLE_CUST_KEY"

// loadConfig returns the merchants that the flags name, directly or by file.
func (p *program) loadConfig() (config.Config, error) {
	f := &p.flags
	defaults, err := f.defaults()
	if err != nil {
		return config.Config{}, err
	}
	switch {
	case f.configFile != "" && (f.cstID != "" || f.custKeyFile != ""):
		return config.Config{}, errors.New("--config.file lists the merchants: take out --payple.cst-id and --payple.cust-key-file (and PAYPLE_CST_ID, PAYPLE_CUST_KEY_FILE)")
	case f.configFile != "":
		return config.Load(f.configFile, defaults, p.Getenv)
	case f.cstID == "":
		return config.Config{}, errors.New("whom to ask? Set --payple.cst-id and --payple.cust-key-file, name a --config.file, or try --demo")
	case f.custKeyFile != "" && p.Getenv(custKeyEnv) != "":
		return config.Config{}, errors.New("two keys: take out either --payple.cust-key-file (PAYPLE_CUST_KEY_FILE) or PAYPLE_CUST_KEY")
	case f.custKeyFile != "":
		return config.One(f.cstID, hub.FileKey(f.custKeyFile), defaults)
	case p.Getenv(custKeyEnv) != "":
		return config.One(f.cstID, config.EnvKey(custKeyEnv, p.Getenv), defaults)
	}
	return config.Config{}, errors.New("no custKey: name a file with --payple.cust-key-file, or set the environment variable PAYPLE_CUST_KEY")
}
