package web

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// Connections bounds how many connections a server holds, so that whoever opens
// thousands takes neither the memory nor the file descriptors that queries and
// other scrapes need. For one too many, the one that has been waiting longest
// without a request is closed. Prometheus opens another when it next needs one.
type Connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request is under way
	// waiting is the connections without a request, longest first.
	waiting *list.List
}

// maxConnections is how many clients may be connected: with some 20 KB each
// there is room for them in a small container.
const maxConnections = 1024

// DefaultConnections returns how many connections this process can afford. Where
// only few files may be open, half of them are kept for the hub and for the
// exporter itself.
func DefaultConnections() int { return int(min(maxConnections, maxFiles()/2)) }

// NewConnections returns a bound of limit connections.
func NewConnections(limit int) *Connections {
	return &Connections{limit: limit, open: make(map[net.Conn]*list.Element), waiting: list.New()}
}

// Track is told of every change. It fits http.Server.ConnState.
func (c *Connections) Track(conn net.Conn, state http.ConnState) {
	if surplus := c.note(conn, state); surplus != nil {
		// Its owner finds out when it next reads. Without TLS's farewell, for
		// which one may have to wait.
		if secure, ok := surplus.(*tls.Conn); ok {
			surplus = secure.NetConn()
		}
		_ = surplus.Close()
	}
}

// note brings the books up to date and returns the connection that must go, if
// there is one too many.
func (c *Connections) note(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, known := c.open[conn]
	if !known && state != http.StateNew {
		return nil // one that was closed here
	}
	if place != nil {
		c.waiting.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.waiting.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	if len(c.open) <= c.limit || c.waiting.Len() == 0 {
		return nil
	}
	surplus, _ = c.waiting.Remove(c.waiting.Front()).(net.Conn)
	delete(c.open, surplus)
	return surplus
}
