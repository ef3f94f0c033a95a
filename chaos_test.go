package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
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
	"payple_exporter/hub/hubtest"
	"payple_exporter/internal/exposition"
)

// wire is a TCP proxy that treats what passes through it as its mode says at
// that moment.
type wire struct {
	to       string
	listener net.Listener

	mu   sync.Mutex
	mode wireMode
	open map[net.Conn]bool
}

// wireMode is what a network does to the hub's answers.
type wireMode int

const (
	wireHonest wireMode = iota
	wireSlow            // every piece comes late, but whole and in time
	wireHole            // connections are accepted, and nothing comes back
	wireDrip            // a byte at a time, longer than a query may take
	wireCut             // the connection is reset in the middle of the answer's body
	wireDead            // new connections are reset, and old ones too
)

// newWire listens, and connects to an address.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{to: to, listener: listener, open: make(map[net.Conn]bool)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { w.carry(near) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.set(wireDead)
		running.Wait()
	})
	return w
}

// set changes the mode. A dead wire breaks what is open.
func (w *wire) set(mode wireMode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mode = mode
	if mode == wireDead {
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

// keep notes an open connection, and tells whether it may be used.
func (w *wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[conn] = true
	return w.mode != wireDead
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
	for {
		n, err := far.Read(piece)
		if err != nil || !w.pass(near, piece[:n]) {
			return
		}
	}
}

// pass sends a piece of an answer, and tells whether the wire still holds.
func (w *wire) pass(near net.Conn, piece []byte) bool {
	switch w.is() {
	case wireHonest:
	case wireSlow:
		time.Sleep(50 * time.Millisecond)
	case wireHole:
		return true
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
	case wireDead:
		reset(near)
		return false
	}
	_, err := near.Write(piece)
	return err == nil
}

// A network that is slow changes nothing. One that swallows, drips, cuts or
// refuses is told as what it is, on connections that were good before; the
// figures stay, and all is well again without a restart once it is mended.
func TestServeThroughABadNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode   wireMode
		reason hub.Reason
	}{
		"slow":               {wireSlow, ""},
		"black hole":         {wireHole, hub.ReasonTimeout},
		"drip":               {wireDrip, hub.ReasonTimeout},
		"cut in mid-body":    {wireCut, hub.ReasonNetwork},
		"connections refuse": {wireDead, hub.ReasonNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, flags := simulated(t)
			w := newWire(t, strings.TrimPrefix(strings.TrimPrefix(flags[0], "--payple.hub="), "http://"))
			exporter := serveHere(t, append(flags[1:], "--payple.hub=http://"+w.listener.Addr().String(),
				"--payple.min-interval=1s", "--payple.timeout=3s")...)
			expectUp(t, exporter)
			w.set(test.mode)
			before := sim.Requests("store", hub.EndpointRemain)
			if test.reason == "" {
				eventually(t, "two more queries", func() bool {
					expectUp(t, exporter)
					return sim.Requests("store", hub.EndpointRemain) >= before+2
				})
				return
			}
			eventually(t, "the failure is told", func() bool {
				page := exporter.read(t)
				_, reason, err := page.Health("store")
				figures, known, figuresErr := page.Figures("store")
				if err != nil || figuresErr != nil || !known || figures != trueFigures || reason != "" && reason != test.reason {
					t.Fatalf("reason %q (%v), want %q; figures %v (%v, %v)", reason, err, test.reason, figures, known, figuresErr)
				}
				return reason == test.reason
			})
			w.set(wireHonest)
			eventually(t, "the exporter has recovered", func() bool {
				up, _, err := exporter.read(t).Health("store")
				return up && err == nil
			})
			expectUp(t, exporter)
		})
	}
}

// trueFigures are those of the partner that simulated makes.
var trueFigures = exposition.Figures{Remain: 9_944_000, Total: 10_000_000, Transferred: 56_000}

// read scrapes as Prometheus does.
func (r *running) read(t *testing.T) exposition.Page {
	t.Helper()
	status, body := r.get(t, "/metrics", "Accept", exposition.OpenMetrics)
	if status != http.StatusOK {
		t.Fatalf("scrape: HTTP %d: %s", status, body)
	}
	page, err := exposition.Parse(exposition.OpenMetrics, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func expectUp(t *testing.T, exporter *running) {
	t.Helper()
	page := exporter.read(t)
	up, reason, err := page.Health("store")
	figures, known, figuresErr := page.Figures("store")
	if !up || err != nil || !known || figures != trueFigures || figuresErr != nil {
		t.Fatalf("up %v, reason %q, figures %v (%v); %v, %v", up, reason, figures, known, err, figuresErr)
	}
}

// All of it works over IPv6 alone: the hub, the listener and a scrape.
func TestServeOverIPv6(t *testing.T) {
	t.Parallel()
	sim := hubtest.New(hubtest.Options{}, hubtest.Partner{
		CstID: "store", CustKey: testKey, Plan: hubtest.Plan{Start: hubtest.Figures{Total: 10_000_000, Transferred: 56_000}},
	})
	server, err := hubtest.Start(sim, "[::1]:0")
	switch {
	case err != nil && hasIPv6Loopback():
		t.Fatalf("this machine has an IPv6 loopback, and nobody can listen there: %v", err)
	case err != nil:
		t.Skipf("nothing is known of IPv6, since this machine has no IPv6 loopback: %v", err)
	}
	defer server.Close()
	exporter := serveHere(t, "--web.listen-address=[::1]:0", "--payple.hub="+server.URL, "--payple.cst-id=store",
		"--payple.cust-key-file="+writeFile(t, "key", testKey))
	// serveHere listens on IPv4 too, and tells that address first.
	exporter.url = "http://" + exporter.stderr.await(t, `msg="Listening on" address=(\[::1\]:\d+)`)[1]
	expectUp(t, exporter)
}

// hasIPv6Loopback tells whether Linux has given ::1 to an interface. Where there
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
	clock := &hubtest.Clock{}
	plan := hubtest.Plan{Start: hubtest.Figures{Total: 1_000_000_000}, DrainPerMinute: 60_000}
	ids := []string{"a", "b"}
	var partners []hubtest.Partner
	merchants := "min_interval: 1s\nmerchants:\n"
	key := writeFile(t, "key", testKey)
	for _, id := range ids {
		partners = append(partners, hubtest.Partner{CstID: id, CustKey: testKey, Plan: plan})
		merchants += "  - {cst_id: " + id + ", cust_key_file: " + key + "}\n"
	}
	began := clock.Now()
	sim := hubtest.New(hubtest.Options{Now: clock.Now}, partners...)
	file := writeFile(t, "merchants.yml", merchants)
	handler := assembled(t, clock, "--payple.hub="+startHub(t, sim), "--config.file="+filepath.Clean(file),
		"--payple.timeout=30s", "--payple.max-age="+maxAge.String(), "--web.disable-exporter-metrics")
	var faults []hubtest.Fault
	for _, fault := range hubtest.Faults() {
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
