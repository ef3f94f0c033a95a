package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/certificates"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

// wire is a TCP proxy that treats what passes through it as its mode says at
// that moment.
type wire struct {
	t       *testing.T
	to      string
	address string
	running sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while the wire refuses connections
	mode     wireMode
	open     map[net.Conn]bool
	halved   []byte // the first byte of each piece that was cut in half
}

// wireMode is what a network does to the hub's answers.
type wireMode int

const (
	wireHonest wireMode = iota
	wireSlow            // every piece comes late, but whole and in time
	wireHole            // connections are accepted, and nothing comes back on them, then or ever
	wireDrip            // a byte at a time, longer than a query may take
	wireCut             // the connection is reset in the middle of the answer's body
	wireHalf            // the connection ends in the middle of whatever comes next
	wireEnd             // the connection ends before anything comes
	wireDead            // new connections are reset, and old ones too
	wireRefuse          // nobody listens, and old connections are reset
)

// newWire listens, and connects to an address. It does so, where this machine has
// more loopback addresses than one, at one from which nobody connects: a port
// that the wire leaves, to refuse connections, is then still free later.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	w := &wire{t: t, to: to, address: "127.0.0.2:0", open: make(map[net.Conn]bool)}
	if w.listen() != nil {
		w.address = "127.0.0.1:0"
		must.Do(t, w.listen())
	}
	t.Cleanup(func() {
		w.set(wireRefuse)
		w.running.Wait()
	})
	return w
}

// listen takes connections until the listener is closed, and remembers the port
// for the next time.
func (w *wire) listen() error {
	listener, err := net.Listen("tcp", w.address)
	if err != nil {
		return err
	}
	w.listener, w.address = listener, listener.Addr().String()
	w.running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			w.running.Go(func() { w.carry(near) })
		}
	})
	return nil
}

// host is the wire's address without its port.
func (w *wire) host() net.IP {
	host, _, _ := net.SplitHostPort(w.address)
	return net.ParseIP(host)
}

// set changes the mode. A dead wire, and one that refuses, break what is open.
func (w *wire) set(mode wireMode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mode = mode
	switch {
	case mode == wireRefuse && w.listener != nil:
		w.listener.Close()
		w.listener = nil
	case mode != wireRefuse && w.listener == nil:
		if err := w.listen(); err != nil {
			w.t.Error(err)
		}
	}
	if mode == wireDead || mode == wireRefuse {
		for conn := range w.open {
			reset(conn)
		}
	}
}

func (w *wire) is() wireMode {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mode
}

// keep notes an open connection, and reports whether it may be used.
func (w *wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[conn] = true
	return w.mode != wireDead && w.mode != wireRefuse
}

func (w *wire) drop(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, conn)
	conn.Close()
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// carry connects near to where the wire goes, until either side ends.
func (w *wire) carry(near net.Conn) {
	defer w.drop(near)
	if !w.keep(near) {
		reset(near)
		return
	}
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer w.drop(far)
	w.keep(far)
	go func() {
		_, _ = io.Copy(far, near)
		far.Close()
	}()
	piece := make([]byte, 4096)
	lost := false // what was swallowed is missing for good, so nothing may follow it
	for {
		n, err := far.Read(piece)
		if err != nil {
			return
		}
		if lost = lost || w.is() == wireHole; !lost && !w.pass(near, piece[:n]) {
			return
		}
	}
}

// pass sends a piece of an answer, and reports whether the wire still holds.
func (w *wire) pass(near net.Conn, piece []byte) bool {
	switch w.is() {
	case wireHonest, wireHole: // where nothing comes to be passed
	case wireSlow:
		time.Sleep(50 * time.Millisecond)
	case wireDrip:
		for i := range piece {
			if _, err := near.Write(piece[i : i+1]); err != nil {
				return false
			}
			time.Sleep(100 * time.Millisecond)
		}
		return true
	case wireCut:
		_, body, _ := strings.Cut(string(piece), "\r\n\r\n")
		_, _ = near.Write(piece[:len(piece)-len(body)/2])
		reset(near)
		return false
	case wireHalf:
		w.halve(near, piece)
		return false
	case wireEnd:
		return false // which closes it
	case wireDead, wireRefuse:
		reset(near)
		return false
	}
	_, err := near.Write(piece)
	return err == nil
}

