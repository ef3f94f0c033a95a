package simulator

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Tunnel is an egress proxy for tests: whatever host it is asked to connect to,
// it connects to one server, and it remembers what it was asked for. Where
// nobody listens there, it refuses with 502.
type Tunnel struct {
	to string

	mu    sync.Mutex
	asked []string
}

// NewTunnel returns a proxy to the server at to, a host and a port.
func NewTunnel(to string) *Tunnel { return &Tunnel{to: to} }

// Asked returns the methods and hosts of all requests so far.
func (p *Tunnel) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// ServeHTTP implements [http.Handler].
func (p *Tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	var dialer net.Dialer
	far, err := dialer.DialContext(r.Context(), "tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	near, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	// From read, not near: the server may have read the first bytes already.
	go func() { _, _ = io.Copy(far, read); _ = far.Close() }()
	_, _ = io.Copy(near, far)
	_ = near.Close()
}
