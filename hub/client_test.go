package hub_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// answering returns a client of a hub that gives one answer to everything.
func answering(t *testing.T, body string) *hub.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return hub.NewClient(hub.Options{URL: server.URL})
}

// The two requests are, byte for byte, what the hub documents.
func TestClientRequestForm(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		var headers strings.Builder
		_ = r.Header.Write(&headers)
		got = append(got, r.Method+" "+r.URL.Path+"\n"+strings.ReplaceAll(headers.String(), "\r", "")+string(body))
		if r.URL.Path == "/oauth/token" {
			_, _ = io.WriteString(w, `{"result":"T0000","code":"`+codeIn(body)+`","access_token":"eyJhlNDlj","token_type":"Bearer","expires_in":"60"}`)
			return
		}
		_, _ = io.WriteString(w, `{"result":"A0000","cst_id":"test","total_account_amt":"1","total_transfer_amt":"0","remain_amt":"1"}`)
	}))
	defer server.Close()
	client := hub.NewClient(hub.Options{
		URL: server.URL + "/", UserAgent: "payple_exporter/test", Referer: "https://shop.example",
	})
	if _, err := hub.NewSession(client, "test", hub.FixedKey(hub.NewSecret("abcd1234567890"), "test")).Remain(t.Context()); err != nil {
		t.Fatal(err)
	}
	code := codeIn([]byte(got[0][strings.Index(got[0], "{"):]))
	want := []string{
		"POST /oauth/token\nCache-Control: no-cache\nContent-Length: 64\nContent-Type: application/json\n" +
			"Referer: https://shop.example\nUser-Agent: payple_exporter/test\n" +
			`{"code":"` + code + `","cst_id":"test","custKey":"abcd1234567890"}`,
		"POST /account/remain\nAccept: application/json\nAuthorization: Bearer eyJhlNDlj\nCache-Control: no-cache\n" +
			"Content-Length: 44\nContent-Type: application/json\nReferer: https://shop.example\nUser-Agent: payple_exporter/test\n" +
			`{"cst_id":"test","custKey":"abcd1234567890"}`,
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("request %d:\n%s\nwant:\n%s", i, got[i], want[i])
		}
	}
}

func codeIn(body []byte) string {
	_, rest, _ := strings.Cut(string(body), `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// One connection serves all queries that succeed: nothing is left unread that
// would keep it from being used again. After one that fails comes a new one.
func TestClientUsesOneConnection(t *testing.T) {
	t.Parallel()
	sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: cstID, CustKey: custKey})
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(sim)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	session := hub.NewSession(hub.NewClient(hub.Options{URL: server.URL}), cstID, goodKey())
	for i := range 100 {
		if i == 50 {
			sim.Break(cstID, hub.EndpointRemain, simulator.Status(503, hub.ReasonHTTPStatus))
		}
		_, err := session.Remain(t.Context())
		if (err != nil) != (i >= 50) {
			t.Fatalf("query %d: %v", i, err)
		}
		if n, want := connections.Load(), int32(max(1, i-49)); n != want {
			t.Fatalf("%d connections for query %d, want %d", n, i, want)
		}
	}
}

// A connection that is not to be trusted gets no request, and says so.
func TestClientRefusesUntrustedConnections(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })
	quiet := func(server *httptest.Server) *httptest.Server {
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(server.Close)
		return server
	}
	selfSigned := quiet(httptest.NewUnstartedServer(count))
	selfSigned.StartTLS()
	old := quiet(httptest.NewUnstartedServer(count))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	plain := quiet(httptest.NewServer(count))
	trusting := hub.NewTransport(1)
	trusting.TLSClientConfig.RootCAs = selfSigned.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs

	for name, test := range map[string]struct {
		url       string
		transport *http.Transport
	}{
		"unknown authority":   {selfSigned.URL, hub.NewTransport(1)},
		"another host's name": {strings.Replace(selfSigned.URL, "127.0.0.1", "localhost", 1), trusting},
		"TLS 1.1":             {old.URL, trusting},
		"no TLS at all":       {strings.Replace(plain.URL, "http:", "https:", 1), trusting},
	} {
		client := hub.NewClient(hub.Options{URL: test.url, Transport: test.transport})
		_, err := client.Token(within(t, 10*time.Second), hub.Credentials{CstID: cstID, CustKey: hub.NewSecret(custKey)})
		var failure *hub.Error
		if !errors.As(err, &failure) || failure.Reason != hub.ReasonTLS {
			t.Errorf("%s: %v, want reason tls", name, err)
		}
	}
	if n := served.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// What stands between here and the hub is told apart, in words that help.
func TestClientNamesNetworkFaults(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer refusing.Close()
	proxy, err := url.Parse(refusing.URL)
	if err != nil {
		t.Fatal(err)
	}
	behindProxy := hub.NewTransport(1)
	behindProxy.Proxy = http.ProxyURL(proxy)
	for name, test := range map[string]struct {
		url, says string
		transport *http.Transport
	}{
		"nobody listens":     {"http://127.0.0.1:1", "connection refused", hub.NewTransport(1)},
		"the proxy refuses":  {"https://hub.invalid", "HTTP 407 Proxy Authentication Required", behindProxy},
		"no such name":       {"https://hub.invalid", "hub.invalid", hub.NewTransport(1)},
		"the caller is gone": {"https://hub.invalid", "context canceled", hub.NewTransport(1)},
	} {
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
		if name == "the caller is gone" {
			leave()
		}
		_, err := hub.NewClient(hub.Options{URL: test.url, Transport: test.transport}).Token(ctx, hub.Credentials{})
		leave()
		var failure *hub.Error
		if !errors.As(err, &failure) || failure.Reason != hub.ReasonNetwork || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want reason network and %q", name, err, test.says)
		}
	}
}

// A redirect is not followed: it would carry the key to whoever it names.
func TestClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		_, err := hub.NewClient(hub.Options{URL: server.URL}).Token(t.Context(), hub.Credentials{})
		server.Close()
		var failure *hub.Error
		if !errors.As(err, &failure) || failure.Reason != hub.ReasonHTTPStatus || !strings.Contains(err.Error(), fmt.Sprint(status)) {
			t.Errorf("%d: %v, want reason http_status", status, err)
		}
	}
	if n := followed.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// How long the hub asks to wait reaches whoever decides when to ask again.
func TestClientReadsRetryAfter(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{}, goodKey())
	b.hub.Break(cstID, hub.EndpointToken, simulator.RetryAfter("90"))
	if failure := failing(t, b.session); failure.Reason != hub.ReasonRateLimited || failure.RetryAfter != 90*time.Second {
		t.Errorf("RetryAfter %s, want 90s", failure.RetryAfter)
	}
}

// Over HTTP/2 too one connection serves all queries.
func TestClientUsesOneConnectionOverHTTP2(t *testing.T) {
	t.Parallel()
	sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: cstID, CustKey: custKey})
	var connections, second atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		second.Store(int32(r.ProtoMajor))
		sim.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	transport := hub.NewTransport(1)
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	session := hub.NewSession(hub.NewClient(hub.Options{URL: server.URL, Transport: transport}), cstID, goodKey())
	for range 100 {
		if _, err := session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 1 || second.Load() != 2 {
		t.Errorf("%d connections for 100 queries, HTTP/%d; want 1 and HTTP/2", connections.Load(), second.Load())
	}
}
