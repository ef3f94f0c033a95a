package web

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// secure sets what every answer of this server wants, unless the operator's
// --web.config.file has set it already. The page loosens the policy for its
// own style.
func secure(next http.Handler) http.Handler {
	headers := map[string]string{
		// Nothing here is code, whatever a browser makes of it, nor is it to be
		// shown within, or loaded by, a page of another site.
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "deny",
		// Figures out of a cache would be old ones that look new.
		"Cache-Control": "no-store",
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			if w.Header().Get(name) == "" {
				w.Header().Set(name, value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses what a browser sends on behalf of a page of another site.
// Whoever is no browser sends neither Origin nor Sec-Fetch-Site, and passes.
func sameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a page of another site may not do this: ask from this machine with curl -X POST", http.StatusForbidden)
	}))
	return protection.Handler(next)
}

// maxHostName is how long a host name may be, by the rules of DNS.
const maxHostName = 253

// IsTarget tells whether Prometheus can take address for a target: a host name
// or an IP address, in brackets if need be, and a port if there is one.
func IsTarget(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false
	}
	if strings.Contains(host, ":") || strings.HasPrefix(address, "[") {
		return strings.HasPrefix(address, "[") && strings.Contains(host, ":") && net.ParseIP(host) != nil
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return host != "" && len(host) <= maxHostName && strings.Trim(host, letters) == ""
}
