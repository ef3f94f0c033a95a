package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/certificates"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
)

// lock is all that it takes to close the exporter's door: a server's
// certificate for 127.0.0.1, and certificates and a password for clients.
type lock struct {
	dir string
	// authority signed the certificates of server and client.
	authority *x509.CertPool
	client    tls.Certificate
	// stranger is a client's certificate that somebody else signed.
	stranger tls.Certificate
}

// Parts of a web configuration, for config.
const (
	withPassword    = "withPassword"
	withCertificate = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
)

func newLock(t *testing.T) *lock {
	t.Helper()
	l := &lock{dir: t.TempDir(), authority: x509.NewCertPool()}
	ca := issue(t, "authority", nil)
	l.authority.AddCert(ca.Leaf)
	server := issue(t, "exporter", &ca)
	l.client = issue(t, "prometheus", &ca)
	other := issue(t, "authority", nil)
	l.stranger = issue(t, "prometheus", &other)
	key := must.Get(x509.MarshalPKCS8PrivateKey(server.PrivateKey))(t)
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: ca.Certificate[0]}, "cert.pem": {Type: "CERTIFICATE", Bytes: server.Certificate[0]},
		"key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		must.Do(t, os.WriteFile(filepath.Join(l.dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return l
}

// config writes a web configuration with TLS and returns its path.
func (l *lock) config(t *testing.T, with string) string {
	t.Helper()
	text := "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
	if with == withPassword {
		hash := must.Get(bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost))(t)
		text += "basic_auth_users:\n  reader: " + string(hash) + "\n"
	} else {
		text += with
	}
	path := filepath.Join(l.dir, "web.yml")
	must.Write(t, path, text)
	return path
}

// visitor returns a client that verifies the server and shows a certificate, if
// there is one.
func (l *lock) visitor(certificates ...tls.Certificate) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: l.authority, Certificates: certificates, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// issue returns a certificate for 127.0.0.1 signed by parent, or by itself.
func issue(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	t.Helper()
	return certificates.Issue(t, name, parent, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour))
}

// everyPath is every path of the exporter and one that is none, by the status
// that a client with all rights gets.
func everyPath() map[string]int {
	return map[string]int{
		"GET /": 200, "HEAD /": 200, "GET /metrics": 200, "GET /probe?merchant=store": 200, "GET /probe": 400, "GET /sd": 200, "GET /-/healthy": 200, "GET /-/ready": 200,
		"POST /-/reload": 200, "GET /-/reload": 405, "OPTIONS /metrics": 204, "HEAD /metrics": 200, "GET /nowhere": 404, "GET //metrics": 404,
		"GET /status.json": 200, "GET /runbooks/": 200, "GET /runbooks/PaypleDataStale": 200,
	}
}

// visit returns the status of a line of everyPath, or 0 if there is no answer.
func visit(t *testing.T, client *http.Client, url, line, password string) int {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	request := must.Get(http.NewRequestWithContext(t.Context(), method, url+path, http.NoBody))(t)
	if password != "" {
		request.SetBasicAuth("reader", password)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// serveLocked serves behind a lock, and returns where.
func serveLocked(t *testing.T, with string, flags ...string) (lock *lock, exporter *running, address string) {
	t.Helper()
	_, all := simulated(t)
	lock = newLock(t)
	exporter = serveHere(t, append(append(all, "--web.config.file="+lock.config(t, with)), flags...)...)
	return lock, exporter, "https://" + hostOf(exporter.url)
}

// A password guards every path, over TLS: none is left open, and with the
// password each answers as it does without a lock.
func TestPasswordGuardsEveryPath(t *testing.T) {
	t.Parallel()
	lock, exporter, address := serveLocked(t, withPassword, "--web.enable-lifecycle")
	for line, status := range everyPath() {
		for password, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, "password": status} {
			if got := visit(t, lock.visitor(), address, line, password); got != want {
				t.Errorf("%s with password %q is answered %d, want %d", line, password, got, want)
			}
		}
		if got := visit(t, http.DefaultClient, exporter.url, line, "password"); got != http.StatusBadRequest {
			t.Errorf("%s without TLS is answered %d", line, got)
		}
	}
	exporter.stop()
	if text := exporter.stderr.String(); strings.Contains(text, "password") || strings.Contains(text, "$2") {
		t.Errorf("the log shows a password:\n%s", text)
	}
	if text := exporter.stderr.String(); !strings.Contains(text, "page="+address+"/ ") {
		t.Errorf("the log does not tell the address with https:\n%s", text)
	}
}

// With mutual TLS no path answers a client that has no certificate, or one of
// another authority; one with the right certificate gets everything.
func TestMutualTLSGuardsEveryPath(t *testing.T) {
	t.Parallel()
	lock, exporter, address := serveLocked(t, withCertificate, "--web.enable-lifecycle")
	for line, want := range everyPath() {
		for name, client := range map[string]*http.Client{"none": lock.visitor(), "a stranger's": lock.visitor(lock.stranger)} {
			if got := visit(t, client, address, line, ""); got != 0 {
				t.Errorf("%s with certificate %s is answered %d", line, name, got)
			}
		}
		if got := visit(t, lock.visitor(lock.client), address, line, ""); got != want {
			t.Errorf("%s with the right certificate is answered %d, want %d", line, got, want)
		}
	}
	expectReloads(t, exporter, 1)
}

// TLS older than 1.2 is not spoken.
func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	lock, exporter, _ := serveLocked(t, "")
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: lock.authority, MinVersion: version, MaxVersion: version}}
		conn, err := dialer.DialContext(t.Context(), "tcp", hostOf(exporter.url))
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// deafTLS returns the address of a server that asks every client for a
// certificate and then says nothing more: what healthcheck must not take for a
// refusal.
func deafTLS(t *testing.T) string {
	t.Helper()
	certificate := issue(t, "deaf", nil)
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12,
	}
	var listen net.ListenConfig
	listener := must.Get(listen.Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				first := make([]byte, 1)
				if _, err := io.ReadFull(conn, first); err != nil {
					return
				}
				if first[0] != 22 { // no TLS: what Go's server says to that
					_, _ = fmt.Fprint(conn, "HTTP/1.0 400 Bad Request\r\n\r\n")
					return
				}
				secure := tls.Server(&unread{conn, first}, config)
				if secure.HandshakeContext(t.Context()) == nil {
					_, _ = io.Copy(io.Discard, secure)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// unread is a connection with what was read of it put back.
type unread struct {
	net.Conn

	first []byte
}

func (u *unread) Read(p []byte) (int, error) {
	if len(u.first) > 0 {
		n := copy(p, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	return u.Conn.Read(p)
}

// trusting returns the environment in which the program takes an authority, and
// nobody else, for good.
func trusting(t *testing.T, authority tls.Certificate) []string {
	t.Helper()
	roots := harness.WriteFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]})))
	return []string{"SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + t.TempDir()}
}

