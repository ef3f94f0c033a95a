package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/names"
)

// backend is the simulated hub, its servers, and its partners' keys. Half of the
// partners ask it at an address over plain HTTP, half at a name over TLS and
// HTTP/2, which stands for one of two addresses.
type backend struct {
	*simulator.Hub

	urls     []string // of the partners in turn
	partners []simulator.Partner
	keyFiles []string
	began    time.Time
	faults   []simulator.Fault
	pace     pace

	names       names.Server
	nameServer  net.Listener
	certificate tls.Certificate
	addresses   []string // that are listened at: plain, and the two of the name

	mu          sync.Mutex
	home        string // the one of addresses that the name stands for
	servers     []*http.Server
	connections map[net.Conn]http.ConnState
	most        int             // connections that were ever open at once
	drained     map[string]bool // clients' ends of connections that are answered 503
}

// hubName is what the certificates of package httptest are for.
const hubName = "example.com"

// newBackend serves n partners with keys in dir. Each has a total of its own,
// so that one merchant's figures cannot pass for another's.
func newBackend(n int, dir string) (*backend, error) {
	b := &backend{began: time.Now(), connections: make(map[net.Conn]http.ConnState), faults: soakFaults()}
	for i := range n {
		id := fmt.Sprintf("m%04d", i)
		b.partners = append(b.partners, simulator.Partner{CstID: id, CustKey: newKey(id, 0), Plan: simulator.Plan{
			Start:          simulator.Figures{Total: hub.Won(1_000_000_000_000 + i)},
			DrainPerMinute: 60_000,
		}})
		b.keyFiles = append(b.keyFiles, filepath.Join(dir, id+".key"))
		if err := replace(b.keyFiles[i], b.partners[i].CustKey); err != nil {
			return nil, err
		}
	}
	b.Hub = simulator.New(simulator.Options{}, b.partners...)
	sample := httptest.NewTLSServer(nil)
	sample.Close()
	b.certificate = sample.TLS.Certificates[0]
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sample.Certificate().Raw})
	if err := replace(filepath.Join(dir, caFile), string(text)); err != nil {
		return nil, err
	}
	err := b.listen()
	return b, err
}

// caFile is where an exporter finds the certificate of the hub.
const caFile = "ca.pem"

// listen begins to serve at addresses that are free.
func (b *backend) listen() error {
	b.addresses = []string{"127.0.0.1:0", "127.0.0.1:0", ""}
	for i, at := range b.addresses {
		if at == "" {
			_, port, _ := net.SplitHostPort(b.addresses[1])
			at = "127.0.0.2:" + port // the name has one port
		}
		listener, err := listen(at)
		if err != nil {
			return err
		}
		b.addresses[i] = listener.Addr().String()
		b.serve(listener, i > 0)
	}
	_, port, _ := net.SplitHostPort(b.addresses[1])
	b.urls = []string{"http://" + b.addresses[0], "https://" + net.JoinHostPort(hubName, port)}
	b.move(1)
	var err error
	b.nameServer, err = listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	go b.names.Serve(b.nameServer)
	return nil
}

// move makes the name stand for one of the addresses. The other goes on, as a
// balancer that was taken out of service does, and answers nobody well.
func (b *backend) move(to int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.home = b.addresses[to]
	host, _, _ := net.SplitHostPort(b.home)
	b.names.Point(host)
}

// drain has the connections that are open answered 503 from now on, and others
// well.
func (b *backend) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drained = make(map[string]bool, len(b.connections))
	for connection := range b.connections {
		b.drained[connection.RemoteAddr().String()] = true
	}
}

// away reports whether a request came to where the hub is no more.
func (b *backend) away(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, known := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return b.drained[r.RemoteAddr] || known && at.String() != b.addresses[0] && at.String() != b.home
}

// soakFaults are all faults, but for one that asks to wait for longer than a
// round has to recover.
func soakFaults() []simulator.Fault {
	var faults []simulator.Fault
	for _, fault := range simulator.Faults() {
		if fault.Name == "retry-after=90" {
			fault = simulator.RetryAfter("20")
		}
		faults = append(faults, fault)
	}
	return append(faults, simulator.Slow(300*time.Millisecond))
}

// stable is how many partners, from the first on, are in every configuration.
// The others come and go.
func (b *backend) stable() int { return len(b.partners) * 9 / 10 }

