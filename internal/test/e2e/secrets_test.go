package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/secrets"
	"payple_exporter/internal/test/stand"
)

// tokensLike match the beginning of a simulated hub's token, and its hex and
// base64. They are apart so that each is searched for by its first letters.
var tokensLike = []*regexp.Regexp{
	regexp.MustCompile(`eyJ[0-9a-f]{6}`), regexp.MustCompile(`65794[aA][0-9a-fA-F]{12}`), regexp.MustCompile(`ZXlK[A-Za-z0-9+/_-]{8}`),
}

// rotatedKey is what testKey is replaced by. No half of either is in the other.
const rotatedKey = `new!cust~key<"5e08&c1+f6>93=b2`

// expectNoSecret fails if a test key or any token can be read in text.
func expectNoSecret(t *testing.T, where, text string) {
	t.Helper()
	secrets.ExpectNone(t, where, text, testKey, rotatedKey)
	for _, like := range tokensLike {
		if token := like.FindString(text); token != "" {
			t.Errorf("%s shows a token, %s…:\n%s", where, token, text)
		}
	}
}

// eavesdropper is a simulated hub that remembers every token it was shown, so
// that these can be looked for.
type eavesdropper struct {
	*simulator.Hub

	mu     sync.Mutex
	tokens []string // each once
}

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, token, found := strings.Cut(r.Header.Get("Authorization"), "Bearer "); found {
		e.mu.Lock()
		if !slices.Contains(e.tokens, token) {
			e.tokens = append(e.tokens, token)
		}
		e.mu.Unlock()
	}
	e.Hub.ServeHTTP(w, r)
}

func (e *eavesdropper) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.tokens)
}

// custKey and token are on no surface, whatever the hub does at either step:
// not in the log at its most talkative, in metrics of any form, on pages, in
// headers, in errors, and in check. Some of the faults send both secrets back.
//
// Each fault is met by an exporter that knows figures and a token, goes on in
// backoff and beyond the token's end, and sees the key replaced: so remembered
// tokens, second tokens and both keys are there to be shown.
func TestSecretsAreOnNoSurface(t *testing.T) {
	t.Parallel()
	slow := make(map[string]ordeal)
	faults := append(simulator.Faults(), simulator.Fault{Name: "none", Endpoints: []hub.Endpoint{hub.EndpointRemain}})
	for i, fault := range faults {
		for j, endpoint := range fault.Endpoints {
			// The text of errors is the same in both formats of the log.
			o := ordeal{fault: fault, endpoint: endpoint, format: []string{"logfmt", "json"}[(i+j)%2]}
			name := fault.Name + "/" + string(endpoint)
			if fault.Reason == hub.ReasonTimeout {
				slow[name] = o
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o.run(t)
			})
		}
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		allAtOnce(t, slow, func(t *testing.T, o ordeal) { o.run(t) })
	})
}

// ordeal is what an exporter goes through whose hub fails in one way at one step
// of a query, and all that it shows meanwhile.
type ordeal struct {
	fault    simulator.Fault
	endpoint hub.Endpoint
	format   string // of the log

	clock    *simulator.Clock
	exporter *running
	shown    *lines
}

// lines is text without the lines that it holds already: of a page that is looked
// at again only what is new needs to be searched.
type lines struct {
	seen map[string]bool
	text strings.Builder
}

func (l *lines) add(text string) {
	for line := range strings.Lines(text) {
		if !l.seen[line] {
			l.seen[line] = true
			l.text.WriteString(line)
		}
	}
}

func (o ordeal) run(t *testing.T) {
	o.clock, o.shown = &simulator.Clock{}, &lines{seen: make(map[string]bool)}
	sim := &eavesdropper{Hub: stand.NewHub(t, simulator.Options{Now: o.clock.Now}, simulator.Partner{CstID: "store", CustKey: testKey})}
	server := httptest.NewServer(sim)
	defer server.Close()
	timeout := "30s"
	if o.fault.Reason == hub.ReasonTimeout {
		timeout = "3s"
	}
	flags := append(flagsOf(t, server.URL), "--payple.timeout="+timeout, "--payple.min-interval="+matrixInterval.String())
	o.exporter = serveOn(t, o.clock.Now, append(flags, "--log.level=debug", "--log.format="+o.format, "--web.enable-lifecycle")...)

	o.scrape(t, "")
	o.clock.Advance(tokenAlive)
	if o.fault.Name != "none" {
		sim.Break("store", o.endpoint, o.fault)
	}
	if o.endpoint == hub.EndpointToken {
		sim.EndTokens("store") // which asks for a second one, and meets the fault
	}
	o.scrape(t, o.fault.Reason)
	o.clock.Advance(longBackoff) // when no token is good any more
	o.scrape(t, o.fault.Reason)
	o.lookEverywhere(t)

	sim.SetCustKey("store", rotatedKey)
	must.Write(t, valueOf(flags[2]), rotatedKey)
	o.clock.Advance(matrixInterval) // ends a backoff only where a new key may help
	o.scrape(t, o.fault.Reason)
	o.clock.Advance(longBackoff)
	o.scrape(t, o.fault.Reason)
	o.lookEverywhere(t)
	o.shown.add(searchCheck(t, flags))

	sim.Mend("store")
	o.clock.Advance(longBackoff)
	o.scrape(t, "")
	o.search(t, sim.heard())
}

