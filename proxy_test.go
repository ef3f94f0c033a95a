package main

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"testing"

	"payple_exporter/hub/hubtest"
)

// The hub accepts registered addresses only, so the exporter often sits behind
// an egress proxy: HTTPS_PROXY works, over verified TLS from end to end.
func TestServeThroughHTTPSProxy(t *testing.T) {
	t.Parallel()
	sim := hubtest.New(hubtest.Options{}, hubtest.Partner{CstID: "store", CustKey: testKey, Plan: hubtest.Plan{
		Start: hubtest.Figures{Total: 10_000_000, Transferred: 56_000},
	}})
	secure := httptest.NewTLSServer(sim) // its certificate is for example.com
	defer secure.Close()
	proxy := hubtest.NewTunnel(secure.Listener.Addr().String())
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
	if asked := proxy.Asked(); len(asked) != 1 || asked[0] != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q, want one tunnel to the hub", asked)
	}
}
