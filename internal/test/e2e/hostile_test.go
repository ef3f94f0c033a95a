package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/web"
)

// dial opens a bare connection to the exporter, for what no HTTP library sends.
func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn := must.Get(dialer.DialContext(t.Context(), "tcp", hostOf(r.url)))(t)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// raw sends a request as it stands and returns the answer.
func (r *running) raw(t *testing.T, request string) reply {
	t.Helper()
	conn := r.dial(t)
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	// A server that has seen enough may hang up while the rest is on its way.
	go func() { _, _ = io.WriteString(conn, request) }()
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.60q gets no answer: %v", request, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%.60q gets half an answer: %v", request, err)
	}
	return reply{response.StatusCode, response.Header, response.Trailer, string(body)}
}

// get11 writes a GET request for a path as it stands.
func get11(path, host string, header ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(header, "Connection: close"), "\r\n") + "\r\n\r\n"
}

// Clients that send their request a byte at a time, in the header or in a body
// that nobody wants, and those that send nothing, on a new connection or on a used
// one, are hung up on when docs/security.md says, with TLS and without: not much
// later, and not before. Scrapes do not notice.
func TestSlowClientsAreHungUpOn(t *testing.T) {
	t.Parallel()
	const (
		header, body, idle = 5 * time.Second, 10 * time.Second, 20 * time.Second
		slowBody           = " HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
		used               = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
	)
	_, flags := simulated(t)
	flags = append(flags, "--web.enable-lifecycle")
	exporter := serveHere(t, flags...)
	lock := newLock(t)
	secure := serveHere(t, append(flags, "--web.config.file="+lock.config(t, ""))...)
	var all sync.WaitGroup
	for name, slow := range map[string]struct {
		beginning string
		patience  time.Duration
	}{
		"nothing":                       {"", header},
		"half a line":                   {"GET /met", header},
		"a slow header":                 {"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ", header},
		"a slow body of a scrape":       {"GET /metrics" + slowBody, body},
		"a slow body of a reload":       {"POST /-/reload" + slowBody, body},
		"a slow body of a wrong method": {"POST /metrics" + slowBody, body},
		"nothing after a request":       {used, idle},
		"half a word after a request":   {used + "GE", idle},
	} {
		for i := range 20 {
			began, conn := time.Now(), exporter.dial(t)
			if i%2 == 1 {
				conn = tls.Client(secure.dial(t), &tls.Config{RootCAs: lock.authority, ServerName: "127.0.0.1"})
			}
			all.Go(func() {
				err := dribble(conn, slow.beginning, slow.patience < idle, slow.patience+busyMachine)
				if took := time.Since(began); err != nil || took < slow.patience {
					t.Errorf("%s (%d): hung up on after %s (%v), want %s, and at most %s more", name, i, took, err, slow.patience, busyMachine)
				}
			})
		}
	}
	for range 20 {
		if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
			t.Errorf("a scrape among slow clients got %v", got)
		}
	}
	all.Wait()
}

// HTTP/2 is not spoken, whatever the web configuration says: no scraper needs it, and the
// time-outs above do not hold for its frames. A client that wants either gets HTTP/1.1,
// with the same limits; one that wants nothing else gets nothing.
func TestNoHTTP2(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	lock := newLock(t)
	secure := serveHere(t, append(flags, "--web.config.file="+lock.config(t, "http_server_config:\n  http2: true\n"))...)
	for protocols, want := range map[string]string{"": "", "http/1.1": "http/1.1", "h2 http/1.1": "http/1.1", "h2": "refused"} {
		conn := tls.Client(secure.dial(t), &tls.Config{RootCAs: lock.authority, ServerName: "127.0.0.1", NextProtos: strings.Fields(protocols)})
		got := "refused"
		if conn.HandshakeContext(t.Context()) == nil {
			got = conn.ConnectionState().NegotiatedProtocol
		}
		if got != want {
			t.Errorf("offered %q, the exporter speaks %q, want %q", protocols, got, want)
		}
	}
	plain := serveHere(t, flags...)
	if got := plain.raw(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); got.status != http.StatusBadRequest {
		t.Errorf("HTTP/2 without TLS is answered %d", got.status)
	}
	for name, header := range map[string]string{"a huge header": "X-Huge: " + strings.Repeat("x", 64<<10), "many": strings.TrimSuffix(strings.Repeat("X-Many: x\r\n", 1<<13), "\r\n")} {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: lock.authority}}}
		request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+hostOf(secure.url)+"/-/healthy", http.NoBody))(t)
		for line := range strings.SplitSeq(header, "\r\n") {
			field, value, _ := strings.Cut(line, ": ")
			request.Header.Add(field, value)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge || plain.raw(t, get11("/-/healthy", "x", header)).status != response.StatusCode {
			t.Errorf("%s is answered %d", name, response.StatusCode)
		}
	}
}

