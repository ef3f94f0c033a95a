package web_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/web"
)

// The metrics are at a path of their own: what is no path, another path of the
// exporter's in whatever spelling, or more than a path, is refused.
func TestFreePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/metrics": true, "/payple/metrics": true, "/metrics.txt": true, "/-": true, "/-metrics": true, "/probes": true, "/a-b_c~d.e": true, "/지표": true,
		"": false, "/": false, "metrics": false, "/probe": false, "/sd": false, "/status.json": false, "/runbooks": false, "/runbooks/metrics": false, "/runbooks2": true, "/-/healthy": false, "/-/metrics": false, "/metrics/": false,
		"//metrics": false, "//": false, "/a//b": false, "/.": false, "/..": false, "/./metrics": false, "/a/../b": false, "/a/../probe": false, "/../metrics": false, "/a/.": false,
		"/%70robe": false, "/%2D/healthy": false, "/%": false, "/%6": false, "/metrics%20": false,
		"/{name}": false, "/{$}": false, "/{rest...}": false, "/}": false, "/a b": false, " /metrics": false, "/metrics?a=b": false, "/metrics#a": false,
		"/a:b": false, `/a\b`: false, "/a\tb": false, "/a\nb": false, "/a\x00": false, "/a\xff": false, "/a\u202eb": false, "http://exporter/metrics": false,
	} {
		if got := web.FreePath(path); got != want {
			t.Errorf("%q is free: %v, want %v", path, got, want)
		}
	}
}

// A client that does not read its answer is hung up on within half a minute of its
// first byte, however long the exporter had to wait for the hub before.
func TestSlowReadersAreHungUpOn(t *testing.T) {
	t.Parallel()
	failed := make(chan time.Duration, 1)
	server := httptest.NewUnstartedServer(nil)
	config := web.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Second) // the hub; the socket is a real one, and so is its time
		began, part := time.Now(), make([]byte, 1<<20)
		for {
			if _, err := w.Write(part); err != nil {
				failed <- time.Since(began)
				return
			}
		}
	}))
	server.Config = config
	server.Start()
	t.Cleanup(server.Close)
	var dialer net.Dialer
	conn := must.Get(dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String()))(t)
	t.Cleanup(func() { _ = conn.Close() })
	must.Get(io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"))(t)
	if took := <-failed; took < 20*time.Second || took > 25*time.Second {
		t.Errorf("hung up on after %s, want 20 s", took)
	}
}

// Wherever the metrics may be, the exporter starts, they are there, and every
// other path is what it was.
func FuzzTelemetryPath(f *testing.F) {
	for _, seed := range []string{
		"/metrics", "//metrics", "/a/../b", "/%70robe", "/%2D/healthy", "/{x}", "/{$}", "/-", "/a/b", "/지표", "/\u00a0", "/a;b", "/a&b", "/+", "/*", "/probe/x", "/sd.json", "/a\"b", "/<b>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !web.FreePath(path) {
			return
		}
		own := prometheus.NewRegistry()
		handler := web.New(web.Options{Own: own, TelemetryPath: path, MaxRequests: 1, Page: http.NotFoundHandler(), Runbooks: http.NotFoundHandler()})
		ask := func(path, query string) (int, string) {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.URL = &url.URL{Path: path, RawQuery: query}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			return recorder.Code, recorder.Body.String()
		}
		if status, body := ask(path, "collect[]=exporter"); status != http.StatusOK || body != "" {
			t.Fatalf("%q answers %d: %s", path, status, body)
		}
		for other, says := range map[string]string{"/-/healthy": "is healthy", "/-/ready": "is ready", "/probe": "want one merchant"} {
			if _, body := ask(other, ""); !strings.Contains(body, says) {
				t.Fatalf("metrics at %q: %s answers %s", path, other, body)
			}
		}
	})
}
