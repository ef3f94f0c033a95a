package check

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"payple_exporter/hub"
)

// Step is one part of the way from a key to the figures, as a person can
// check it.
type Step string

// The steps, in the order in which they are taken.
const (
	StepKey        Step = "key"        // the custKey is read
	StepAddress    Step = "address"    // the hub's name is looked up
	StepProxy      Step = "proxy"      // a proxy is reached and connects to the hub
	StepConnection Step = "connection" // TCP to the hub
	StepTLS        Step = "tls"        // the hub proves who it is
	StepToken      Step = "token"      // the hub gives a token
	StepRemain     Step = "remain"     // the hub tells the figures
)

// Steps returns all steps in the order in which they are taken.
func Steps() []Step {
	return []Step{StepKey, StepAddress, StepProxy, StepConnection, StepTLS, StepToken, StepRemain}
}

// StepState is what came of a step.
type StepState string

// The states of a step.
const (
	StepOK        StepState = "ok"
	StepFailed    StepState = "failed"
	StepNotTried  StepState = "not_tried"  // an earlier step failed
	StepNotNeeded StepState = "not_needed" // such as a proxy where none is set
)

// StepReport is what was seen of one step. Its texts are facts and no
// sentences, and safe to show: no secret, and nothing that the hub wrote save
// its result code.
type StepReport struct {
	Step  Step
	State StepState
	// Target is what the step was about: where the key comes from ("file" alone
	// where the name of the file may be the key itself), the hub's host and port,
	// the proxy without name and password, the other end of the connection, the
	// version of TLS.
	Target string
	// Found is what came of it: the addresses behind a name, the day on which
	// the certificate ends, the result code.
	Found string
	// Shared says that the connection was there already, for another query.
	Shared bool
	// Duration is what the step took; 0 for one that was not taken, or shared.
	Duration time.Duration
}

// Trace watches one query and tells of each of its steps. It sees what the
// HTTP library does and invents nothing: a step of which nothing was seen was
// not tried.
type Trace struct {
	url      *url.URL
	proxy    *url.URL
	proxyErr error
	now      func() time.Time

	mu    sync.Mutex
	spans map[Step]*span
	// connected says that a connection was had once: what happens to
	// connections from then on belongs to the request that needs them.
	connected bool
	gotConn   time.Time // by the request under way; zero before it has one
	shakes    int       // TLS handshakes begun
}

// span is one step from its beginning to its end.
type span struct {
	began, ended time.Time
	failed       bool
	target       string
	found        string
	shared       bool
}

// NewTrace returns a trace of one query of the hub at address through
// transport.
func NewTrace(address string, transport *http.Transport) *Trace {
	t := &Trace{url: &url.URL{}, now: time.Now, spans: make(map[Step]*span)}
	if parsed, err := url.Parse(address); err == nil {
		t.url = parsed
	}
	if transport.Proxy != nil {
		t.proxy, t.proxyErr = transport.Proxy(&http.Request{URL: t.url})
	}
	return t
}

// Key returns key such that reading it is the first step.
func (t *Trace) Key(key hub.Key) hub.Key { return tracedKey{key, t} }

// foundWrapped is what is found of a key that may have been put into quotes.
const foundWrapped = "begins or ends with a blank or a quote"

type tracedKey struct {
	hub.Key

	trace *Trace
}

func (k tracedKey) Secret() (hub.Secret, error) {
	began := k.trace.now()
	secret, err := k.Key.Secret()
	read := &span{began: began, ended: k.trace.now(), failed: err != nil}
	if errors.Is(err, hub.ErrNameNotShown) {
		read.target = "file"
	}
	if secret.Wrapped() {
		read.found = foundWrapped
	}
	k.trace.locked(func() { k.trace.spans[StepKey] = read })
	return secret, err
}

// Context returns ctx such that requests under it are watched.
func (t *Trace) Context(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:  func(string) { t.locked(func() { t.gotConn = time.Time{} }) },
		DNSStart: func(httptrace.DNSStartInfo) { t.connecting(func() { t.begin(t.via(StepAddress)) }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			t.connecting(func() { t.lookedUp(info) })
		},
		ConnectStart: func(_, address string) { t.connecting(func() { t.dialling(address) }) },
		ConnectDone: func(_, address string, err error) {
			t.connecting(func() { t.dialled(address, err) })
		},
		TLSHandshakeStart: func() { t.connecting(t.shake) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			t.connecting(func() { t.shaken(state, err) })
		},
		GotConn: func(info httptrace.GotConnInfo) { t.locked(func() { t.got(info) }) },
	})
}

// Observe notes the end of a request. It fits [hub.Options].
func (t *Trace) Observe(exchange hub.Exchange) {
	t.locked(func() {
		if !t.connected && exchange.Err != nil && t.blameConnection() {
			return
		}
		began := t.gotConn
		if began.IsZero() {
			began = t.now().Add(-exchange.Duration)
		}
		t.spans[stepOf(exchange.Endpoint)] = &span{
			began: began, ended: t.now(), failed: exchange.Err != nil, found: exchange.Code,
		}
	})
}

func stepOf(endpoint hub.Endpoint) Step {
	if endpoint == hub.EndpointToken {
		return StepToken
	}
	return StepRemain
}

// Reports returns what was seen, all steps in order.
func (t *Trace) Reports(key hub.Key) []StepReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	reports := make([]StepReport, 0, len(Steps()))
	for _, step := range Steps() {
		report := StepReport{Step: step, State: StepNotTried, Target: t.target(step, key)}
		span, seen := t.spans[step]
		switch {
		case seen:
			report.State, report.Found, report.Shared = StepOK, span.found, span.shared
			if span.failed {
				report.State = StepFailed
			}
			if span.target != "" {
				report.Target = span.target
			}
			if !span.ended.IsZero() {
				report.Duration = span.ended.Sub(span.began)
			}
		case t.notNeeded(step):
			report.State = StepNotNeeded
		}
		reports = append(reports, report)
	}
	return reports
}