// ids returns the partners from first to last.
func (b *backend) ids(first, last int) []string {
	ids := make([]string, 0, last-first)
	for _, partner := range b.partners[first:last] {
		ids = append(ids, partner.CstID)
	}
	return ids
}

// all returns all partners.
func (b *backend) all() []string { return b.ids(0, len(b.partners)) }

func listen(address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the simulated hub: %w", err)
	}
	return listener, nil
}

func (b *backend) serve(listener net.Listener, secure bool) {
	server := &http.Server{
		Handler: b, ReadHeaderTimeout: 5 * time.Second, ConnState: b.count, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{b.certificate}, MinVersion: tls.VersionTLS12},
	}
	b.mu.Lock()
	b.servers = append(b.servers, server)
	b.mu.Unlock()
	go func() { // until it is taken away
		if secure {
			_ = server.ServeTLS(listener, "", "")
		} else {
			_ = server.Serve(listener)
		}
	}()
}

func (b *backend) count(conn net.Conn, state http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive, http.StateIdle:
		b.connections[conn] = state
		b.most = max(b.most, len(b.connections))
	case http.StateHijacked, http.StateClosed:
		delete(b.connections, conn)
	}
}

// connected reports whether a connection from a client's address is open.
func (b *backend) connected(from string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for connection := range b.connections {
		if connection.RemoteAddr().String() == from {
			return true
		}
	}
	return false
}

// open returns how many connections the exporter holds, and ever held at once.
func (b *backend) open() (now, most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.connections), b.most
}

// dropIdle closes the connections that no request is on.
func (b *backend) dropIdle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for connection, state := range b.connections {
		if state == http.StateIdle {
			_ = connection.Close() // whatever became of it is what a soak is for
		}
	}
}

// restart takes the hub away for a while: connections break, new ones are
// refused.
func (b *backend) restart(ctx context.Context, away time.Duration) error {
	b.mu.Lock()
	servers := b.servers
	b.servers = nil
	b.mu.Unlock()
	for _, server := range servers {
		if err := server.Close(); err != nil {
			return fmt.Errorf("taking the simulated hub away: %w", err)
		}
	}
	pause(ctx, away)
	for i, at := range b.addresses {
		listener, err := listen(at)
		if err != nil {
			return err
		}
		b.serve(listener, i > 0)
	}
	return nil
}

// rotate gives a partner another key, at the hub and in its file.
func (b *backend) rotate(i, version int) error {
	key := newKey(b.partners[i].CstID, version)
	b.SetCustKey(b.partners[i].CstID, key)
	return replace(b.keyFiles[i], key)
}

func newKey(id string, version int) string { return fmt.Sprintf("soak-key-%s-%d", id, version) }

// replace writes a file in one step, as a mount of secrets does.
func replace(path, text string) error {
	fresh := path + ".new"
	if err := errors.Join(os.WriteFile(fresh, []byte(text+"\n"), 0o600), os.Rename(fresh, path)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// breakOne makes a partner fail in some way and returns its number.
func (b *backend) breakOne(chance *rand.Rand) int {
	i := chance.IntN(len(b.partners))
	fault := b.faults[chance.IntN(len(b.faults))]
	b.Break(b.partners[i].CstID, fault.Endpoints[chance.IntN(len(fault.Endpoints))], fault)
	return i
}

// mendAll ends all faults.
func (b *backend) mendAll() {
	for _, partner := range b.partners {
		b.Mend(partner.CstID)
	}
}

// slack is how much older a figure may be than max-age at the moment of a
// scrape's beginning: the query that brought it was under way for a while.
const slack = queryTimeout + time.Second

// check returns what is wrong with the figures of partner i on a page that was
// asked for at one time and read by another: they must be those of one moment
// between, or up to maxAge before.
func (b *backend) check(i int, shown exposition.Figures, asked, read time.Time) error {
	plan := b.partners[i].Plan
	low := plan.At(max(0, asked.Add(-maxAge-slack).Sub(b.began)))
	high := plan.At(read.Sub(b.began))
	paid := hub.Won(shown.Transferred)
	if hub.Won(shown.Total) != plan.Start.Total || shown.Remain != shown.Total-shown.Transferred ||
		paid < low.Transferred || paid > high.Transferred {
		return fmt.Errorf("figures of %s are not true: %+v, want paid out %d to %d of %d",
			b.partners[i].CstID, shown, low.Transferred, high.Transferred, plan.Start.Total)
	}
	return nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
