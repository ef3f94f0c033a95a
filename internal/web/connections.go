package web

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// Connections bounds how many connections a server holds, so that a client that
// opens thousands takes neither the memory nor the file descriptors that queries
// and other scrapes need. For one too many, the one that has been waiting longest
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

// Track takes note of a change of a connection, and closes one if there are too
// many. It is a function for http.Server.ConnState.
func (c *Connections) Track(conn net.Conn, state http.ConnState) {
	if surplus := c.note(conn, state); surplus != nil {
		// Its owner finds out with the next read. TLS's close-notify is left out,
		// since sending it may block.
		if secure, ok := surplus.(*tls.Conn); ok {
			surplus = secure.NetConn()
		}
		_ = surplus.Close()
	}
}

// note records the change and returns the connection to close, if there is one
// too many.
func (c *Connections) note(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, known := c.open[conn]
	if !known && state != http.StateNew {
		return nil // one that was closed here
	}
	if element != nil {
		c.waiting.Remove(element)
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
