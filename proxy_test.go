package main

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"payple_exporter/hub/hubtest"
)

// tunnel is an HTTP proxy that connects everything to one server, and
// remembers what it was asked for.
type tunnel struct {
	to string

	mu    sync.Mutex
	asked []string
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	var dialer net.Dialer
	far, err := dialer.DialContext(r.Context(), "tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	near, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	// From read, not near: the server may have read the first bytes already.
	go func() { _, _ = io.Copy(far, read); _ = far.Close() }()
	_, _ = io.Copy(near, far)
	_ = near.Close()
}

// The hub accepts registered addresses only, so the exporter often sits behind
// an egress proxy: HTTPS_PROXY works, over verified TLS from end to end.
func TestServeThroughHTTPSProxy(t *testing.T) {
	t.Parallel()
	sim := hubtest.New(hubtest.Options{}, hubtest.Partner{CstID: "store", CustKey: testKey, Plan: hubtest.Plan{
		Start: hubtest.Figures{Total: 10_000_000, Transferred: 56_000},
	}})
	secure := httptest.NewTLSServer(sim) // its certificate is for example.com
	defer secure.Close()
	proxy := &tunnel{to: secure.Listener.Addr().String()}
	server := httptest.NewServer(proxy)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	env := []string{
		asProgram + "=1", "HTTPS_PROXY=" + server.URL, "NO_PROXY=",
		"SSL_CERT_FILE=" + writeFile(t, "ca.pem", string(certificate)), "SSL_CERT_DIR=" + t.TempDir(),
	}
	exporter := serveProcess(t, os.Args[0], env, "--payple.hub=https://example.com",
		"--payple.cst-id=store", "--payple.cust-key-file="+writeFile(t, "key", testKey))
	if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
		t.Errorf("got %v through the proxy:\n%s", got, exporter.stderr)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if len(proxy.asked) != 1 || proxy.asked[0] != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q, want one tunnel to the hub", proxy.asked)
	}
}
