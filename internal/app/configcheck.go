package app

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"payple_exporter/internal/config"
)

// effective is what --config.check prints: what would run.
type effective struct {
	MinInterval          string              `yaml:"min_interval"`
	MaxAge               string              `yaml:"max_age"`
	Timeout              string              `yaml:"timeout"`
	MaxConcurrency       int                 `yaml:"max_concurrency"`
	MaxRequestsPerSecond float64             `yaml:"max_requests_per_second"`
	Merchants            []effectiveMerchant `yaml:"merchants"`
}

type effectiveMerchant struct {
	Name       string              `yaml:"name"`
	CstID      string              `yaml:"cst_id"`
	CustKey    any                 `yaml:"cust_key"`
	KeyFrom    string              `yaml:"cust_key_from"`
	Hub        string              `yaml:"hub"`
	URL        string              `yaml:"hub_url"`
	Thresholds map[string][]string `yaml:"thresholds"`
	Contact    string              `yaml:"contact,omitempty"`
}

// printConfig prints what would run.
func (p *program) printConfig(loaded config.Config) error {
	out := effective{
		MinInterval: loaded.MinInterval.String(), MaxAge: p.merchants.maxAge.String(), Timeout: p.merchants.timeout.String(),
		MaxConcurrency: p.merchants.maxConcurrency, MaxRequestsPerSecond: p.merchants.maxRequestsPerSecond,
	}
	for _, m := range loaded.Merchants {
		key, err := m.Key.Secret()
		if err != nil {
			return usageError{err}
		}
		levels := make(map[string][]string)
		for _, severity := range config.Severities() {
			for _, level := range m.Thresholds[severity] {
				levels[string(severity)] = append(levels[string(severity)], level.String())
			}
		}
		out.Merchants = append(out.Merchants, effectiveMerchant{
			Name: m.Name, CstID: m.CstID, CustKey: key, KeyFrom: m.Key.Source().String(),
			Hub: m.Hub.Label, URL: m.Hub.URL, Thresholds: levels, Contact: m.Contact,
		})
	}
	text, err := yaml.Dump(out)
	if err == nil {
		_, err = p.Stdout.Write(text)
	}
	if err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	return nil
}