// target returns what a step is about, as far as that is known beforehand.
func (t *Trace) target(step Step, key hub.Key) string {
	switch {
	case step == StepKey:
		return key.Source().String()
	case step == StepAddress:
		return hostPort(t.url)
	case step == StepProxy && t.proxy != nil:
		return t.proxy.Scheme + "://" + t.proxy.Host
	}
	return ""
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// notNeeded reports whether the way to the hub has no such step.
func (t *Trace) notNeeded(step Step) bool {
	switch step {
	case StepAddress: // the proxy looks it up, or it is a number
		return t.proxied() || net.ParseIP(t.url.Hostname()) != nil
	case StepProxy:
		return !t.proxied()
	case StepConnection: // the proxy's business
		return t.proxied()
	case StepTLS:
		return t.url.Scheme == "http"
	case StepKey, StepToken, StepRemain:
	}
	return false
}

func (t *Trace) proxied() bool { return t.proxy != nil || t.proxyErr != nil }

// via returns the step to which a part of the way belongs: with a proxy, all
// until TLS with the hub is the proxy's.
func (t *Trace) via(step Step) Step {
	if t.proxied() {
		return StepProxy
	}
	return step
}

func (t *Trace) locked(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
}

// connecting notes what happens on the way to the first connection.
func (t *Trace) connecting(note func()) {
	t.locked(func() {
		if !t.connected {
			note()
		}
	})
}

func (t *Trace) begin(step Step) *span {
	if t.spans[step] == nil {
		t.spans[step] = &span{began: t.now()}
	}
	return t.spans[step]
}

func (t *Trace) end(step Step, failed bool) {
	span := t.begin(step)
	span.ended, span.failed = t.now(), failed
}

func (t *Trace) lookedUp(info httptrace.DNSDoneInfo) {
	if t.proxied() {
		if info.Err != nil {
			t.end(StepProxy, true)
		}
		return
	}
	t.end(StepAddress, info.Err != nil)
	addresses := make([]string, 0, len(info.Addrs))
	for _, address := range info.Addrs {
		addresses = append(addresses, address.String())
	}
	t.spans[StepAddress].found = strings.Join(addresses, ", ")
}

// dialling notes where to, in case that no answer ever comes.
func (t *Trace) dialling(address string) {
	if span := t.begin(t.via(StepConnection)); !t.proxied() {
		span.target = address
	}
}

// dialled notes one of several addresses that may be tried: the first that
// answers counts, and the last that does not.
func (t *Trace) dialled(address string, err error) {
	if t.proxied() {
		if err != nil {
			t.end(StepProxy, true)
		} else if span := t.begin(StepProxy); span.failed {
			span.ended, span.failed = time.Time{}, false // the tunnel is still to come
		}
		return
	}
	if span := t.begin(StepConnection); err != nil && !span.ended.IsZero() && !span.failed {
		return
	}
	t.end(StepConnection, err != nil)
	t.spans[StepConnection].target = address
}

// ownShakes returns how many handshakes come before the one with the hub.
func (t *Trace) ownShakes() int {
	if t.proxy != nil && t.proxy.Scheme == "https" {
		return 1
	}
	return 0
}

func (t *Trace) shake() {
	t.shakes++
	if t.shakes <= t.ownShakes() {
		return
	}
	if t.proxied() {
		t.end(StepProxy, false)
	}
	t.begin(StepTLS)
}

func (t *Trace) shaken(state tls.ConnectionState, err error) {
	if t.shakes <= t.ownShakes() {
		if err != nil {
			t.end(StepProxy, true)
		}
		return
	}
	t.end(StepTLS, err != nil)
	if err == nil {
		t.spans[StepTLS].describe(state)
	}
}

// describe tells of a TLS connection that was verified.
func (s *span) describe(state tls.ConnectionState) {
	s.target = tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		s.found = state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
	}
}

// got notes that a request has its connection: a new one, or one that another
// query has opened. Either way every step until here is done.
func (t *Trace) got(info httptrace.GotConnInfo) {
	t.gotConn = t.now()
	if t.connected {
		return
	}
	t.connected = true
	for _, step := range []Step{StepAddress, StepProxy, StepConnection, StepTLS} {
		seen := t.spans[step]
		switch {
		case t.notNeeded(step) && seen == nil:
		case seen == nil || seen.ended.IsZero() && step != StepProxy || seen.failed:
			t.spans[step] = &span{shared: true}
		case seen.ended.IsZero():
			seen.ended = t.now()
		}
	}
	if direct := t.spans[StepConnection]; direct != nil {
		direct.target = info.Conn.RemoteAddr().String()
	}
	if secure, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok && t.spans[StepTLS] != nil {
		t.spans[StepTLS].describe(secure.ConnectionState())
	}
}

// blameConnection finds the step on the way to the first connection that
// failed, or was under way when time was up. It reports whether there is one.
func (t *Trace) blameConnection() bool {
	if t.proxyErr != nil {
		t.end(StepProxy, true)
		return true
	}
	for _, step := range []Step{StepAddress, StepProxy, StepConnection, StepTLS} {
		if span := t.spans[step]; span != nil && (span.failed || span.ended.IsZero()) {
			if span.ended.IsZero() {
				t.end(step, true)
			}
			span.failed = true
			return true
		}
	}
	return false
}
