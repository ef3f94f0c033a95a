package web

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// answersOptions answers OPTIONS, with which load balancers ask whether a path is
// there: with what the path takes, and without a body.
func answersOptions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w = &optionsWriter{ResponseWriter: w}
		}
		next.ServeHTTP(w, r)
	})
}

// optionsWriter makes of the answer that a path takes other methods only the
// answer to the question which ones.
type optionsWriter struct {
	http.ResponseWriter

	done bool
}

// WriteHeader implements [http.ResponseWriter].
func (w *optionsWriter) WriteHeader(status int) {
	if status == http.StatusMethodNotAllowed {
		w.done = true
		header := w.Header()
		header.Set("Allow", header.Get("Allow")+", "+http.MethodOptions)
		header.Del("Content-Type")
		status = http.StatusNoContent
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *optionsWriter) Write(text []byte) (int, error) {
	if w.done {
		return len(text), nil
	}
	return w.ResponseWriter.Write(text) //nolint:wrapcheck // as an http.ResponseWriter does
}

// compressed sends what people and their programs read with gzip, to who takes
// that: a page of many merchants is some megabytes.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := &gzipWriter{ResponseWriter: w, wanted: takesGzip(r.Header.Get("Accept-Encoding"))}
		next.ServeHTTP(to, r)
		if to.zip != nil {
			_ = to.zip.Close() // the client may be gone: its business
		}
	})
}

// gzipWriter is an answer that is compressed while it is written.
type gzipWriter struct {
	http.ResponseWriter

	wanted, begun bool
	zip           *gzip.Writer // nil if it is not compressed
}

// WriteHeader implements [http.ResponseWriter].
func (w *gzipWriter) WriteHeader(status int) {
	w.begun = true
	header := w.Header()
	header.Add("Vary", "Accept-Encoding")
	if w.wanted && (status == http.StatusOK || status == http.StatusServiceUnavailable) {
		header.Set("Content-Encoding", "gzip")
		header.Del("Content-Length")
		w.zip = gzip.NewWriter(w.ResponseWriter)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *gzipWriter) Write(text []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.zip != nil {
		return w.zip.Write(text) //nolint:wrapcheck // as an http.ResponseWriter does
	}
	return w.ResponseWriter.Write(text) //nolint:wrapcheck // see above
}

// takesGzip reports whether a client takes gzip, by its Accept-Encoding.
func takesGzip(accept string) bool {
	for one := range strings.SplitSeq(accept, ",") {
		coding, parameters, _ := strings.Cut(one, ";")
		if strings.TrimSpace(coding) != "gzip" {
			continue
		}
		_, weight, weighed := strings.Cut(parameters, "q=")
		quality, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
		return !weighed || err == nil && quality > 0
	}
	return false
}
