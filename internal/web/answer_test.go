package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
)

// ask sends a request to a handler; header is names and values in turn.
func ask(t *testing.T, handler http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// HEAD is answered as GET is, OPTIONS with what a path takes: load balancers ask
// both. A path that is not there is not there for any method.
func TestHeadAndOptions(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	for _, path := range []string{"/", "/metrics", "/probe?merchant=store", "/probe?merchant=x", "/probe", "/sd", "/status.json", "/status.json?merchant=x", "/runbooks/", "/runbooks/PaypleWatchdog", "/-/healthy", "/-/ready", "/nowhere"} {
		get, head, options := ask(t, s.Handler, http.MethodGet, path), ask(t, s.Handler, http.MethodHead, path), ask(t, s.Handler, http.MethodOptions, path)
		if head.Code != get.Code || head.Header().Get("Content-Type") != get.Header().Get("Content-Type") {
			t.Errorf("HEAD %s answers %d %v, GET %d %v", path, head.Code, head.Header(), get.Code, get.Header())
		}
		if path == "/nowhere" {
			if options.Code != http.StatusNotFound {
				t.Errorf("OPTIONS %s answers %d", path, options.Code)
			}
			continue
		}
		if options.Code != http.StatusNoContent || options.Header().Get("Allow") != "GET, HEAD, OPTIONS" || options.Body.Len() > 0 {
			t.Errorf("OPTIONS %s answers %d %v %s", path, options.Code, options.Header(), options.Body)
		}
	}
	if options := ask(t, s.Handler, http.MethodOptions, "/-/reload"); options.Code != http.StatusNoContent || options.Header().Get("Allow") != "POST, PUT, OPTIONS" {
		t.Errorf("OPTIONS /-/reload answers %d %v", options.Code, options.Header())
	}
	if post := ask(t, s.Handler, http.MethodPost, "/metrics"); post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics answers %d", post.Code)
	}
}

// What people read comes with gzip to who takes it, and is the same.
func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	for _, path := range []string{"/", "/status.json", "/runbooks/", "/runbooks/PaypleWatchdog"} {
		plain := s.Get(t, path)
		for accept, wanted := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip; q=0": false, "identity": false, "": false, "*": false} {
			got := s.Get(t, path, "Accept-Encoding", accept)
			if got.Status != plain.Status || (got.Header.Get("Content-Encoding") == "gzip") != wanted || !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("%s for %q: %d %v", path, accept, got.Status, got.Header)
			}
			body := got.Body
			if wanted {
				body = string(must.Get(io.ReadAll(must.Get(gzip.NewReader(strings.NewReader(body)))(t)))(t))
			}
			if body != plain.Body {
				t.Errorf("%s for %q is not the same", path, accept)
			}
		}
	}
}

// Both expositions are valid OpenMetrics: by Prometheus' own parser, and no
// family is there twice, begins with another's name and a suffix that belongs to
// it, or comes after the end.
func TestExpositionIsOpenMetrics(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store", "other")
	for _, path := range []string{"/metrics", "/probe?merchant=store"} {
		got := s.Get(t, path, "Accept", exposition.OpenMetrics)
		if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/openmetrics-text; version=1.0.0") {
			t.Fatalf("%s: %s", path, kind)
		}
		if _, err := exposition.Parse(got.Header.Get("Content-Type"), []byte(got.Body)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
