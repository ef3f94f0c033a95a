package hub

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// maxConnectionAge is how long connections are used at the most: what a name
// stands for, and what is on the way, may change without a failure that says so.
const maxConnectionAge = 5 * time.Minute

// connections hands out the HTTP client to send a request with. One that has
// seen a request fail is retired, with all its connections: whatever was wrong
// with them, the next request opens new ones and resolves the name again.
// Requests under way on a retired client finish.
type connections struct {
	now func() time.Time

	mu      sync.Mutex
	current *http.Client
	made    time.Time
}

func newConnections(transport http.RoundTripper, now func() time.Time) *connections {
	return &connections{now: now, current: newHTTPClient(transport), made: now()}
}

func newHTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		// A redirect would carry custKey to whichever host it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// client returns the client in use, unless its connections are too old.
func (c *connections) client() *http.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.made) >= maxConnectionAge {
		c.replace(nil)
	}
	return c.current
}

// retire ends the use of a client, if no other has yet: of many requests that
// fail together, only the first does.
func (c *connections) retire(client *http.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == client {
		c.replace(nil)
	}
}

// done ends one use of a client. A retired one keeps no connection for the next
// request, which there will not be.
func (c *connections) done(client *http.Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != client {
		client.CloseIdleConnections()
	}
}

// replace makes a new client, with other authorities if there are any. mu must be
// held.
func (c *connections) replace(roots *x509.CertPool) {
	c.made = c.now()
	transport, ok := c.current.Transport.(*http.Transport)
	if !ok {
		return // a transport of the caller's own keeps what it keeps
	}
	next := transport.Clone()
	if roots != nil {
		next.TLSClientConfig.RootCAs = roots
	}
	c.current = newHTTPClient(next)
	transport.CloseIdleConnections()
}

// trust makes all later connections verify the hub by these authorities, if they
// are others than until now.
func (c *connections) trust(roots *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if transport, ok := c.current.Transport.(*http.Transport); ok && !transport.TLSClientConfig.RootCAs.Equal(roots) {
		c.replace(roots)
	}
}

// way is what is seen of a request's connection.
type way struct {
	trace    httptrace.ClientTrace
	kept     atomic.Bool // it was there for an earlier request
	answered atomic.Bool // the hub has said something
}

// watch returns ctx such that a request under it is watched.
func (w *way) watch(ctx context.Context) context.Context {
	w.trace = httptrace.ClientTrace{
		GotConn:              func(info httptrace.GotConnInfo) { w.kept.Store(info.Reused) },
		GotFirstResponseByte: func() { w.answered.Store(true) },
	}
	return httptrace.WithClientTrace(ctx, &w.trace)
}
