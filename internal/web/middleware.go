package web

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// securityHeaders sets the headers of every answer, unless the operator's
// --web.config.file has set them already. The page loosens the policy for its
// own style.
func securityHeaders(next http.Handler) http.Handler {
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

// answerInTime bounds how long a client may take to read its answer.
func answerInTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&timedAnswer{ResponseWriter: w}, r)
	})
}

// timedAnswer is an answer whose time begins with its first byte.
type timedAnswer struct {
	http.ResponseWriter

	begun bool
}

// Write implements [http.ResponseWriter].
func (a *timedAnswer) Write(text []byte) (int, error) {
	if !a.begun {
		a.begun = true
		// What has no deadlines is no connection, but a test.
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(answerTimeout))
	}
	return a.ResponseWriter.Write(text) //nolint:wrapcheck // as an http.ResponseWriter does
}

// Unwrap lets others find what the connection can do.
func (a *timedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// recoverer answers 500 for a handler that panics, and logs why: the server's own
// log is for debugging, since strangers fill it. The trace holds addresses of
// arguments and not their values.
func recoverer(logger log.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(fault) // the handler wants the connection closed, without a log line
			}
			_ = level.Error(logger).Log("msg", "a request brought about a bug of the exporter: please report it",
				"path", r.URL.Path, "err", fmt.Sprint(fault), "stack", string(debug.Stack()))
			http.Error(w, "a bug of the exporter: its log tells more", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses what a browser sends on behalf of a page of another site. Other
// clients send neither Origin nor Sec-Fetch-Site, and pass.
func sameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a page of another site may not do this: ask from this machine with curl -X POST", http.StatusForbidden)
	}))
	return protection.Handler(next)
}
