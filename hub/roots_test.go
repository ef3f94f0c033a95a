package hub_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// pemOf returns a server's certificate as it stands in a file.
func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// What names the authorities to trust names some, or is refused in one line
// that names the variable: Go would take it for nothing, and trust nobody, or
// those whom nobody named.
func TestRoots(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := errors.Join(
		os.WriteFile(at("ca.pem"), pemOf(server), 0o600), os.WriteFile(at("text"), []byte("no certificate"), 0o600), syscall.Mkfifo(at("pipe"), 0o600),
		os.Mkdir(at("none"), 0o700), os.Mkdir(at("some"), 0o700), os.WriteFile(at("some/ca.pem"), pemOf(server), 0o600), os.WriteFile(at("some/README"), nil, 0o600),
		syscall.Mkfifo(at("some/pipe"), 0o600),
		// As Kubernetes mounts a configuration.
		os.Mkdir(at("mount"), 0o700), os.Mkdir(at("mount/..2026"), 0o700), os.WriteFile(at("mount/..2026/ca.pem"), pemOf(server), 0o600),
		os.Symlink("..2026", at("mount/..data")), os.Symlink("..data/ca.pem", at("mount/ca.pem")),
	); err != nil {
		t.Fatal(err)
	}
	const nothing = "no certificate in PEM form is there"
	for _, test := range []struct{ file, dir, says string }{
		{at("ca.pem"), "", ""},
		{at("ca.pem"), at("none"), ""},
		{"", at("some"), ""},
		{"", at("mount"), ""},
		{at("mount/ca.pem"), at("some") + ":" + at("mount") + ":", ""},
		{at("nowhere"), "", "SSL_CERT_FILE \"" + at("nowhere") + "\": no such file or directory"},
		{at("text"), at("some"), "SSL_CERT_FILE \"" + at("text") + "\": " + nothing},
		{at("pipe"), "", "SSL_CERT_FILE \"" + at("pipe") + "\": not a regular file"},
		{folder, "", "SSL_CERT_FILE \"" + folder + "\": not a regular file"},
		{"a\nb", "", `SSL_CERT_FILE "a\nb": no such file`},
		{"", at("none"), "SSL_CERT_DIR \"" + at("none") + "\": " + nothing},
		{"", at("some") + ":" + at("none"), "SSL_CERT_DIR \"" + at("none") + "\": " + nothing},
		{at("ca.pem"), at("nowhere"), "SSL_CERT_DIR \"" + at("nowhere") + "\": no such file"},
		{"", at("ca.pem"), "SSL_CERT_DIR \"" + at("ca.pem") + "\": not a directory"},
		{"", ":", `SSL_CERT_DIR "": no such file`},
	} {
		roots, err := hub.Roots(func(name string) string {
			return map[string]string{"SSL_CERT_FILE": test.file, "SSL_CERT_DIR": test.dir}[name]
		})
		if test.says != "" {
			if err == nil || !strings.HasPrefix(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q %q: %v, want %s", test.file, test.dir, err, test.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q %q: %v", test.file, test.dir, err)
		} else if _, err := server.Certificate().Verify(x509.VerifyOptions{Roots: roots}); err != nil {
			t.Errorf("%q %q: the authority is not trusted: %v", test.file, test.dir, err)
		}
	}
	if roots, err := hub.Roots(func(string) string { return "" }); roots != nil || err != nil {
		t.Errorf("the system's own: %v, %v", roots, err)
	}
}

// Other authorities hold from the next connection on, which is the next
// request's; the same ones again cost no connection.
func TestClientTrustsOthers(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: cstID, CustKey: custKey}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	pool := func(certificates ...*x509.Certificate) *x509.CertPool {
		roots := x509.NewCertPool()
		for _, certificate := range certificates {
			roots.AddCert(certificate)
		}
		return roots
	}
	transport := hub.NewTransport(1)
	transport.Proxy = nil
	client := hub.NewClient(hub.Options{URL: server.URL, Transport: transport})
	session := hub.NewSession(client, cstID, goodKey())
	for _, step := range []struct {
		roots       *x509.CertPool
		good        bool
		connections int64
	}{
		{nil, false, 1}, {pool(server.Certificate()), true, 2}, {nil, true, 2}, {pool(server.Certificate()), true, 2}, {pool(), false, 3}, {pool(server.Certificate()), true, 4},
	} {
		client.Trust(step.roots)
		if _, err := session.Remain(t.Context()); (err == nil) != step.good {
			t.Errorf("answers %v, want success: %t", err, step.good)
		}
		if got := opened.Load(); got != step.connections {
			t.Errorf("%d connections, want %d", got, step.connections)
		}
	}
}

// A change of authorities costs none of the queries that are under way.
func TestTrustingOthersCostsNoQuery(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: cstID, CustKey: custKey}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	other, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	one, both := x509.NewCertPool(), x509.NewCertPool()
	one.AddCert(server.Certificate())
	both.AppendCertsFromPEM(append(pemOf(server), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other})...))
	if one.Equal(both) {
		t.Fatal("there is one authority only")
	}
	transport := hub.NewTransport(8)
	transport.Proxy = nil
	client := hub.NewClient(hub.Options{URL: server.URL, Transport: transport})
	client.Trust(one)
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			session := hub.NewSession(client, cstID, goodKey())
			for range 10 {
				if _, err := session.Remain(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		client.Trust(both)
		client.Trust(one)
	}
	asking.Wait()
}