// busyMachine is by how much anything may be late on a machine that has much
// else to do.
const busyMachine = 3 * time.Second

// dribble sends a beginning, if there is one, and then, if it goes on, a byte at a
// time until the other side hangs up. It is an error if that is not within a time.
func dribble(conn net.Conn, beginning string, goesOn bool, within time.Duration) error {
	_ = conn.SetDeadline(time.Now().Add(within))
	hungUp := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil // a farewell, or none
		}
		hungUp <- err
	}()
	_, err := io.WriteString(conn, beginning)
	pause := time.NewTicker(250 * time.Millisecond)
	defer pause.Stop()
	for {
		select {
		case err := <-hungUp:
			return err
		case <-pause.C:
		}
		if beginning != "" && goesOn && err == nil {
			_, err = io.WriteString(conn, "x")
		}
	}
}

// A thousand connections that ask for nothing keep neither scrapes nor queries
// from being made, not even where the process may open only 256 files: then the
// connections that have waited longest are closed.
func TestIdleConnectionsTakeNothingFromScrapes(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]string{"few files": "ulimit -n 256\n", "as many as there are": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, flags := simulated(t)
			script := harness.WriteFile(t, "exporter", "#!/bin/sh\n"+limit+"exec '"+programs.Exporter(t)+"' \"$@\"\n")
			must.Do(t, os.Chmod(script, 0o700))
			exporter := serveProcess(t, script, nil, append(flags, "--payple.min-interval=1s", "--payple.timeout=10s")...)
			for i := range 1000 {
				conn := exporter.dial(t)
				if i%2 == 0 { // one that has asked, and keeps the connection
					must.Get(io.WriteString(conn, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"))(t)
				}
			}
			for sim.Requests("store", hub.EndpointRemain) < 3 {
				fresh := &running{url: exporter.url}
				if status, body := fresh.get(t, "/metrics"); status != http.StatusOK || !strings.Contains(body, remainOfStore+" 9.944e+06") {
					t.Fatalf("a scrape among idle connections answers %d:\n%s", status, body)
				}
				http.DefaultClient.CloseIdleConnections()
				time.Sleep(100 * time.Millisecond) // the interval is a real one
			}
			got := exporter.scrape(t)
			if failures := got[`payple_query_failures_total{merchant="store"}`]; failures != 0 {
				t.Errorf("%v queries failed", failures)
			}
			if open := got["process_open_fds"]; limit != "" && open > 200 {
				t.Errorf("%v files of 256 are open", open)
			}
		})
	}
}

