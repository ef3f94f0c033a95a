package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/stand"
	"payple_exporter/internal/web"
)

func prefixed(t *testing.T, options web.Options) func(method, target string) *httptest.ResponseRecorder {
	t.Helper()
	s := stand.New(t, "store")
	options.Collector, options.Own, options.MaxRequests, options.TelemetryPath = s.Merchants, prometheus.NewRegistry(), 8, "/metrics"
	options.Page, options.Runbooks = statuspage.New(statuspage.Options{Collector: s.Merchants}), statuspage.NewRunbooks("1.0.0")
	handler := web.New(options)
	return func(method, target string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody))
		return recorder
	}
}

// Below a prefix all paths are what they are elsewhere, beside it there is
// nothing, and no answer leads out of it, even where a proxy has taken it off.
func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/payple", "/a/b", "/지표"} {
		ask := prefixed(t, web.Options{Prefix: prefix})
		escaped := (&url.URL{Path: prefix}).String()
		for target, want := range map[string]int{
			"/": 200, "/metrics": 200, "/probe?merchant=store": 200, "/probe": 400, "/sd": 200, "/runbooks/": 200, "/runbooks/PaypleDataStale": 200,
			"/-/healthy": 200, "/-/ready": 200, "/nowhere": 404, "/metrics/": 404,
			"//metrics": 404, "/./metrics": 404, "/x/../metrics": 404, "/%6detrics": 404, "/runbooks//": 404, "/%2e%2e/metrics": 404, "//": 404, "/metrics//": 404,
		} {
			if got := ask(http.MethodGet, escaped+target); got.Code != want || got.Header().Get("Location") != "" {
				t.Errorf("%s%s answers %d, want %d (%s)", prefix, target, got.Code, want, got.Header().Get("Location"))
			}
		}
		if got := ask(http.MethodPost, escaped+"/metrics").Code; got != http.StatusMethodNotAllowed {
			t.Errorf("POST %s/metrics answers %d", prefix, got)
		}
		redirects := map[string]string{escaped + "/runbooks": escaped + "/runbooks/"}
		if prefix != "" {
			redirects["/"], redirects[escaped] = escaped+"/", escaped+"/"
			for _, beside := range []string{"/metrics", "/-/healthy", "/sd", escaped + "s/metrics", escaped + "metrics"} {
				if got := ask(http.MethodGet, beside).Code; got != http.StatusNotFound {
					t.Errorf("%s beside %s answers %d", beside, prefix, got)
				}
			}
		}
		for from, want := range redirects {
			got := ask(http.MethodGet, from)
			to, err := got.Result().Location()
			if got.Code != http.StatusFound || err != nil {
				t.Errorf("%s answers %d (%v)", from, got.Code, err)
				continue
			}
			base := &url.URL{Path: from}
			if base, err = base.Parse(from); err != nil {
				t.Fatal(err)
			}
			if resolved := base.ResolveReference(to); resolved.String() != want || from != "/" && strings.HasPrefix(got.Header().Get("Location"), "/") {
				t.Errorf("%s leads to %s (%s), want %s, relative", from, resolved, got.Header().Get("Location"), want)
			}
		}
	}
}

// Service discovery names where Prometheus reaches the exporter: under the
// external address, or around the proxy under one of its own.
func TestDiscoveryFollowsTheExternalAddress(t *testing.T) {
	t.Parallel()
	external, err := url.Parse("https://monitoring.example/some%20where")
	if err != nil {
		t.Fatal(err)
	}
	for want, options := range map[string]web.Options{
		`[{"targets":["monitoring.example"],"labels":{"__metrics_path__":"/some where/probe","__param_merchant":"store","__scheme__":"https","merchant":"store"}}]`: {External: external},
		`[{"targets":["inside:1"],"labels":{"__metrics_path__":"/payple/probe","__param_merchant":"store","merchant":"store"}}]`:                                    {External: external, SDAddress: "inside:1", Prefix: "/payple"},
		`[{"targets":["example.com"],"labels":{"__metrics_path__":"/payple/probe","__param_merchant":"store","merchant":"store"}}]`:                                 {Prefix: "/payple"},
	} {
		if got := strings.TrimSpace(prefixed(t, options)(http.MethodGet, options.Prefix+"/sd").Body.String()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
