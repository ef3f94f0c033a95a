package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"
	"time"

	"payple_exporter/hub"
)

// hubSelfSigned returns a certificate for 127.0.0.1 and its key, in PEM.
func hubSelfSigned(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// hubAuthority signs certificates.
type hubAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newHubAuthority(t *testing.T) hubAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return hubAuthority{certificate, key}
}

// sign returns a certificate for an address that is good until a time.
func (a hubAuthority) sign(t *testing.T, address net.IP, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: until.Add(-2 * time.Hour), NotAfter: until, IPAddresses: []net.IP{address},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// The real program, with the roots of its environment: a hub whose certificate
// is for another name, has expired, or is signed by nobody gets no request and
// is told as reason tls; and a good one is asked.
func TestServeTrustsNoBadCertificate(t *testing.T) {
	t.Parallel()
	ca, stranger := newHubAuthority(t), newHubAuthority(t)
	here, soon := net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour)
	alone, aloneKey := hubSelfSigned(t)
	signedAlone, err := tls.X509KeyPair(alone, aloneKey)
	if err != nil {
		t.Fatal(err)
	}
	roots := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})))
	for name, test := range map[string]struct {
		certificate tls.Certificate
		says        string // in the log; empty: all is well
	}{
		"good":              {ca.sign(t, here, soon), ""},
		"wrong name":        {ca.sign(t, net.IPv4(127, 0, 0, 2), soon), "another host name"},
		"expired":           {ca.sign(t, here, time.Now().Add(-time.Minute)), "expired"},
		"self-signed":       {signedAlone, "unknown authority"},
		"unknown authority": {stranger.sign(t, here, soon), "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, flags := simulated(t)
			server := httptest.NewUnstartedServer(sim)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{test.certificate}, MinVersion: tls.VersionTLS12}
			server.StartTLS()
			defer server.Close()
			env := []string{asProgram + "=1", "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + t.TempDir()}
			exporter := serveProcess(t, os.Args[0], env, append(flags[1:], "--payple.hub="+server.URL)...)
			if test.says == "" {
				expectUp(t, exporter)
				return
			}
			page := exporter.read(t)
			up, reason, err := page.Health("store")
			_, known, figuresErr := page.Figures("store")
			if up || reason != hub.ReasonTLS || err != nil || known || figuresErr != nil {
				t.Errorf("up %v, reason %q (%v), figures shown: %v (%v)", up, reason, err, known, figuresErr)
			}
			exporter.stderr.await(t, regexp.QuoteMeta(test.says)) // the line may come after the answer
			if n := sim.Requests("store", hub.EndpointToken); n != 0 {
				t.Errorf("%d requests were sent, with the key", n)
			}
		})
	}
}