// passports are a hub's certificates, and what the log says to each; to a good
// one, nothing.
func passports(t *testing.T, authority tls.Certificate) map[string]passport {
	t.Helper()
	stranger := issue(t, "authority", nil)
	return map[string]passport{
		"good":              {issue(t, "hub", &authority), ""},
		"wrong name":        {certificates.Issue(t, "hub", &authority, net.IPv4(127, 0, 0, 2), time.Now().Add(time.Hour)), "another host name"},
		"expired":           {certificates.Issue(t, "hub", &authority, net.IPv4(127, 0, 0, 1), time.Now().Add(-time.Minute)), "expired"},
		"self-signed":       {issue(t, "hub", nil), "unknown authority"},
		"unknown authority": {issue(t, "hub", &stranger), "unknown authority"},
	}
}

type passport struct {
	certificate tls.Certificate
	says        string
}

// secureHub serves a simulated hub over TLS, with the configuration that current
// holds at each handshake. Each request needs one: no connection is kept.
func secureHub(t *testing.T, sim *simulator.Hub, current *atomic.Pointer[tls.Config]) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(sim)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{
		// Not GetCertificate, which is not asked for the certificate of an address.
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.Load(), nil },
		MinVersion:         tls.VersionTLS12,
	}
	server.Config.SetKeepAlivesEnabled(false)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// showing returns a server's configuration with one certificate.
func showing(certificate tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
}

// The real program, with the roots of its environment: a hub whose certificate
// is for another name, has expired, or is signed by nobody gets no request and
// is told as reason tls; and a good one is asked.
func TestServeTrustsNoBadCertificate(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	env := trusting(t, authority)
	for name, test := range passports(t, authority) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, flags := simulated(t)
			var current atomic.Pointer[tls.Config]
			current.Store(showing(test.certificate))
			server := secureHub(t, sim, &current)
			exporter := serveApart(t, env, append(flags[1:], "--payple.hub="+server.URL)...)
			if test.says == "" {
				expectUp(t, exporter)
				return
			}
			page := exporter.scrape(t, "Accept", exposition.OpenMetrics)
			up, reason, err := page.Health("store")
			_, known, figuresErr := page.Figures("store")
			if up || reason != hub.ReasonTLS || err != nil || known || figuresErr != nil {
				t.Errorf("up %v, reason %q (%v), figures shown: %v (%v)", up, reason, err, known, figuresErr)
			}
			exporter.stderr.Await(t, regexp.QuoteMeta(test.says)) // the line may come after the answer
			if n := sim.Requests("store", hub.EndpointToken); n != 0 {
				t.Errorf("%d requests were sent, with the key", n)
			}
		})
	}
}

// A hub that was good and then shows a bad certificate gets no further request,
// is told as reason tls, and the figures stay; once its certificate is good
// again it is asked again.
func TestServeStopsTrustingABadCertificate(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	env, bad := trusting(t, authority), passports(t, authority)
	good := bad["good"]
	delete(bad, "good")
	allAtOnce(t, bad, func(t *testing.T, bad passport) {
		sim, flags := simulated(t)
		var current atomic.Pointer[tls.Config]
		current.Store(showing(good.certificate))
		server := secureHub(t, sim, &current)
		exporter := serveApart(t, env, append(flags[1:], "--payple.hub="+server.URL, "--payple.min-interval=1s", "--log.level=debug")...)
		expectUp(t, exporter)
		asked := requestsOf(sim)

		current.Store(showing(bad.certificate))
		expectOutage(t, exporter, hub.ReasonTLS, bad.says)
		if got := requestsOf(sim); got != asked {
			t.Errorf("%d requests were sent, with the key and the token", got-asked)
		}

		current.Store(showing(good.certificate))
		expectRecovery(t, exporter)
	})
}

// requestsOf returns how many requests of store a hub has had.
func requestsOf(sim *simulator.Hub) int {
	return sim.Requests("store", hub.EndpointToken) + sim.Requests("store", hub.EndpointRemain)
}
