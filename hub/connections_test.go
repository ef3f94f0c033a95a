package hub_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/certificates"
	"payple_exporter/internal/test/names"
	"payple_exporter/internal/test/stand"
)

// worn is a hub of which the connections that were opened before a moment go
// bad in that moment, and no others.
type worn struct {
	good, bad *simulator.Hub
	server    *httptest.Server
	opened    atomic.Int64 // connections so far
	old       atomic.Int64 // how many of them are bad
	proxy     *url.URL     // on the way to it; nil: none
}

// ways are the ways to a hub.
func ways() []string { return []string{"http1", "tls", "http2", "proxy"} }

type connectionKey struct{}

func newWorn(t *testing.T, way string, partners ...simulator.Partner) *worn {
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
	w.server.EnableHTTP2 = way != "tls"
	if way == "http1" {
		w.server.Start()
	} else {
		// Not the certificate of package httptest, whose RSA key is slow under the race detector.
		w.server.TLS = &tls.Config{Certificates: []tls.Certificate{
			certificates.Issue(t, "hub", nil, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour)),
		}}
		w.server.StartTLS()
	}
	t.Cleanup(w.server.Close)
	if way == "proxy" {
		proxy := httptest.NewServer(simulator.NewTunnel(w.server.Listener.Addr().String()))
		t.Cleanup(proxy.Close)
		w.proxy, _ = url.Parse(proxy.URL)
	}
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
	transport.Proxy = http.ProxyURL(w.proxy)
	if config, ok := w.server.Client().Transport.(*http.Transport); ok {
		transport.TLSClientConfig = config.TLSClientConfig.Clone()
	}
	return hub.NewClient(hub.Options{URL: w.server.URL, Transport: transport, Observe: observe})
}

// Whatever goes bad with the connections that are there, over HTTP/1.1 with TLS
// and without, HTTP/2, or through a proxy, for one merchant or for fifty: the
// query after a failed one has a new connection, and is answered.
func TestTheWayHealsItself(t *testing.T) {
	t.Parallel()
	for _, merchants := range []int{1, 50} {
		for _, way := range ways() {
			for _, fault := range simulator.Faults() {
				if merchants > 1 && fault.Name != "status=503" && fault.Reason != hub.ReasonNetwork && fault.Reason != hub.ReasonTimeout {
					continue // like any other that is answered
				}
				t.Run(fmt.Sprint(fault.Name, "/", way, "/", merchants), func(t *testing.T) {
					t.Parallel()
					heal(t, fault, way, merchants)
				})
			}
		}
	}
}

func heal(t *testing.T, fault simulator.Fault, way string, merchants int) {
	t.Helper()
	var partners []simulator.Partner
	for i := range merchants {
		partners = append(partners, simulator.Partner{
			CstID: cstID + string(rune('A'+i)), CustKey: custKey, Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
		})
	}
	w := newWorn(t, way, partners...)
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
			w := newWorn(t, "http1", simulator.Partner{CstID: cstID, CustKey: custKey})
			var exchanges, repeated atomic.Int64
			session := hub.NewSession(w.client(func(exchange hub.Exchange) {
				exchanges.Add(1)
				if exchange.Repeated {
					repeated.Add(1)
				}
			}), cstID, goodKey())
			if _, err := session.Remain(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wearOut(t, fault)
			before, sent := exchanges.Load(), session.Sent()
			_, err := session.Remain(t.Context())
			if (err != nil) != (failures > 0) {
				t.Errorf("answers %v", err)
			}
			again := int64(1 - failures)
			if n := exchanges.Load() - before; n != 1 || repeated.Load() != again {
				t.Errorf("%d exchanges are counted, %d of them repeated, want one: the token is there already", n, repeated.Load())
			}
			if n := session.Sent() - sent; n != uint64(1+again) {
				t.Errorf("%d requests count for the limit of requests, want %d", n, 1+again)
			}
		})
	}
}

// What the hub's name stands for is asked again with the query after a failed
// one, and after five minutes without any: a hub that moves takes its clients
// with it, even where its old address goes on answering.
func TestTheNameIsResolvedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault string        // of the old address, once the hub has moved
		wait  time.Duration // until the next query
		moved bool
	}{
		"after a failure":         {"status=503", time.Second, true},
		"before five minutes":     {"", 5*time.Minute - time.Second, false},
		"after five minutes":      {"", 5 * time.Minute, true},
		"after being turned away": {"status=429", time.Second, true},
		"after a page of HTML":    {"html", time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			partner := simulator.Partner{CstID: cstID, CustKey: custKey}
			before := stand.NewHub(t, simulator.Options{}, partner)
			server := httptest.NewServer(before)
			defer server.Close()
			_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:"+port)
			if err != nil {
				t.Skipf("this machine has one loopback address alone: %v", err)
			}
			var arrived atomic.Int64
			after := stand.NewHub(t, simulator.Options{}, partner)
			moved := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				arrived.Add(1)
				after.ServeHTTP(w, r)
			})}}
			moved.Start()
			defer moved.Close()

			var resolver names.Server
			resolver.Point("127.0.0.1")
			transport := hub.NewTransport(4)
			transport.DialContext = (&net.Dialer{Resolver: resolver.Resolver()}).DialContext
			var late atomic.Int64
			session := hub.NewSession(hub.NewClient(hub.Options{
				URL: "http://hub.test:" + port, Transport: transport, Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
			}), cstID, goodKey())
			if _, err := session.Remain(t.Context()); err != nil {
				t.Fatal(err)
			}
			resolver.Point("127.0.0.2")
			if tt.fault != "" {
				if err := before.Apply("", "", tt.fault); err != nil {
					t.Fatal(err)
				}
				if _, err := session.Remain(t.Context()); err == nil {
					t.Fatal("no failure")
				}
			}
			late.Store(int64(tt.wait))
			if _, err := session.Remain(t.Context()); err != nil {
				t.Errorf("at the new address: %v", err)
			}
			if got := arrived.Load() > 0; got != tt.moved {
				t.Errorf("asked at the new address: %t, want %t", got, tt.moved)
			}
		})
	}
}
