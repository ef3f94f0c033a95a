package e2e

import (
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/secrets"
)

// The hub accepts registered addresses only, so the exporter often sits behind
// an egress proxy: HTTPS_PROXY works, over verified TLS from end to end.
func TestServeThroughHTTPSProxy(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(newStore(t)) // its certificate is for example.com
	defer secure.Close()
	proxy := simulator.NewTunnel(secure.Listener.Addr().String())
	server := httptest.NewServer(proxy)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	env := []string{
		"HTTPS_PROXY=" + server.URL, "NO_PROXY=",
		"SSL_CERT_FILE=" + harness.WriteFile(t, "ca.pem", string(certificate)), "SSL_CERT_DIR=" + t.TempDir(),
	}
	exporter := serveApart(t, env, flagsOf(t, "https://example.com")...)
	if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
		t.Errorf("got %v through the proxy:\n%s", got, exporter.stderr)
	}
	if asked := proxy.Asked(); len(asked) != 1 || asked[0] != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q, want one tunnel to the hub", asked)
	}
}

// A proxy whose address cannot be read is not taken for none, which would ask
// the hub from an address that it does not know: nothing starts, and the line
// that says so holds no password.
func TestUnreadableProxyIsRefused(t *testing.T) {
	const password = "pr0xy-passw0rd-71c2"
	flags := flagsOf(t, "https://hub.invalid")
	for _, value := range []string{
		"http://u:" + password + "%@127.0.0.1:1", "http://u:" + password + "@127.0.0.1:%zz", "http://u:" + password + "@127.0.0.1: 1",
		"gopher://u:" + password + "@127.0.0.1:1", "http://u:" + password + "@127.0.0.1:1\n",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Setenv(name, value)
				for _, args := range [][]string{nil, {"--config.check"}, {"check"}, {"check", "--json"}} {
					code, stdout, stderr := harness.Command(t, append(args, flags...)...)
					if code != app.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 ||
						!strings.HasPrefix(stderr, "payple_exporter: error: "+name+": want the address of a proxy, such as http://proxy.example:3128") {
						t.Errorf("%v: exit %d, says %q %q", args, code, stdout, stderr)
					}
					secrets.ExpectNone(t, "the refusal", stdout+stderr, password)
				}
				// The demo's hub is in this process.
				if code, _, stderr := harness.Command(t, "--demo", "--config.check"); code != app.ExitOK {
					t.Errorf("the demo: exit %d, %s", code, stderr)
				}
			})
		}
	}
}
