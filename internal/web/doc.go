// Package web is the exporter's HTTP side: metrics, probes, service discovery,
// the status page, health and reload.
package web
