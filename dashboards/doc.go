// Package dashboards holds the Grafana dashboards that ship with payple_exporter, and their tests.
//
// The dashboards are written in internal/board, with the metric names of package collector, and in the JSON that internal/grafana describes.
// payple-*.json are generated from there and committed; a test fails when they are stale, and another when
// Grafana's own Go types do not know a field of theirs.
package dashboards

//go:generate go run ./internal/gen
