package hub_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// worn is a hub of which the connections that were opened before a moment go
// bad in that moment, and no others.
type worn struct {
	good, bad *simulator.Hub
	server    *httptest.Server
	opened    atomic.Int64 // connections so far
	old       atomic.Int64 // how many of them are bad
}

type connectionKey struct{}

func newWorn(t *testing.T, secure bool, partners ...simulator.Partner) *worn {
	t.Helper()
	w := &worn{
		good: stand.NewHub(t, simulator.Options{}, partners...),
		bad:  stand.NewHub(t, simulator.Options{}, partners...),
	}
	w.server = httptest.NewUnstartedServer(w)
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0) // some faults panic over HTTP/2, which breaks the stream
	w.server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, w.opened.Add(1))
	}
	if secure {
		w.server.EnableHTTP2 = true
		w.server.StartTLS()
	} else {
		w.server.Start()
	}
	t.Cleanup(w.server.Close)
	return w
}

func (w *worn) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if number, _ := request.Context().Value(connectionKey{}).(int64); number <= w.old.Load() {
		w.bad.ServeHTTP(response, request)
		return
	}
	w.good.ServeHTTP(response, request)
}

// wearOut makes the connections that are there go bad.
func (w *worn) wearOut(t *testing.T, fault string) {
	t.Helper()
	if err := w.bad.Apply("", "", fault); err != nil {
		t.Fatal(err)
	}
	w.old.Store(w.opened.Load())
}

func (w *worn) client(observe func(hub.Exchange)) *hub.Client {
	transport := hub.NewTransport(64)
	transport.Proxy = nil
	if config, ok := w.server.Client().Transport.(*http.Transport); ok {
		transport.TLSClientConfig = config.TLSClientConfig.Clone()
	}
	return hub.NewClient(hub.Options{URL: w.server.URL, Transport: transport, Observe: observe})
}

// Whatever goes bad with the connections that are there, over HTTP/1.1 or
// HTTP/2, for one merchant or for fifty: the query after a failed one has a new
// connection, and is answered.
func TestTheWayHealsItself(t *testing.T) {
	t.Parallel()
	for _, merchants := range []int{1, 50} {
		for _, secure := range []bool{false, true} {
			for _, fault := range simulator.Faults() {
				if merchants > 1 && !strings.HasPrefix(fault.Name, "status") && fault.Reason != hub.ReasonNetwork && fault.Reason != hub.ReasonTimeout {
					continue // like any other that is answered
				}
				name := fault.Name + either(secure, "/http2", "/http1") + either(merchants > 1, "/many", "/one")
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					heal(t, fault, secure, merchants)
				})
			}
		}
	}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func heal(t *testing.T, fault simulator.Fault, secure bool, merchants int) {
	t.Helper()
	var partners []simulator.Partner
	for i := range merchants {
		partners = append(partners, simulator.Partner{
			CstID: cstID + string(rune('A'+i)), CustKey: custKey, Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
		})
	}
	w := newWorn(t, secure, partners...)
	client := w.client(nil)
	sessions := make([]*hub.Session, merchants)
	for i, partner := range partners {
		sessions[i] = hub.NewSession(client, partner.CstID, goodKey())
	}
	ask := func(patience time.Duration) (failed int) {
		var all sync.WaitGroup
		var failures atomic.Int64
		for _, session := range sessions {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if limit, err := session.Remain(ctx); err != nil {
					failures.Add(1)
				} else if limit.Remain != 9_944_000 {
					t.Errorf("a figure that the hub did not give: %+v", limit)
				}
			})
		}
		all.Wait()
		return int(failures.Load())
	}
	const enough = 20 * time.Second
	if failed := ask(enough); failed > 0 {
		t.Fatalf("%d queries fail before anything is wrong", failed)
	}
	w.wearOut(t, fault.Name)
	ask(250 * time.Millisecond)
	if failed := ask(enough); failed > 0 {
		t.Errorf("%d of %d queries still fail, after one that did", failed, merchants)
	}
}

// A kept connection that the other side has closed, before it said a word, is no
// outage: the request is sent once more on a new one, and counts as one. An
// answer that had begun is not asked for again.
func TestAStaleConnectionIsNoOutage(t *testing.T) {
	t.Parallel()
	for fault, failures := range map[string]int{"close": 0, "reset": 0, "cut": 1} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorn(t, false, simulator.Partner{CstID: cstID, CustKey: custKey})
			var exchanges atomic.Int64
			session := hub.NewSession(w.client(func(hub.Exchange) { exchanges.Add(1) }), cstID, goodKey())
			if _, err := session.Remain(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wearOut(t, fault)
			before := exchanges.Load()
			_, err := session.Remain(t.Context())
			if (err != nil) != (failures > 0) {
				t.Errorf("answers %v", err)
			}
			if n := exchanges.Load() - before; failures == 0 && n != 1 {
				t.Errorf("%d exchanges are counted, want one: the token is there already", n)
			}
		})
	}
}
