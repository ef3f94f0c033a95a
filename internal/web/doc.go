// Package web serves the exporter over HTTP: metrics, probes, service discovery,
// health and reload, within limits. The status page is handed to it.
package web
