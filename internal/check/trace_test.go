package check_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/check"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/must"
)

const tracedKey = "traced-cust-key-5d1"

// asked asks once, for so long, and returns what was seen of it.
func asked(t *testing.T, address string, transport *http.Transport, key hub.Key, patience time.Duration) (*check.Trace, error) {
	t.Helper()
	trace := check.NewTrace(address, transport)
	client := hub.NewClient(hub.Options{URL: address, Transport: transport, Observe: trace.Observe})
	ctx, cancel := context.WithTimeout(trace.Context(t.Context()), patience)
	defer cancel()
	_, err := hub.NewSession(client, "store", trace.Key(key)).Remain(ctx)
	return trace, err
}

// traced asks once and returns what was seen, a step on each line:
// "step state target found", and "shared" where it was.
func traced(t *testing.T, address string, transport *http.Transport, key hub.Key) (lines []string, reports []check.StepReport) {
	t.Helper()
	trace, _ := asked(t, address, transport, key, 5*time.Second)
	reports = trace.Reports(key)
	for _, r := range reports {
		line := fmt.Sprintf("%s %s %s %s", r.Step, r.State, r.Target, r.Found)
		if r.Shared {
			line += " shared"
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines, reports
}

func keyOfTrace() hub.Key { return hub.FixedKey(hub.NewSecret(tracedKey), "the test") }

func tracedHub(fault string) http.Handler {
	sim := simulator.New(simulator.Options{}, simulator.Partner{CstID: "store", CustKey: tracedKey})
	if err := sim.Apply("", "", fault); err != nil {
		panic(err)
	}
	return sim
}

// trusting returns a transport that trusts server, and connects everything to
// it whatever the name.
func trusting(server *httptest.Server) *http.Transport {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	transport := hub.NewTransport(1)
	transport.Proxy = nil
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return transport
}

func direct() *http.Transport {
	transport := hub.NewTransport(1)
	transport.Proxy = nil
	return transport
}

// through returns transport with all its requests through a proxy.
func through(transport *http.Transport, proxy string) *http.Transport {
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	return transport
}

// expectSteps compares lines with wanted ones, of which each is a beginning.
func expectSteps(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d steps, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// Each step that was taken is told of, with what it was about; what the way
// does not need is told so.
func TestTraceOfAGoodQuery(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(tracedHub("none"))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(tracedHub("none"))
	t.Cleanup(secure.Close)
	lines, reports := traced(t, plain.URL, direct(), keyOfTrace())
	expectSteps(t, lines, []string{
		"key ok the test", "address not_needed 127.0.0.1:", "proxy not_needed", "connection ok " + strings.TrimPrefix(plain.URL, "http://"),
		"tls not_needed", "token ok T0000", "remain ok A0000",
	})
	for _, r := range reports {
		if r.Duration < 0 || r.Duration > time.Minute || r.State == check.StepNotNeeded && r.Duration != 0 {
			t.Errorf("%s took %s", r.Step, r.Duration)
		}
	}
	transport := trusting(secure)
	lines, _ = traced(t, secure.URL, transport, keyOfTrace())
	expectSteps(t, lines, []string{
		"key ok", "address not_needed", "proxy not_needed", "connection ok 127.0.0.1:", "tls ok TLS 1.3 2", "token ok", "remain ok",
	})
	// The next merchant finds the connection open.
	lines, _ = traced(t, secure.URL, transport, keyOfTrace())
	for _, i := range []int{3, 4} {
		if !strings.Contains(lines[i], " ok ") || !strings.HasSuffix(lines[i], "shared") {
			t.Errorf("got %q", lines[i])
		}
	}
}

// A request that is refused over another query's connection is refused itself:
// the connection, of which this query has seen nothing, was good.
func TestTraceBlamesNoSharedConnection(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{}, simulator.Partner{CstID: "store", CustKey: tracedKey})
	server := httptest.NewTLSServer(sim)
	t.Cleanup(server.Close)
	transport := trusting(server)
	for _, shared := range []bool{false, true} {
		last := []string{"token ok", "remain ok"}
		if shared {
			last = []string{"token failed", "remain not_tried"}
			must.Do(t, sim.Apply("", "", "result=T0320"))
		}
		lines, _ := traced(t, server.URL, transport, keyOfTrace())
		expectSteps(t, lines, append([]string{"key ok", "address not_needed", "proxy not_needed", "connection ok", "tls ok"}, last...))
		for _, i := range []int{3, 4} {
			if strings.HasSuffix(lines[i], " shared") != shared {
				t.Errorf("got %q, want it shared: %t", lines[i], shared)
			}
		}
	}
}

// The step that failed is the one that is blamed, and what comes after it was
// not tried.
func TestTraceBlamesTheStep(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(tracedHub("none"))
	t.Cleanup(secure.Close)
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	for name, test := range map[string]struct {
		address   string
		transport *http.Transport
		key       hub.Key
		want      []string
	}{
		"no key": {
			"https://hub.example", direct(), hub.FileKey("/nowhere/key"),
			[]string{"key failed file /nowhere/key", "address not_tried hub.example:443", "proxy not_needed", "connection not_tried", "tls not_tried", "token not_tried", "remain not_tried"},
		},
		"no name": {
			"https://hub.example", nameless(), keyOfTrace(),
			[]string{"key ok", "address failed hub.example:443", "proxy not_needed", "connection not_tried", "tls not_tried", "token not_tried", "remain not_tried"},
		},
		"nobody listens": {
			"https://127.0.0.1:1", direct(), keyOfTrace(),
			[]string{"key ok", "address not_needed", "proxy not_needed", "connection failed 127.0.0.1:1", "tls not_tried", "token not_tried", "remain not_tried"},
		},
		"not trusted": {
			secure.URL, direct(), keyOfTrace(),
			[]string{"key ok", "address not_needed", "proxy not_needed", "connection ok", "tls failed", "token not_tried", "remain not_tried"},
		},
		"no proxy there": {
			"https://hub.example", through(direct(), "http://user:pass-word@127.0.0.1:1"), keyOfTrace(),
			[]string{"key ok", "address not_needed hub.example:443", "proxy failed http://127.0.0.1:1", "connection not_needed", "tls not_tried", "token not_tried", "remain not_tried"},
		},
		"name found": {
			"https://localhost:" + port, direct(), keyOfTrace(),
			[]string{"key ok", "address ok localhost:" + port + " ", "proxy not_needed", "connection ok 127.0.0.1:", "tls failed", "token not_tried", "remain not_tried"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, _ := traced(t, test.address, test.transport, test.key)
			expectSteps(t, lines, test.want)
			if text := strings.Join(lines, "\n"); strings.Contains(text, "pass-word") || strings.Contains(text, tracedKey) {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
}

// A step that never ends is the one that failed when time is up.
func TestTraceBlamesTheStepUnderWay(t *testing.T) {
	t.Parallel()
	silent := silentListener(t)
	for name, test := range map[string]struct {
		address   string
		transport *http.Transport
		want      string
	}{
		"connecting":        {"https://127.0.0.1:9", stuck(t), "connection failed"},
		"TLS":               {"https://" + silent, direct(), "tls failed"},
		"answering a proxy": {"https://hub.example", through(direct(), "http://"+silent), "proxy failed"},
		"answering":         {"http://" + silent, direct(), "token failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace, _ := asked(t, test.address, test.transport, keyOfTrace(), 200*time.Millisecond)
			failed := ""
			for _, r := range trace.Reports(keyOfTrace()) {
				if r.State == check.StepFailed {
					failed += string(r.Step) + " failed "
				}
			}
			if strings.TrimSpace(failed) != test.want {
				t.Errorf("got %q, want %q", failed, test.want)
			}
		})
	}
}

// silentListener accepts connections and says nothing.
func silentListener(t *testing.T) string {
	t.Helper()
	var listen net.ListenConfig
	listener := must.Get(listen.Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// With a proxy, it is the proxy that is connected to; the hub still proves who
// it is, through it.
func TestTraceThroughProxies(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(tracedHub("none"))
	t.Cleanup(secure.Close)
	good := httptest.NewServer(simulator.NewTunnel(secure.Listener.Addr().String()))
	t.Cleanup(good.Close)
	goodTLS := httptest.NewTLSServer(simulator.NewTunnel(secure.Listener.Addr().String()))
	t.Cleanup(goodTLS.Close)
	refusing := httptest.NewServer(simulator.NewTunnel("127.0.0.1:1"))
	t.Cleanup(refusing.Close)
	done := []string{"tls ok TLS 1.3", "token ok T0000", "remain ok A0000"}
	not := []string{"tls not_tried", "token not_tried", "remain not_tried"}
	for name, test := range map[string]struct {
		proxy string
		state check.StepState
		rest  []string
	}{
		"plain":    {good.URL, check.StepOK, done},
		"TLS":      {goodTLS.URL, check.StepOK, done},
		"refusing": {refusing.URL, check.StepFailed, not},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, _ := traced(t, "https://example.com", through(trusting(secure), test.proxy), keyOfTrace())
			expectSteps(t, lines, append([]string{
				"key ok", "address not_needed example.com:443", "proxy " + string(test.state) + " " + test.proxy, "connection not_needed",
			}, test.rest...))
		})
	}
}

// What the hub refuses is the step of that request, with its result code.
func TestTraceOfRefusals(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string][]string{
		"result=T0310": {"token failed T0310", "remain not_tried"},
		"status=503":   {"token failed", "remain not_tried"},
		"cst-id-other": {"token ok T0000", "remain failed A0000"},
		"close":        {"token failed", "remain not_tried"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tracedHub(fault))
			defer server.Close()
			lines, _ := traced(t, server.URL, direct(), keyOfTrace())
			expectSteps(t, lines[5:], want)
			expectSteps(t, lines[3:4], []string{"connection ok"})
		})
	}
}
