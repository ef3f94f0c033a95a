package check

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"testing"
	"time"

	"payple_exporter/hub"
)

// traceVia returns a trace of a query of the hub at address, by way of a proxy
// unless that is empty.
func traceVia(address, proxy string) *Trace {
	transport := &http.Transport{}
	if proxy != "" {
		transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	}
	return NewTrace(address, transport)
}

// Of several addresses of a proxy, one that answers makes good for those that
// did not.
func TestTraceForgivesOneAddressOfAProxy(t *testing.T) {
	t.Parallel()
	trace := traceVia("https://hub.example", "http://proxy.example")
	trace.dialled("192.0.2.1:80", errors.New("refused"))
	if span := trace.spans[StepProxy]; span == nil || !span.failed {
		t.Fatalf("the address that refused is told as %+v", span)
	}
	trace.dialled("192.0.2.2:80", nil)
	if span := trace.spans[StepProxy]; span.failed || !span.ended.IsZero() {
		t.Errorf("the address that answered is told as %+v, want a proxy still to be waited for", span)
	}
}

// Of several addresses of the hub, the first that answers counts, whatever
// comes of the others; where none does, the last.
func TestTraceCountsTheAddressThatAnswered(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	trace := traceVia("https://hub.example", "")
	for _, step := range []struct {
		address string
		err     error
		target  string
		failed  bool
	}{
		{"192.0.2.1:443", refused, "192.0.2.1:443", true},
		{"192.0.2.2:443", refused, "192.0.2.2:443", true},
		{"192.0.2.3:443", nil, "192.0.2.3:443", false},
		{"192.0.2.4:443", refused, "192.0.2.3:443", false},
		{"192.0.2.5:443", nil, "192.0.2.5:443", false},
	} {
		trace.dialled(step.address, step.err)
		if span := trace.spans[StepConnection]; span.target != step.target || span.failed != step.failed {
			t.Errorf("after %s: %+v, want %s, failed %t", step.address, span, step.target, step.failed)
		}
	}
}

// The handshake with a proxy is the proxy's, and only the one after it the
// hub's.
func TestTraceTellsHandshakesApart(t *testing.T) {
	t.Parallel()
	for proxy, own := range map[string]int{"https://proxy.example": 1, "http://proxy.example": 0, "": 0} {
		trace := traceVia("https://hub.example", proxy)
		if proxy != "" {
			trace.begin(StepProxy)
		}
		for range own {
			trace.shake()
			if trace.spans[StepTLS] != nil {
				t.Errorf("proxy %q: its handshake is told as the hub's", proxy)
			}
			trace.shaken(tls.ConnectionState{}, nil)
			if trace.spans[StepTLS] != nil || !trace.spans[StepProxy].ended.IsZero() {
				t.Errorf("proxy %q: done after its own handshake", proxy)
			}
		}
		trace.shake()
		if trace.spans[StepTLS] == nil || proxy != "" && trace.spans[StepProxy].ended.IsZero() {
			t.Errorf("proxy %q: the hub's handshake is not seen", proxy)
		}
	}
}

// A connection is described when it was verified, certificates or none, and
// not when it was refused.
func TestTraceDescribesWhatWasVerified(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"TLS 1.3": nil, "": errors.New("not trusted")} {
		trace := traceVia("https://hub.example", "")
		trace.shake()
		trace.shaken(tls.ConnectionState{Version: tls.VersionTLS13}, err)
		if span := trace.spans[StepTLS]; span.target != want || span.found != "" || span.failed != (err != nil) {
			t.Errorf("%v: %+v, want target %q", err, span, want)
		}
	}
}

// plainConn and secureConn are connections as a request gets them.
type plainConn struct{ net.Conn }

func (plainConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443} }

type secureConn struct{ plainConn }

func (secureConn) ConnectionState() tls.ConnectionState {
	return tls.ConnectionState{Version: tls.VersionTLS13}
}

// A connection that was there already is described as far as it can be.
func TestTraceOfASharedConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		conn    net.Conn
		want    string // of the step tls; "none" where there is none
	}{
		"TLS":                        {"https://hub.example", secureConn{}, "TLS 1.3"},
		"of which nothing is known":  {"https://hub.example", plainConn{}, ""},
		"without TLS":                {"http://127.0.0.1", plainConn{}, "none"},
		"with TLS that nobody needs": {"http://127.0.0.1", secureConn{}, "none"},
	} {
		trace := traceVia(test.address, "")
		trace.got(httptrace.GotConnInfo{Conn: test.conn})
		got := "none"
		if span := trace.spans[StepTLS]; span != nil {
			got = span.target
		}
		if got != test.want || trace.spans[StepConnection].target != "192.0.2.1:443" {
			t.Errorf("%s: told as %q, want %q; connection %+v", name, got, test.want, trace.spans[StepConnection])
		}
	}
}

// A step that this query took itself is its own, and one that it did not finish
// was another's: the connection came from there.
func TestTraceTellsOwnStepsFromShared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before func(*Trace)
		shared bool
	}{
		"connected":           {func(trace *Trace) { trace.dialled("192.0.2.1:443", nil) }, false},
		"refused":             {func(trace *Trace) { trace.dialled("192.0.2.1:443", errors.New("refused")) }, true},
		"still connecting":    {func(trace *Trace) { trace.begin(StepConnection) }, true},
		"had not begun to":    {func(*Trace) {}, true},
		"refused, then there": {func(trace *Trace) { trace.dialled("a", errors.New("refused")); trace.dialled("b", nil) }, false},
	} {
		trace := traceVia("https://hub.example", "")
		test.before(trace)
		trace.got(httptrace.GotConnInfo{Conn: secureConn{}})
		if span := trace.spans[StepConnection]; span.shared != test.shared || span.failed {
			t.Errorf("%s: %+v, want shared %t", name, span, test.shared)
		}
	}
}

// A proxy whose name cannot be found is the proxy's failure.
func TestTraceBlamesTheProxyForItsName(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("no such host")} {
		trace := traceVia("https://hub.example", "http://proxy.example")
		trace.begin(StepProxy)
		trace.lookedUp(httptrace.DNSDoneInfo{Err: err})
		if span := trace.spans[StepProxy]; span.failed != (err != nil) || trace.spans[StepAddress] != nil {
			t.Errorf("%v: %+v", err, span)
		}
	}
}

// A request of which only the end was seen took as long as it says.
func TestTraceTakesTheDurationOfARequest(t *testing.T) {
	t.Parallel()
	trace := traceVia("https://hub.example", "")
	now := time.Now()
	trace.now = func() time.Time { return now }
	trace.Observe(hub.Exchange{Endpoint: hub.EndpointToken, Duration: 3 * time.Second})
	for _, report := range trace.Reports(hub.FixedKey(hub.NewSecret("k"), "test")) {
		if report.Step == StepToken && report.Duration != 3*time.Second {
			t.Errorf("told as %s", report.Duration)
		}
	}
}

// A request that ended before anything was seen of a connection, as where time
// was up at once, failed itself: it is not told as not tried.
func TestTraceTellsARequestThatGotNowhere(t *testing.T) {
	t.Parallel()
	trace := traceVia("http://192.0.2.1", "")
	trace.Observe(hub.Exchange{Endpoint: hub.EndpointToken, Err: &hub.Error{Reason: hub.ReasonTimeout}})
	if span := trace.spans[StepToken]; span == nil || !span.failed {
		t.Errorf("the request is told as %+v", span)
	}
}