// halve passes one half of a piece, and says farewell instead of the other.
func (w *wire) halve(near net.Conn, piece []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halved = append(w.halved, piece[0])
	_, _ = near.Write(piece[:len(piece)/2])
	near.Close()
}

// hasHalved reports whether a piece that begins so was cut in half.
func (w *wire) hasHalved(first byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.IndexByte(w.halved, first) >= 0
}

// allAtOnce runs subtests that do little but wait, all at the same time: the
// number of parallel tests is for those that work.
func allAtOnce[T any](t *testing.T, tests map[string]T, test func(*testing.T, T)) {
	t.Helper()
	var running sync.WaitGroup
	for name, of := range tests {
		running.Go(func() { t.Run(name, func(t *testing.T) { test(t, of) }) })
	}
	running.Wait()
}

// A network that is slow changes nothing. One that swallows, drips, cuts, resets
// or refuses is told as what it is, on connections that were good before; the
// figures stay, and all is well again without a restart once it is mended.
func TestServeThroughABadNetwork(t *testing.T) {
	t.Parallel()
	type test struct {
		mode   wireMode
		reason hub.Reason
		says   string // in the log
	}
	allAtOnce(t, map[string]test{
		"slow":                     {wireSlow, "", ""},
		"black hole":               {wireHole, hub.ReasonTimeout, "no answer in time"},
		"drip":                     {wireDrip, hub.ReasonTimeout, "no answer in time"},
		"cut in mid-body":          {wireCut, hub.ReasonNetwork, "no answer"},
		"connections are reset":    {wireDead, hub.ReasonNetwork, "no answer"},
		"connections are refused":  {wireRefuse, hub.ReasonNetwork, "connection refused"},
		"cut in the answer's head": {wireHalf, hub.ReasonNetwork, "unexpected EOF"},
	}, func(t *testing.T, test test) {
		sim, flags := simulated(t)
		w := newWire(t, hostOf(valueOf(flags[0])))
		exporter := serveHere(t, append(flags[1:], "--payple.hub=http://"+w.address, "--log.level=debug",
			"--payple.min-interval=1s", "--payple.timeout=3s")...)
		expectUp(t, exporter)
		w.set(test.mode)
		if test.reason == "" {
			before := sim.Requests("store", hub.EndpointRemain)
			programs.Eventually(t, "two more queries", func() bool {
				expectUp(t, exporter)
				return sim.Requests("store", hub.EndpointRemain) >= before+2
			})
			return
		}
		expectOutage(t, exporter, test.reason, test.says)
		w.set(wireHonest)
		expectRecovery(t, exporter)
	})
}

// The kinds of TLS records, by their first byte.
const (
	tlsHandshake = 22
	tlsData      = 23
)

// The same over TLS, as the real hub is asked. A handshake that stops or breaks
// off, and an answer that ends within a record, are failures of the network:
// reason tls is for a connection that is whole and not to be trusted.
func TestServeThroughABadNetworkWithTLS(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	env := trusting(t, authority)
	type test struct {
		anew   bool // each request on a new connection
		http2  bool
		mode   wireMode
		reason hub.Reason
		says   string // in the log
		halved byte   // the kind of the record that is cut in half
	}
	allAtOnce(t, map[string]test{
		"handshake swallowed":          {anew: true, mode: wireHole, reason: hub.ReasonTimeout, says: "no answer in time"},
		"handshake reset":              {anew: true, mode: wireDead, reason: hub.ReasonNetwork, says: "no answer"},
		"handshake refused":            {anew: true, mode: wireRefuse, reason: hub.ReasonNetwork, says: "connection refused"},
		"ended before a handshake":     {anew: true, mode: wireEnd, reason: hub.ReasonNetwork, says: "EOF"},
		"cut within a handshake":       {anew: true, mode: wireHalf, reason: hub.ReasonNetwork, says: "EOF", halved: tlsHandshake},
		"cut within an answer":         {mode: wireHalf, reason: hub.ReasonNetwork, says: "unexpected EOF", halved: tlsData},
		"cut within an answer, HTTP/2": {mode: wireHalf, http2: true, reason: hub.ReasonNetwork, says: "unexpected EOF", halved: tlsData},
		"connection reset, HTTP/2":     {mode: wireDead, http2: true, reason: hub.ReasonNetwork, says: "no answer"},
	}, func(t *testing.T, test test) {
		sim, flags := simulated(t)
		server := httptest.NewUnstartedServer(sim)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		w := newWire(t, server.Listener.Addr().String())
		server.TLS = showing(certificates.Issue(t, "hub", &authority, w.host(), time.Now().Add(time.Hour)))
		server.EnableHTTP2 = test.http2
		server.Config.SetKeepAlivesEnabled(!test.anew)
		server.StartTLS()
		defer server.Close()
		exporter := serveApart(t, env, append(flags[1:], "--payple.hub=https://"+w.address, "--log.level=debug",
			"--payple.min-interval=1s", "--payple.timeout=3s")...)
		expectUp(t, exporter)
		w.set(test.mode)
		expectOutage(t, exporter, test.reason, test.says)
		if test.halved != 0 && !w.hasHalved(test.halved) {
			t.Errorf("no record of kind %d was cut in half", test.halved)
		}
		w.set(wireHonest)
		expectRecovery(t, exporter)
	})
}