// What is no sound request, or is larger than any honest one, is refused by its
// status, and the next scrape is answered.
func TestUnsoundRequestsAreRefused(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	exporter := serveHere(t, flags...)
	const post = "POST /-/reload HTTP/1.1\r\nHost: x\r\n"
	for name, test := range map[string]struct {
		request string
		want    int
	}{
		"a huge header":        {get11("/metrics", "x", "X-Huge: "+strings.Repeat("x", 1<<20)), http.StatusRequestHeaderFieldsTooLarge},
		"many headers":         {get11("/metrics", "x", strings.TrimSuffix(strings.Repeat("X-Many: x\r\n", 1<<14), "\r\n")), http.StatusRequestHeaderFieldsTooLarge},
		"a huge path":          {get11("/"+strings.Repeat("x", 1<<20), "x"), http.StatusRequestHeaderFieldsTooLarge},
		"a long path":          {get11("/"+strings.Repeat("x", 1<<14), "x"), http.StatusNotFound},
		"a path of many steps": {get11("/metrics/"+strings.Repeat("../", 1<<12)+"metricz", "x"), http.StatusNotFound},
		"NUL in the path":      {get11("/metrics\x00", "x"), http.StatusBadRequest},
		"NUL in a header":      {get11("/metrics", "x", "X: \x00"), http.StatusBadRequest},
		"a bare line feed":     {"GET /metrics\n\n", http.StatusBadRequest},
		"two hosts":            {get11("/sd", "a\r\nHost: b"), http.StatusBadRequest},
		"no host":              {"GET /sd HTTP/1.1\r\n\r\n", http.StatusBadRequest},
		"two lengths":          {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", http.StatusBadRequest},
		"a negative length":    {post + "Content-Length: -1\r\n\r\n", http.StatusBadRequest},
		"an unknown coding":    {post + "Transfer-Encoding: gzip\r\n\r\n", http.StatusNotImplemented},
		"another protocol":     {"GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", http.StatusHTTPVersionNotSupported},
		"a folded header":      {get11("/metrics", "x", "X: a\r\n b: c\r\n\x01: d"), http.StatusBadRequest},
	} {
		if got := exporter.raw(t, test.request); got.status != test.want {
			t.Errorf("%s is answered %v, want %d", name, got.status, test.want)
		}
		if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
			t.Errorf("after %s a scrape got %v", name, got)
		}
	}
}

// A method that a path does not have is refused with those that it has, and
// neither asks the hub nor reloads.
func TestWrongMethods(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	exporter := serveHere(t, append(flags, "--web.enable-lifecycle")...)
	for path, allowed := range map[string]string{
		"/": "GET, HEAD", "/metrics": "GET, HEAD", "/probe?merchant=store": "GET, HEAD", "/sd": "GET, HEAD",
		"/-/healthy": "GET, HEAD", "/-/ready": "GET, HEAD", "/-/reload": "POST, PUT",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get"} {
			if strings.Contains(allowed, method) {
				continue
			}
			response := exporter.raw(t, strings.Replace(get11(path, "x", "Content-Length: 0"), "GET", method, 1))
			if response.status != http.StatusMethodNotAllowed || response.header.Get("Allow") != allowed {
				t.Errorf("%s %s is answered %v, Allow %q; want 405 and %q", method, path, response.status, response.header.Get("Allow"), allowed)
			}
		}
	}
	if n := sim.Requests("store", hub.EndpointToken); n != 0 {
		t.Errorf("wrong methods made %d queries", n)
	}
	expectReloads(t, exporter, 0)
}

// expectReloads fails unless the configuration was put in force this often
// since the start.
func expectReloads(t *testing.T, exporter *running, want int) {
	t.Helper()
	if n := strings.Count(exporter.stderr.String(), "configuration in force"); n != 1+want {
		t.Errorf("%d reloads, want %d:\n%s", n-1, want, exporter.stderr)
	}
}

// Other spellings of a path do not reach what stands at it, so that a proxy's
// rules for paths hold, and no answer sends anybody to another host.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	exporter := serveHere(t, append(flags, "--web.enable-lifecycle")...)
	for _, path := range []string{
		"//metrics", "/metrics/", "/metrics//", "/./metrics", "/x/../metrics", "/metrics/../-/reload", "//-/reload", "/-//reload", "/-/./reload", "/-/reload/",
		"/-/healthy/../reload", "/..%2f-/reload", "/-%2freload", "/-%2Freload", "/%2e%2e/-/reload", "/metrics/%2e%2e/-/reload", "/%2F-/reload",
		"/-/reload%00", "/-/reload%20", "/-/reload;a=b", "/-/reload%3f", "/-\\reload", "/-/RELOAD", "/METRICS", "/metrics%0d%0aX-Injected:%201", "/metrics%00.html",
		"//evil.example/..", "//evil.example/%2e%2e", "/%2fevil.example/..", "/%5cevil.example/..", "/\\evil.example/..", "//evil.example//", "/%09/evil.example/..",
		"/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/.git/config", "/debug/pprof/", "/debug/vars",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			response := exporter.raw(t, strings.Replace(get11(path, "exporter.example", "Content-Length: 0"), "GET", method, 1))
			switch response.status {
			case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed:
			default:
				t.Errorf("%s %s is answered %v, Location %q", method, path, response.status, response.header.Get("Location"))
			}
			if response.header.Get("X-Injected") != "" {
				t.Errorf("%s %s injects a header", method, path)
			}
		}
	}
	expectReloads(t, exporter, 0)
	if n := sim.Requests("store", hub.EndpointToken); n != 0 {
		t.Errorf("tricks made %d queries", n)
	}
}