// longBackoff is longer than any backoff, and than a token lives.
const longBackoff = 6 * time.Minute

// scrape has the exporter ask the hub, which must end as it should, or the
// search would be of something else.
func (o ordeal) scrape(t *testing.T, want hub.Reason) {
	t.Helper()
	page := o.exporter.page(t, "/probe?merchant=store", "Accept", exposition.OpenMetrics, "X-Prometheus-Scrape-Timeout-Seconds", "60")
	if up, reason, err := page.Health("store"); up != (want == "") || reason != want || err != nil {
		t.Errorf("up %v, reason %q (%v), want %q", up, reason, err, want)
	}
}

// search ends the exporter, and looks for keys and tokens in all that it and its
// log have shown.
func (o ordeal) search(t *testing.T, tokens []string) {
	t.Helper()
	o.exporter.stop()
	text := o.exporter.stderr.String()
	if !strings.Contains(text, "asked the hub") {
		t.Errorf("the log is not at its most talkative:\n%s", text)
	}
	// The one before the fault, and those of the check commands or of the end.
	if want := map[hub.Endpoint]int{hub.EndpointToken: 2, hub.EndpointRemain: 6}[o.endpoint]; len(tokens) < want {
		t.Errorf("the hub was shown %d tokens, want %d or more", len(tokens), want)
	}
	o.shown.add(text)
	expectNoSecret(t, "some surface", o.shown.text.String())
	secrets.ExpectNone(t, "some surface", o.shown.text.String(), tokens...)
}

// lookEverywhere asks a running exporter for all it has.
func (o ordeal) lookEverywhere(t *testing.T) {
	t.Helper()
	look := func(method, path string, header ...string) {
		got := o.exporter.exchange(t, method, path, header...)
		o.shown.add(fmt.Sprintln(got.header, got.trailer, got.body))
	}
	for _, accept := range metricsFormats() {
		look(http.MethodGet, "/metrics", "Accept", accept)
		look(http.MethodGet, "/probe?merchant=store", "Accept", accept)
	}
	for _, language := range []string{"en", "ko"} {
		look(http.MethodGet, "/", "Accept-Language", language)
		look(http.MethodGet, "/?lang="+language)
	}
	for _, path := range []string{"/probe", "/probe?merchant=x", "/sd", "/status.json", "/status.json?merchant=store&lang=ko", "/status.json?merchant=x", "/runbooks/", "/runbooks/PaypleQueryFailing", "/runbooks/x", "/-/healthy", "/-/ready", "/nowhere", "/metrics?collect[]=exporter"} {
		look(http.MethodGet, path)
	}
	look(http.MethodPost, "/-/reload")
	look(http.MethodPost, "/metrics")
	code, stdout, stderr := harness.Command(t, "healthcheck", "--web.listen-address="+hostOf(o.exporter.url))
	if code != app.ExitOK {
		t.Errorf("healthcheck exits %d: %s", code, stderr)
	}
	o.shown.add(stdout + stderr)
}

// searchCheck runs check, in both of its forms, and --config.check, fails if a
// secret is in what they show, and returns that.
func searchCheck(t *testing.T, flags []string) string {
	t.Helper()
	var shown strings.Builder
	for _, args := range [][]string{{"check"}, {"check", "--json"}, {"--config.check"}} {
		_, stdout, stderr := harness.Command(t, append(slices.Clone(flags), args...)...)
		expectNoSecret(t, fmt.Sprint(args), stdout+stderr)
		if !strings.Contains(stdout, "store") {
			t.Errorf("%v says nothing of the merchant: %s%s", args, stdout, stderr)
		}
		shown.WriteString(stdout + stderr)
	}
	if !strings.Contains(shown.String(), "cust_key: <secret>") {
		t.Errorf("--config.check does not say that there is a key:\n%s", shown.String())
	}
	return shown.String()
}

