package check_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/check"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/certificates"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/must"
)

var update = flag.Bool("update", false, "write the golden file anew")

// advised asks once, for so long, and returns what a person is told.
func advised(t *testing.T, address string, transport *http.Transport, key hub.Key, patience time.Duration) check.Advice {
	t.Helper()
	trace, err := asked(t, address, transport, key, patience)
	failure, failed := errors.AsType[*hub.Error](err)
	if !failed {
		t.Fatalf("%s succeeds: %v", address, err)
	}
	return check.Advise(failure, trace.Reports(key))
}

// forbidden is a key that this user may not read; root may read every file.
type forbidden struct{}

func (forbidden) Source() hub.KeySource {
	return hub.KeySource{Kind: hub.SourceFile, Name: "/forbidden"}
}

func (forbidden) Secret() (hub.Secret, error) {
	return hub.Secret{}, fmt.Errorf("reading the key: %w", &fs.PathError{Op: "open", Path: "/forbidden", Err: syscall.EACCES})
}

// rude accepts connections and closes each at once.
func rude(t *testing.T) string {
	t.Helper()
	listener := must.Get((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// nameless returns a transport that finds no address of any name.
func nameless() *http.Transport {
	transport := direct()
	transport.DialContext = (&net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}}).DialContext
	return transport
}

// stuck returns a transport that never gets a connection.
func stuck(t *testing.T) *http.Transport {
	t.Helper()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	transport := direct()
	transport.DialContext = (&net.Dialer{Control: func(string, string, syscall.RawConn) error { <-never; return errors.New("too late") }}).DialContext
	return transport
}

// demanding is a proxy that wants a password.
func demanding(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusProxyAuthRequired)
}

// situation is one way in which a query fails.
type situation struct {
	name, address string
	transport     *http.Transport
	key           hub.Key
	// impatient is set where nothing ever comes.
	impatient bool
}

// keySituations are those in which nothing is sent.
func keySituations(t *testing.T) []situation {
	t.Helper()
	folder := t.TempDir()
	empty, binary := must.Write(t, filepath.Join(folder, "empty"), "\n"), must.Write(t, filepath.Join(folder, "binary"), "\xff\xfe")
	all := []situation{
		{name: "key file missing", key: hub.FileKey("/nowhere/key")},
		{name: "key file without a whole path, missing", key: hub.FileKey(tracedKey)},
		{name: "key file forbidden", key: forbidden{}},
		{name: "key file empty", key: hub.FileKey(empty)},
		{name: "key file no text", key: hub.FileKey(binary)},
		{name: "key file a directory", key: hub.FileKey(folder)},
		{name: "key variable empty", key: hub.FixedKey(hub.NewSecret(""), "environment variable PAYPLE_CUST_KEY")},
	}
	for i := range all {
		all[i].address, all[i].transport = "https://hub.example", direct()
	}
	return all
}

// waySituations are those in which no request arrives.
func waySituations(t *testing.T) []situation {
	t.Helper()
	secure := httptest.NewTLSServer(tracedHub("none"))
	t.Cleanup(secure.Close)
	silent := silentListener(t)
	proxy := func(handler http.Handler) string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return strings.Replace(server.URL, "http://", "http://user:pass-word@", 1)
	}
	distrusted := httptest.NewTLSServer(simulator.NewTunnel(silent))
	t.Cleanup(distrusted.Close)
	unreadable := direct()
	unreadable.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("invalid proxy address pass-word") }
	const far = "https://hub.example"
	all := []situation{
		{name: "name unknown", address: far, transport: nameless()},
		{name: "HTTPS_PROXY no address", address: far, transport: unreadable},
		{name: "proxy's name unknown", address: far, transport: through(nameless(), "http://user:pass-word@proxy.example:3128")},
		{name: "proxy down", address: far, transport: through(direct(), "http://user:pass-word@127.0.0.1:1")},
		{name: "proxy silent", address: far, transport: through(direct(), "http://user:pass-word@"+silent), impatient: true},
		{name: "proxy without a way to the hub", address: far, transport: through(direct(), proxy(simulator.NewTunnel("127.0.0.1:1")))},
		{name: "proxy wants a password", address: far, transport: through(direct(), proxy(http.HandlerFunc(demanding)))},
		{name: "proxy not trusted", address: far, transport: through(direct(), distrusted.URL)},
		{name: "nobody listens", address: "https://127.0.0.1:1", transport: direct()},
		{name: "packets dropped", address: "https://127.0.0.1:9", transport: stuck(t), impatient: true},
		{name: "hub not trusted", address: secure.URL, transport: direct()},
		{name: "TLS cut", address: "https://" + rude(t), transport: direct()},
		{name: "TLS silent", address: "https://" + silent, transport: direct(), impatient: true},
	}
	for i := range all {
		all[i].key = keyOfTrace()
	}
	return all
}