// Service discovery names the address that it was asked under, if that is one,
// and nothing else that a client or a proxy's header says.
func TestDiscoveryTakesNoOtherAddress(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	exporter := serveHere(t, flags...)
	fixed := serveHere(t, append(flags, "--web.sd-address=outside.example:443")...)
	forwarded := []string{
		"X-Forwarded-Host: evil.example", "X-Forwarded-For: evil.example", "X-Forwarded-Proto: gopher", "X-Forwarded-Port: 1", "X-Original-Host: evil.example",
		"X-Host: evil.example", "Forwarded: host=evil.example;proto=https", "X-Real-Ip: evil.example", "X-Forwarded-Prefix: /evil", "X-Http-Method-Override: POST",
	}
	for host, good := range map[string]bool{
		"exporter.example": true, "exporter.example:10911": true, "127.0.0.1:1": true, "[::1]:10911": true, "[::1]": true,
		`a"b`: false, `a","labels":{"x":"y`: false, "a b": false, "a<b>": false, "u@evil.example": false, "u:p@evil.example:1": false, "a/b": false, "a?b": false, "a#b": false,
		"a:0": false, "a:65536": false, "a:-1": false, "a:http": false, "a:1:2": false, "::1": false, "[a]:1": false, "": false, "a,b": false, "a'b": false,
		"a%0d%0ab": false, "${jndi:x}": false, "a;b": false, "한국.example": false, strings.Repeat("a", 300): false,
	} {
		for form, request := range map[string]string{
			"header": get11("/sd", host, forwarded...), "address": get11("http://"+host+"/sd", "other.example", forwarded...),
			"HTTP/1.0": strings.Replace(get11("/sd", host, forwarded...), "HTTP/1.1", "HTTP/1.0", 1),
		} {
			if host == "" && form == "address" {
				continue // means that of the header
			}
			expectTargets(t, form+" "+host, exporter.raw(t, request), host, good)
			// Go itself refuses some hosts before any handler is asked.
			if response := fixed.raw(t, request); good || response.status == http.StatusOK {
				expectTargets(t, form+" "+host+" behind --web.sd-address", response, "outside.example:443", true)
			}
		}
	}
}

// expectTargets fails unless an answer names want and nothing else, or, for an
// address that is not good, is a refusal or names what was left of it.
func expectTargets(t *testing.T, what string, response reply, want string, good bool) {
	t.Helper()
	if response.status != http.StatusOK {
		if good {
			t.Errorf("%s is answered %v", what, response.status)
		}
		return
	}
	var groups []struct{ Targets []string }
	if json.Unmarshal([]byte(response.body), &groups) != nil || len(groups) != 1 || len(groups[0].Targets) != 1 {
		t.Errorf("%s is answered %v", what, response.body)
		return
	}
	if target := groups[0].Targets[0]; !web.IsTarget(target) || (target == want) != good {
		t.Errorf("%s gives the target %q", what, target)
	}
}

