package hub_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/certificates"
)

// What an answer is refused for is what is amiss with it: what is missing is no
// other's, what differs in case alone is told so, and whatever the hub refuses
// with is named.
func TestRefusalsSayWhatIsTrue(t *testing.T) {
	t.Parallel()
	limit := `{"result":"A0000","cst_id":"` + cstID + `","total_account_amt":"3","total_transfer_amt":"1","remain_amt":"2"}`
	limitWith := func(cstID string) string { return strings.Replace(limit, `"partner1"`, cstID, 1) }
	token := func(fields string) string { return `{"result":"T0000","access_token":"t"` + fields + `}` }
	for name, test := range map[string]struct {
		endpoint hub.Endpoint
		status   int // 0 means 200
		body     string
		reason   hub.Reason
		says     string
	}{
		"cst_id missing":         {hub.EndpointRemain, 0, strings.Replace(limit, "cst_id", "sub_id", 1), "invalid_response", ": cst_id is missing"},
		"cst_id null":            {hub.EndpointRemain, 0, limitWith("null"), "invalid_response", ": cst_id is empty or no text"},
		"cst_id a number":        {hub.EndpointRemain, 0, limitWith("1"), "invalid_response", ": cst_id is empty or no text"},
		"cst_id empty":           {hub.EndpointRemain, 0, limitWith(`""`), "invalid_response", ": cst_id is empty or no text"},
		"cst_id in capitals":     {hub.EndpointRemain, 0, limitWith(`"PARTNER1"`), "invalid_response", ": cst_id differs in upper and lower case alone"},
		"cst_id padded":          {hub.EndpointRemain, 0, limitWith(`"partner1  "`), "invalid_response", ": cst_id has blanks around it"},
		"cst_id of another":      {hub.EndpointRemain, 0, limitWith(`"partner2"`), "invalid_response", "another merchant: cst_id differs"},
		"code missing":           {hub.EndpointToken, 0, token(``), "invalid_response", ": code is missing"},
		"code empty":             {hub.EndpointToken, 0, token(`,"code":""`), "invalid_response", ": code is empty or no text"},
		"code of another":        {hub.EndpointToken, 0, token(`,"code":"zz99999999"`), "invalid_response", "another request: code differs"},
		"no result":              {hub.EndpointRemain, 0, `{}`, "invalid_response", ": result is missing"},
		"a result in words":      {hub.EndpointRemain, 0, `{"result":"SUCCESS"}`, "invalid_response", ": result is no result code"},
		"a short result":         {hub.EndpointRemain, 0, `{"result":"A000"}`, "invalid_response", ": result is no result code"},
		"digits":                 {hub.EndpointToken, 0, `{"result":"9991"}`, "rejected", "the hub answered 9991"},
		"digits as a number":     {hub.EndpointRemain, 0, `{"result":9997}`, "rejected", "the hub answered 9997"},
		"five digits":            {hub.EndpointRemain, 0, `{"result":99971}`, "invalid_response", ": result is no result code"},
		"form of the request":    {hub.EndpointToken, 0, `{"result":"T0100"}`, "rejected", "T0100: the form of the request is refused"},
		"dead token":             {hub.EndpointRemain, 0, `{"result":"T0400"}`, "rejected", "T0400: the token is not valid, or no longer"},
		"unknown, or not set up": {hub.EndpointToken, 0, `{"result":"T0300"}`, "auth", "T0300: unknown partner or key, or payouts not set up"},
		"maintenance":            {hub.EndpointRemain, 0, `{"result":"T0996"}`, "closed", "T0996: bank maintenance"},
		"out of hours":           {hub.EndpointToken, 0, `{"result":"T0997"}`, "closed", "T0997: outside the hub's hours"},
		"out of hours, HTTP 503": {hub.EndpointToken, 503, `{"result":"T0997"}`, "closed", "T0997: outside the hub's hours"},
		"may be two things":      {hub.EndpointRemain, 0, `{"result":"A0003"}`, "rejected", "the hub answered A0003"},
		"a page":                 {hub.EndpointToken, 403, `<html>Forbidden</html>`, "auth", "the answer was HTTP 403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			client := hub.NewClient(hub.Options{URL: server.URL})
			credentials := hub.Credentials{CstID: cstID, CustKey: hub.NewSecret(custKey)}
			_, err := client.Token(t.Context(), credentials)
			if test.endpoint == hub.EndpointRemain {
				_, err = client.Remain(t.Context(), hub.Token{}, credentials)
			}
			failure, failed := errors.AsType[*hub.Error](err)
			if !failed || failure.Reason != test.reason || !strings.HasSuffix(err.Error(), test.says) {
				t.Errorf("got %v, want reason %s and %q", err, test.reason, test.says)
			}
		})
	}
}

// A token that is refused with T0400 is worth one new token and one more try;
// a new one that is refused as well is none of the key's.
func TestDeadTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{}, goodKey())
	if _, err := b.session.Remain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.hub.EndTokens(cstID)
	if _, err := b.session.Remain(t.Context()); err != nil || b.path() != "token remain remain token remain" {
		t.Errorf("asked %s: %v", b.path(), err)
	}
	b.hub.Break(cstID, hub.EndpointRemain, simulator.Result("T0400", hub.ReasonRejected))
	if failure := failing(t, b.session); failure.Reason != hub.ReasonRejected || failure.Code != "T0400" ||
		b.path() != "token remain remain token remain remain token remain" {
		t.Errorf("asked %s: %v", b.path(), failure)
	}
}