// The search finds a key and a token if there is one to find, in every form.
func TestSecretSearchFindsSecrets(t *testing.T) {
	t.Parallel()
	inJSON, _ := json.Marshal(map[string]string{"k": "x" + testKey})
	for _, text := range []string{
		"x " + testKey, "token eyJ0123456789abcdef", hex.EncodeToString([]byte(testKey)), hex.EncodeToString([]byte("eyJ0123456789")), string(inJSON),
		url.Values{"k": {testKey}}.Encode(), html.EscapeString(testKey), fmt.Sprintf("%q", testKey), secrets.Decimal("a"+testKey, " "),
		base64.StdEncoding.EncodeToString([]byte(testKey)), base64.StdEncoding.EncodeToString([]byte("a" + testKey)), base64.URLEncoding.EncodeToString([]byte("ab" + testKey)),
		base64.StdEncoding.EncodeToString([]byte("eyJ0123456789abcdef")), testKey[:15], testKey[15:],
		"x " + rotatedKey, html.EscapeString(rotatedKey), rotatedKey[:15], rotatedKey[15:],
	} {
		probe := &testing.T{}
		expectNoSecret(probe, "probe", text)
		if !probe.Failed() {
			t.Errorf("%q is not found", text)
		}
	}
	if secrets.Shows(rotatedKey, testKey) || secrets.Shows(testKey, rotatedKey) {
		t.Error("one key passes for the other")
	}
}

// Three faults of the simulated hub do send key and token back, or the search
// above would prove little.
func TestSomeFaultsSendSecretsBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"no-http", "echo-message", "echo-result"} {
		fault := must.Get(simulator.ParseFault(name))(t)
		sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: "store", CustKey: testKey})
		server := httptest.NewServer(sim)
		defer server.Close()
		key, _ := json.Marshal(testKey)
		token := regexp.MustCompile(`eyJ[0-9a-f]+`).FindString(askHub(t, server.URL, "/oauth/token", "", fmt.Sprintf(`{"cst_id":"store","custKey":%s,"code":"as12345678"}`, key)))
		sim.Break("store", hub.EndpointRemain, fault)
		answer := askHub(t, server.URL, "/account/remain", token, fmt.Sprintf(`{"cst_id":"store","custKey":%s}`, key))
		if token == "" || !strings.Contains(answer, token) || !secrets.Shows(answer, testKey) {
			t.Errorf("%s does not send the key and the token %q back: %s", name, token, answer)
		}
	}
}

// askHub sends a request to the simulated hub and returns whatever comes back.
func askHub(t *testing.T, address, path, token, body string) string {
	t.Helper()
	conn := (&running{url: address}).dial(t)
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"+
		"Accept: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", path, token, len(body), body)
	answer := must.Get(io.ReadAll(conn))(t)
	return string(answer)
}