// expectOutage looks at an exporter that was well until now. It must come to tell
// a failure of this reason, and none of another, and its log at level debug why;
// meanwhile the figures stay.
func expectOutage(t *testing.T, exporter *running, want hub.Reason, says string) {
	t.Helper()
	// A first query may still have gone out on a connection that was about to
	// end, so that only a later one meets what the log is to tell of.
	programs.Eventually(t, "the failure is told", func() bool {
		page := exporter.scrape(t, "Accept", exposition.OpenMetrics)
		up, reason, err := page.Health("store")
		figures, known, figuresErr := page.Figures("store")
		if err != nil || figuresErr != nil || !known || figures != trueFigures || !up && reason != want {
			t.Fatalf("up %v, reason %q (%v), want %q; figures %v (%v, %v)\n%s", up, reason, err, want, figures, known, figuresErr, exporter.stderr)
		}
		return !up && strings.Contains(exporter.stderr.String(), says)
	})
}

// expectRecovery looks at an exporter whose hub can be asked again: it must come
// to do so by itself.
func expectRecovery(t *testing.T, exporter *running) {
	t.Helper()
	programs.Eventually(t, "the exporter has recovered", func() bool {
		up, _, err := exporter.scrape(t, "Accept", exposition.OpenMetrics).Health("store")
		return up && err == nil
	})
	expectUp(t, exporter)
}

// trueFigures are those of the partner that simulated makes.
var trueFigures = exposition.Figures{Remain: 9_944_000, Total: 10_000_000, Transferred: 56_000}

func expectUp(t *testing.T, exporter *running) {
	t.Helper()
	page := exporter.scrape(t, "Accept", exposition.OpenMetrics)
	up, reason, err := page.Health("store")
	figures, known, figuresErr := page.Figures("store")
	if !up || err != nil || !known || figures != trueFigures || figuresErr != nil {
		t.Fatalf("up %v, reason %q, figures %v (%v); %v, %v", up, reason, figures, known, err, figuresErr)
	}
}

// All of it works over IPv6 alone: the hub, the listener and a scrape.
func TestServeOverIPv6(t *testing.T) {
	t.Parallel()
	server, err := simulator.Start(newStore(t), "[::1]:0")
	switch {
	case err != nil && hasIPv6Loopback():
		t.Fatalf("this machine has an IPv6 loopback, and nobody can listen there: %v", err)
	case err != nil:
		t.Skipf("nothing is known of IPv6, since this machine has no IPv6 loopback: %v", err)
	}
	defer server.Close()
	exporter := serveHere(t, append(flagsOf(t, server.URL), "--web.listen-address=[::1]:0")...)
	// serveHere listens on IPv4 too, and says that address first.
	exporter.url = "http://" + exporter.stderr.Await(t, `msg="Listening on" address=(\[::1\]:\d+)`)[1]
	expectUp(t, exporter)
}

// hasIPv6Loopback reports whether Linux has given ::1 to an interface. Where there
// is no such list, nobody can tell.
func hasIPv6Loopback() bool {
	addresses, err := os.ReadFile("/proc/net/if_inet6")
	loopback := hex.EncodeToString(net.IPv6loopback)
	return err == nil && bytes.Contains(addresses, []byte(loopback))
}