// requestSituations are those in which the hub has the request.
func requestSituations(t *testing.T) []situation {
	t.Helper()
	var all []situation
	for _, fault := range []string{
		"close", "hang", "status=503", "status=429", "status=403", "result=T0310", "result=T0300", "result=T0100", "result=T0400", "result=T0996", "result=T0997",
		"result=9991", "html", "remain_amt-missing",
	} {
		server := httptest.NewServer(tracedHub(fault))
		t.Cleanup(server.Close)
		all = append(all, situation{name: fault, address: server.URL, transport: direct(), key: keyOfTrace(), impatient: fault == "hang"})
	}
	sim := tracedHub("none")
	shouting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		sim.ServeHTTP(answer, r)
		_, _ = io.WriteString(w, strings.Replace(answer.Body.String(), `"store"`, `"STORE"`, 1))
	}))
	t.Cleanup(shouting.Close)
	return append(all, situation{name: "cst_id in capitals", address: shouting.URL, transport: direct(), key: keyOfTrace()})
}

// tlsSituations are those in which the two sides do not agree.
func tlsSituations(t *testing.T) []situation {
	t.Helper()
	hour := time.Now().Add(time.Hour)
	root := certificates.Issue(t, "Root", nil, nil, hour)
	intermediate := certificates.Issue(t, "Encryption Everywhere DV TLS CA - G2", &root, nil, hour)
	nameless := certificates.Issue(t, "<script>"+tracedKey, &root, nil, hour)
	alone := func(parent tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificates.Issue(t, "hub", &parent, net.IPv4(127, 0, 0, 1), hour)}, MinVersion: tls.VersionTLS12}
	}
	var all []situation
	for _, test := range []struct {
		name   string
		config *tls.Config
	}{
		{"TLS 1.1 alone", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
		{"old ciphers alone", &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}},
		{"intermediate certificate missing", alone(intermediate)},
		{"certificate missing, of a name that is none", alone(nameless)},
	} {
		server := httptest.NewUnstartedServer(tracedHub("none"))
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.TLS = test.config
		server.StartTLS()
		t.Cleanup(server.Close)
		transport := trusting(server)
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(root.Leaf)
		all = append(all, situation{name: test.name, address: server.URL, transport: transport, key: keyOfTrace()})
	}
	return all
}

// What a person is told fits the step that failed, in both languages: no word
// of a firewall where a name cannot be resolved, none of the proxy where there
// is none. No secret is in it: neither the key nor a proxy's password.
func TestAdviceFitsTheStep(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, s := range slices.Concat(keySituations(t), waySituations(t), tlsSituations(t), requestSituations(t)) {
		patience := 10 * time.Second
		if s.impatient {
			patience = 200 * time.Millisecond
		}
		advice := advised(t, s.address, s.transport, s.key, patience)
		fmt.Fprintf(&got, "## %s\n", s.name)
		for _, text := range []string{advice.Problem.English, advice.Action.English, advice.Problem.Korean, advice.Action.Korean} {
			fmt.Fprintln(&got, text)
		}
		got.WriteString("\n")
	}
	if text := got.String(); strings.Contains(text, tracedKey) || strings.Contains(text, "pass-word") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	// Ports above 9 are another at each run.
	shown := regexp.MustCompile(`(127\.0\.0\.1):\d{2,}`).ReplaceAllString(got.String(), "$1:PORT")
	golden.Compare(t, filepath.Join("testdata", "advice.golden"), shown, *update)
}

// A failure of which no step is known is told by its reason.
func TestAdviceWithoutAStep(t *testing.T) {
	t.Parallel()
	failure := &hub.Error{Reason: hub.ReasonNetwork}
	for name, steps := range map[string][]check.StepReport{
		"none": nil, "not tried": {{Step: check.StepAddress, State: check.StepNotTried}}, "nowhere": {{Step: check.StepConnection, State: check.StepFailed}},
	} {
		if got := check.Advise(failure, steps); got != (check.Advice{Problem: advice.Problem(failure), Action: advice.Action(failure)}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
