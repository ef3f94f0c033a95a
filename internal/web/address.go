package web

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/internal/config"
)

// NameInfo is the metric that tells alerts where people reach the exporter.
const NameInfo = "payple_exporter_web_info"

// NewInfo returns the metric of the address under which people reach the
// exporter.
func NewInfo(externalURL string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: NameInfo, ConstLabels: prometheus.Labels{"external_url": externalURL},
		Help: "1, where --web.external-url says under which address people reach the exporter.",
	}, func() float64 { return 1 })
}

// IsPath reports whether a path begins with a slash, holds no character with a
// meaning of its own, and is in the one spelling that requests are answered
// under, not in one with ., // or % that may stand for another path.
func IsPath(text string) bool {
	return strings.HasPrefix(text, "/") && path.Clean(text) == text && !strings.ContainsAny(text, `%{} ?#:\`) && config.Printable(text)
}

// FreePath reports whether metrics may be the path of the metrics: it is a path,
// and none of the others.
func FreePath(metrics string) bool {
	switch metrics {
	case "/", "/probe", "/sd", "/status.json", "/runbooks":
		return false
	}
	return IsPath(metrics) && !strings.HasPrefix(metrics, "/-/") && !strings.HasPrefix(metrics, "/runbooks/")
}

// plainPaths answers 404 for a path in another spelling than its plain one:
// what a proxy's rules say of a path then holds, and no redirect to the plain
// one leads out of a prefix that a proxy has taken off.
func plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := path.Clean(r.URL.Path)
		if r.URL.RawPath != "" || r.URL.Path != plain && (plain == "/" || r.URL.Path != plain+"/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// below puts a handler below a prefix. As in Prometheus, the root leads there.
func below(prefix string, handler http.Handler) http.Handler {
	if prefix == "" {
		return handler
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", redirect(prefix+"/"))
	mux.Handle("GET "+prefix, redirect(path.Base(prefix)+"/"))
	mux.Handle(prefix+"/", http.StripPrefix(prefix, handler))
	return mux
}

// redirect leads to an address that is relative to the request's, so that it
// holds behind a proxy that takes off a prefix.
func redirect(to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", (&url.URL{Path: to}).String())
		w.WriteHeader(http.StatusFound)
	})
}