// A page of another site can make its reader's browser send a POST, but not
// reload the exporter. Whoever is no browser can, and so can a page of the
// exporter's own.
func TestReloadFromAnotherSite(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	exporter := serveHere(t, append(flags, "--web.enable-lifecycle")...)
	reloads := 0
	for name, test := range map[string]struct {
		header []string
		want   int
	}{
		"curl":                           {nil, http.StatusOK},
		"the exporter's own page":        {[]string{"Sec-Fetch-Site: same-origin", "Origin: http://exporter.example:1"}, http.StatusOK},
		"a bookmark":                     {[]string{"Sec-Fetch-Site: none"}, http.StatusOK},
		"own page in an old browser":     {[]string{"Origin: http://exporter.example:1"}, http.StatusOK},
		"a form of another site":         {[]string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Content-Type: application/x-www-form-urlencoded"}, http.StatusForbidden},
		"a fetch without CORS":           {[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, http.StatusForbidden},
		"a sibling of the same site":     {[]string{"Sec-Fetch-Site: same-site", "Origin: https://other.example"}, http.StatusForbidden},
		"another site in an old browser": {[]string{"Origin: http://evil.example"}, http.StatusForbidden},
		"another port in an old browser": {[]string{"Origin: http://exporter.example:2"}, http.StatusForbidden},
		"a page without an origin":       {[]string{"Origin: null"}, http.StatusForbidden},
		"an origin that is none":         {[]string{"Origin: ://"}, http.StatusForbidden},
		"nonsense":                       {[]string{"Sec-Fetch-Site: same-origin, cross-site"}, http.StatusForbidden},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			request := strings.Replace(get11("/-/reload", "exporter.example:1", append(test.header, "Content-Length: 0")...), "GET", method, 1)
			if response := exporter.raw(t, request); response.status != test.want {
				t.Errorf("%s: %s is answered %v, want %d", name, method, response.status, test.want)
			}
			if test.want == http.StatusOK {
				reloads++
			}
		}
	}
	expectReloads(t, exporter, reloads)
}

// Every answer of the exporter, errors among them, forbids browsers to guess
// types, to run or frame it, to tell others where they came from, and to keep
// figures that grow old.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	exporter := serveHere(t, flags...)
	for _, line := range []string{
		"GET /", "GET /metrics", "GET /probe?merchant=store", "GET /sd", "GET /-/healthy", "GET /-/ready", "POST /-/reload",
		"GET /nowhere", "GET /probe", "GET /probe?merchant=%3Cscript%3E", "GET /metrics?collect[]=x", "POST /metrics", "GET //metrics",
	} {
		method, path, _ := strings.Cut(line, " ")
		header := exporter.raw(t, strings.Replace(get11(path, "x", "Content-Length: 0"), "GET", method, 1)).header
		policy, forms := header.Get("Content-Security-Policy"), "form-action 'none'"
		if path == "/" {
			forms = "form-action 'self'" // the status page's search
		}
		for name, good := range map[string]bool{
			"X-Content-Type-Options": header.Get("X-Content-Type-Options") == "nosniff", "Referrer-Policy": header.Get("Referrer-Policy") == "no-referrer",
			"X-Frame-Options": strings.EqualFold(header.Get("X-Frame-Options"), "deny"), "Cache-Control": header.Get("Cache-Control") == "no-store",
			"Cross-Origin-Resource-Policy": header.Get("Cross-Origin-Resource-Policy") == "same-origin",
			"Content-Security-Policy": strings.Contains(policy, "default-src 'none'") && strings.Contains(policy, "frame-ancestors 'none'") &&
				strings.Contains(policy, "base-uri 'none'") && strings.Contains(policy, forms) && !strings.Contains(policy, "unsafe"),
		} {
			if !good || len(header.Values(name)) != 1 {
				t.Errorf("%s: %s is %q", line, name, header.Values(name))
			}
		}
		if path != "/" && strings.HasPrefix(header.Get("Content-Type"), "text/html") && !strings.HasPrefix(path, "//") {
			t.Errorf("%s is answered as HTML", line)
		}
	}
}

// hostileNames are merchants' names that the configuration takes and that would
// break out of a label, a query, a log line or a page if they could.
func hostileNames() []string {
	return []string{
		`quote"d`, `back\slash`, `ends with \`, `\n`, `"} 1`, `{a="b"}`, "# HELP x", `a",remain="0`, "a=b,c", "  blanks  ", "%s%d%n", "$(reboot)", "`id`", "a&merchant=b", "a+b", "%2e%2e",
		"../../etc/passwd", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "' onclick='alert(1)", "javascript:alert(1)", "{{.}}", "-->", "]]>", "</title>",
		"가나다 상점", "💸", strings.Repeat("x", 100), "NaN", "null", "~", "store;x", "a|b", "=cmd|' /C calc'!A0",
	}
}