// Ten thousand scrapes of a hub that fails at random, over any length of time
// between them: each can be read in its format, shows figures of some moment
// within max-age or none, and does not contradict itself.
func TestTenThousandScrapesOfARandomHub(t *testing.T) {
	t.Parallel()
	const (
		scrapes  = 10_000
		parallel = 4
		maxAge   = time.Minute
	)
	chance := rand.New(rand.NewPCG(20261123, 1))
	clock := &simulator.Clock{}
	plan := simulator.Plan{Start: simulator.Figures{Total: 1_000_000_000}, DrainPerMinute: 60_000}
	ids := []string{"a", "b"}
	var partners []simulator.Partner
	merchants := "min_interval: 1s\nmerchants:\n"
	key := harness.WriteFile(t, "key", testKey)
	for _, id := range ids {
		partners = append(partners, simulator.Partner{CstID: id, CustKey: testKey, Plan: plan})
		merchants += "  - {cst_id: " + id + ", cust_key_file: " + key + "}\n"
	}
	began := clock.Now()
	sim := stand.NewHub(t, simulator.Options{Now: clock.Now}, partners...)
	file := harness.WriteFile(t, "merchants.yml", merchants)
	handler := harness.Handler(t, clock.Now, "--payple.hub="+stand.ServeHub(t, sim).URL, "--config.file="+filepath.Clean(file),
		"--payple.timeout=30s", "--payple.max-age="+maxAge.String(), "--web.disable-exporter-metrics")
	var faults []simulator.Fault
	for _, fault := range simulator.Faults() {
		if fault.Reason != hub.ReasonTimeout { // these take real time, and have their place in other tests
			faults = append(faults, fault)
		}
	}
	shown, absent, down := 0, 0, 0
	for done := 0; done < scrapes && !t.Failed(); done += parallel {
		id := ids[chance.IntN(len(ids))]
		sim.Mend(id)
		if chance.IntN(2) == 0 {
			fault := faults[chance.IntN(len(faults))]
			sim.Break(id, fault.Endpoints[chance.IntN(len(fault.Endpoints))], fault)
		}
		clock.Advance(time.Duration(chance.Int64N(int64(8 * time.Second))))
		now := clock.Now()
		low, high := plan.At(max(0, now.Sub(began)-maxAge)), plan.At(now.Sub(began))
		for _, page := range scrapeTogether(t, handler, parallel) {
			for _, id := range ids {
				up, _, err := page.Health(id)
				figures, known, figuresErr := page.Figures(id)
				paid := hub.Won(figures.Transferred)
				switch {
				case err != nil || figuresErr != nil:
					t.Errorf("%s: %v, %v", id, err, figuresErr)
				case up && !known:
					t.Errorf("%s is up without figures", id)
				case known && (hub.Won(figures.Total) != plan.Start.Total || figures.Remain != figures.Total-figures.Transferred ||
					paid < low.Transferred || paid > high.Transferred):
					t.Errorf("figures of %s are not true: %+v, want paid out %d to %d", id, figures, low.Transferred, high.Transferred)
				case known:
					shown++
				default:
					absent++
				}
				if !up {
					down++
				}
			}
		}
	}
	t.Logf("%d scrapes of %d merchants: %d times with true figures, %d times without, %d times payple_up was 0", scrapes, len(ids), shown, absent, down)
	if absent == 0 || down == 0 || shown == 0 {
		t.Error("this was no chaos")
	}
}

// scrapeTogether scrapes so many times at once, in both formats.
func scrapeTogether(t *testing.T, handler http.Handler, n int) []exposition.Page {
	t.Helper()
	pages := make([]exposition.Page, n)
	var scrapers sync.WaitGroup
	for i := range n {
		scrapers.Go(func() {
			request := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "/metrics", nil)
			if i%2 == 1 {
				request.Header.Set("Accept", exposition.OpenMetrics)
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			var err error
			if pages[i], err = exposition.Parse(recorder.Header().Get("Content-Type"), recorder.Body.Bytes()); err != nil || recorder.Code != http.StatusOK {
				t.Errorf("HTTP %d, %v:\n%s", recorder.Code, err, recorder.Body)
			}
		})
	}
	scrapers.Wait()
	return pages
}
