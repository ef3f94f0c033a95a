// Package weeks plays payouts, day by day, through the alert rules with Prometheus' own engine: what pages, what pages falsely, and how long
// before nothing is left. It is a module of its own, since that engine brings ninety modules that the exporter's own list should not name.
package weeks