// A key that was put into a wrong place is refused, by --config.check, by a
// reload and on the command line, without being repeated.
func TestMisplacedKeysAreNotRepeated(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	key := valueOf(flags[2])
	good := "merchants:\n  - {cst_id: p, cust_key_file: " + key + "}\n"
	file := harness.WriteFile(t, "merchants.yml", good)
	exporter := serveHere(t, "--config.file="+file, "--web.enable-lifecycle", "--log.level=debug")
	const misplaced = "a7f3b291c2d8e4f60718"
	for _, text := range []string{
		"merchants: [{cst_id: p, cust_key: %s}]", "merchants: [{cst_id: p, custKey: %s}]", "merchants: [{cst_id: p, cust-key: %s}]",
		"merchants: [{cst_id: p, cust_key_file: %s}]", "merchants: [{cst_id: p, cust_key_env: %s}]", "merchants: [{cst_id: p, cust_key=%s}]",
		"merchants: [{cst_id: p, cust_key_file: '%s}]", "merchants: [{cst_id: p, cust_key_file: \"\\q%s\"}]", "merchants: [{cst_id: p, cust_key_file: *%s}]",
		"merchants: [{cst_id: p, cust_key_file: !x!%s y}]", "merchants: [{cst_id: p, cust_key_file: [%s]}]", "merchants: [{cst_id: p, cust_key_file: {%s: }}]",
		"merchants: [{cst_id: p, cust_key_file: |%s}]", "merchants: [{cst_id: p, thresholds: {warning: {%s: }}}]", "merchants: [%s]", "merchants: %s", "%s", "%s: 1", "- %s",
		"hub: https://%s@hub.example", "hub: https://u:%s@hub.example", "hub: https://hub.example/?k=%s", "hub: https://hub.example/#%s", "hub: %s",
		"merchants:\n  - cst_id: p\n    %s\n", "merchants:\n  - cst_id: p\n  %s: x\n", "merchants:\n\t- cust_key: %s\n", "key: %s\nsecret: %s\n",
	} {
		text = strings.ReplaceAll(text, "%s", misplaced)
		must.Write(t, file, text)
		code, stdout, stderr := harness.Command(t, "--config.file="+file, "--config.check")
		if code != app.ExitUsage {
			t.Errorf("taken, exit %d: %s", code, text)
		}
		secrets.ExpectNone(t, "the refusal of "+text, stdout+stderr, misplaced)
		status, body := exporter.post(t, "/-/reload")
		if status != http.StatusInternalServerError {
			t.Errorf("reloaded: %d for %s", status, text)
		}
		secrets.ExpectNone(t, "the reload of "+text, body, misplaced)
	}
	secrets.ExpectNone(t, "the log", exporter.stderr.String(), misplaced)
	for _, args := range [][]string{
		{"--payple.cst-id=p", "--payple.cust-key-file=" + misplaced},
		{"--payple.cust-key=" + misplaced},
		{"--payple.cust-key", misplaced},
		{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.hub=https://u:" + misplaced + "@hub.example"},
		{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.hub=https://hub.example/?custKey=" + misplaced},
	} {
		code, stdout, stderr := harness.Command(t, args...)
		if code != app.ExitUsage {
			t.Errorf("taken, exit %d: %q", code, args)
		}
		secrets.ExpectNone(t, fmt.Sprint(args), stdout+stderr, misplaced)
	}
}

// A proxy's password, which stands in HTTPS_PROXY, is shown nowhere: not when
// the proxy refuses or is not there. TestUnreadableProxyIsRefused tells of one
// whose address is none.
func TestProxyPasswordIsOnNoSurface(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Error(w, r.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
	}))
	defer refusing.Close()
	const password = "pr0xy-passw0rd-71c2"
	for name, proxy := range map[string]string{
		"refuses": "http://u:" + password + "@" + hostOf(refusing.URL), "not there": "http://u:" + password + "@127.0.0.1:1", "SOCKS": "socks5://u:" + password + "@127.0.0.1:1",
		"TLS": "https://u:" + password + "@" + hostOf(refusing.URL), "no scheme": "u:" + password + "@127.0.0.1:1",
	} {
		env := []string{"HTTPS_PROXY=" + proxy, "NO_PROXY="}
		// A name and no loopback address, for which no proxy would be asked. Only a proxy would look it up, and none of these does.
		exporter := serveApart(t, env, append(flagsOf(t, "https://hub.invalid"), "--log.level=debug")...)
		_, metrics := exporter.get(t, "/metrics")
		_, page := exporter.get(t, "/")
		if !strings.Contains(metrics, `payple_up{merchant="store"} 0`) {
			t.Errorf("%s: up, behind such a proxy:\n%s", name, metrics)
		}
		exporter.stop()
		for where, text := range map[string]string{"metrics": metrics, "the page": page, "the log": exporter.stderr.String()} {
			secrets.ExpectNone(t, name+": "+where, text, password, base64.StdEncoding.EncodeToString([]byte("u:"+password)))
			expectNoSecret(t, name+": "+where, text)
		}
		if log := exporter.stderr.String(); strings.Contains(log, "lookup") || strings.Contains(log, "no such host") {
			t.Errorf("%s: the hub's name was looked up, as if there were no proxy:\n%s", name, log)
		}
	}
	if asked.Load() == 0 {
		t.Error("no proxy was asked: nothing of theirs could be shown")
	}
}

// simulate shows the key of its own invented merchants, which opens nothing,
// and not the one in its environment.
func TestSimulateShowsNoRealKey(t *testing.T) {
	t.Parallel()
	process := programs.Run(t, []string{"PAYPLE_CUST_KEY=" + testKey}, programs.Exporter(t), simulate...)
	_, state := (&running{url: process.Await(t, simulatorURL)[1]}).get(t, "/simulator/")
	expectNoSecret(t, "simulate", state+process.String())
}