// handshakes returns a TLS server that shows a certificate, with the handshakes
// of config.
func handshakes(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// choosing returns the address of a server that chooses TLS 1.1 and a cipher of
// that time, whatever it is offered, as those do that know nothing newer.
func choosing(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		// A ServerHello: version, 32 random bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
		hello := append(append([]byte{3, 2}, make([]byte, 32)...), 0, 0, 0x2f, 0)
		message := append([]byte{2, 0, 0, byte(len(hello))}, hello...)
		_, _ = conn.Write(append([]byte{22, 3, 2, 0, byte(len(message))}, message...))
		_, _ = io.Copy(io.Discard, conn)
	}()
	return "https://" + listener.Addr().String()
}

// Two sides that share no version of TLS or no cipher are told so, and so is a
// certificate that is missing between the hub's and those that are trusted, by
// its name; trusting that one is enough. A name that is none of an authority's,
// or holds the key, is not shown.
func TestHandshakesSayWhyTheyFail(t *testing.T) {
	t.Parallel()
	const noCommon, missing = "no TLS version or cipher suite in common", "certificate signed by an unknown authority: the certificate of "
	home, hour := net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour)
	root := certificates.Issue(t, "Root", nil, nil, hour)
	trusted := func(certificates ...tls.Certificate) *x509.CertPool {
		pool := x509.NewCertPool()
		for _, certificate := range append(certificates, root) {
			pool.AddCert(certificate.Leaf)
		}
		return pool
	}
	signedBy := func(parent tls.Certificate, chain ...tls.Certificate) *tls.Config {
		hubs := certificates.Issue(t, "hub", &parent, home, hour)
		for _, next := range chain {
			hubs.Certificate = append(hubs.Certificate, next.Certificate[0])
		}
		return &tls.Config{Certificates: []tls.Certificate{hubs}, MinVersion: tls.VersionTLS12}
	}
	first := certificates.Issue(t, "First CA (G2)", &root, nil, hour)
	second := certificates.Issue(t, "Second CA", &first, nil, hour)
	named := func(name string) *tls.Config { return signedBy(certificates.Issue(t, name, &root, nil, hour)) }
	stranger := certificates.Issue(t, "Stranger", nil, nil, hour)
	for name, test := range map[string]struct {
		address string
		roots   *x509.CertPool
		says    string // the error's end
	}{
		"TLS 1.1 alone": {
			handshakes(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), nil,
			noCommon + ": remote error: tls: protocol version not supported",
		},
		"TLS 1.1 chosen": {choosing(t), nil, noCommon + ": the HTTP exchange broke off"},
		"old ciphers alone": {
			handshakes(t, &tls.Config{MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}), nil,
			noCommon + ": remote error: tls: handshake failure",
		},
		"no intermediate":                {handshakes(t, signedBy(first)), trusted(), missing + `"First CA (G2)" was not sent`},
		"one of two intermediates":       {handshakes(t, signedBy(second, second)), trusted(), missing + `"First CA (G2)" was not sent`},
		"intermediates in another order": {handshakes(t, signedBy(second, first, second)), x509.NewCertPool(), missing + `"Root" was not sent`},
		"an authority that is not known": {handshakes(t, signedBy(root, root)), x509.NewCertPool(), "certificate signed by an unknown authority"},
		"a proxy's authority":            {handshakes(t, signedBy(stranger)), trusted(), missing + `"Stranger" was not sent`},
		"a name of two lines":            {handshakes(t, named("CA\nlevel=error")), trusted(), missing + "its issuer was not sent"},
		"a long name":                    {handshakes(t, named(strings.Repeat("x", 65))), trusted(), missing + "its issuer was not sent"},
		"the key for a name":             {handshakes(t, named("CA "+custKey)), trusted(), missing + "its issuer was not sent"},
		"another name that was sent":     {strings.Replace(handshakes(t, signedBy(root)), "127.0.0.1", "localhost", 1), trusted(), "another host name than localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := hub.NewTransport(1)
			transport.TLSClientConfig.RootCAs = test.roots
			_, err := hub.NewClient(hub.Options{URL: test.address, Transport: transport}).
				Token(within(t, 10*time.Second), hub.Credentials{CstID: cstID, CustKey: hub.NewSecret(custKey)})
			failure, failed := errors.AsType[*hub.Error](err)
			if !failed || failure.Reason != hub.ReasonTLS || !strings.HasSuffix(err.Error(), test.says) || strings.Contains(err.Error(), custKey) {
				t.Fatalf("got %v, want reason tls and %q", err, test.says)
			}
			if strings.HasPrefix(test.says, noCommon) != errors.Is(err, hub.ErrNoCommonTLS) ||
				failure.Meaning() == hub.ReasonTLS.Meaning() && (strings.HasPrefix(test.says, noCommon) || strings.HasPrefix(test.says, missing)) {
				t.Errorf("%v is told as %q", err, failure.Meaning())
			}
		})
	}
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: trusted(first), MinVersion: tls.VersionTLS12}}).
		DialContext(t.Context(), "tcp", strings.TrimPrefix(handshakes(t, signedBy(first)), "https://"))
	if err != nil {
		t.Fatalf("with the missing certificate among those that are trusted: %v", err)
	}
	_ = conn.Close()
}
