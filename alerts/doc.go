// Package alerts holds the Prometheus rules that ship with payple_exporter, an Alertmanager example that routes them, and their tests.
//
// The rules are written in internal/rules. payple.rules.yml and prometheusrule.yaml are generated from there and committed; a test fails
// when they are stale. `go run ./alerts/mutate` breaks the rules in every way it knows and reports the breaks that no test notices.
package alerts

//go:generate go run ./internal/gen