// A merchant's name and its partner id are labels, exactly, in every form of the
// metrics, in service discovery and in a probe, whatever they hold; what cannot
// be a label is refused by the configuration with exit code 2.
func TestHostileNamesAreLabels(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	address, key := valueOf(flags[0]), valueOf(flags[2])
	var file strings.Builder
	fmt.Fprintf(&file, "merchants:\n  - {name: %q, cst_id: store, hub: %q, cust_key_file: %q}\n", "plain", address, key)
	names, ids := hostileNames(), make(map[string]bool)
	for i, name := range names {
		id := name
		if strings.ContainsAny(name, hub.BlanksAndQuotes+"$") {
			id = fmt.Sprint("plain", i) // no partner id is like that
		}
		ids[id] = true
		line, err := json.Marshal(map[string]string{"name": name, "cst_id": id, "hub": address, "cust_key_file": key})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "  - %s\n", line) // JSON is YAML too
	}
	// Without the Go runtime's metrics, two of which have one name in OpenMetrics.
	exporter := serveHere(t, "--config.file="+harness.WriteFile(t, "merchants.yml", file.String()), "--payple.timeout=10s", "--web.disable-exporter-metrics")
	if _, body := exporter.get(t, "/metrics"); sim.Requests("store", hub.EndpointRemain) != 1 {
		t.Fatalf("the plain merchant was not asked:\n%s", body)
	}
	for _, accept := range metricsFormats() {
		for label, want := range map[string][]string{"merchant": append(names, "plain"), "cst_id": append(slices.Collect(maps.Keys(ids)), "store")} {
			got := labelsOf(t, exporter, "/metrics", accept, label)
			for _, name := range want {
				if !got[name] {
					t.Errorf("%s: no %s %q", accept, label, name)
				}
			}
			if len(got) != len(names)+1 {
				t.Errorf("%s: %d times %s, want %d: %v", accept, len(got), label, len(names)+1, got)
			}
		}
		for _, name := range names {
			if one := labelsOf(t, exporter, "/probe?merchant="+url.QueryEscape(name), accept, "merchant"); len(one) != 1 || !one[name] {
				t.Errorf("%s: a probe of %q gives %v", accept, name, one)
			}
		}
	}
	_, body := exporter.get(t, "/sd")
	var groups []struct{ Labels map[string]string }
	if err := json.Unmarshal([]byte(body), &groups); err != nil || len(groups) != len(names)+1 {
		t.Fatalf("%v: %s", err, body)
	}
	for i, name := range names {
		if got := groups[i+1].Labels; got["merchant"] != name || got["__param_merchant"] != name || len(got) != 3 {
			t.Errorf("discovery gives %q for %q", got, name)
		}
	}
	for line := range strings.Lines(exporter.stderr.String()) {
		if !strings.HasPrefix(line, "level=") || strings.Count(line, " msg=") != 1 {
			t.Errorf("a name breaks out of the log: %s", line)
		}
	}
	for _, name := range []string{`"a\nb"`, `"a\rb"`, `"a\tb"`, `"a\0b"`, `"\u202Eb"`, `"\uFFFD"`, "\"\xff\"", `"` + strings.Repeat("x", 101) + `"`, `""`} {
		for _, merchant := range []string{"name: " + name + ", cst_id: store", "name: store, cst_id: " + name} {
			bad := harness.WriteFile(t, "bad.yml", "merchants: [{"+merchant+", cust_key_file: "+key+"}]\n")
			if code, stdout, stderr := harness.Command(t, "--config.file="+bad, "--config.check"); code != app.ExitUsage || stdout != "" {
				t.Errorf("%s is taken, exit %d: %s%s", merchant, code, stdout, stderr)
			}
		}
	}
}

// A client that disconnects in the middle of everything leaves nothing behind
// that a later one could trip over.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	exporter := serveHere(t, append(flags, "--web.max-requests=2")...)
	must.Do(t, sim.Apply("", "", "hang"))
	for range 20 {
		conn := exporter.dial(t)
		_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = conn.Close()
	}
	sim.Mend("store")
	programs.Eventually(t, "the slots of those who left are free", func() bool {
		status, _ := exporter.get(t, "/probe?merchant=store", "X-Prometheus-Scrape-Timeout-Seconds", "1")
		return status == http.StatusOK
	})
}
