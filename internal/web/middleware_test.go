package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/html"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
	"payple_exporter/internal/web"
)

// hostileNames are names that the configuration may refuse and that must do no
// harm if it does not.
func hostileNames() []string {
	return []string{
		`<script>alert(1)</script>`, `<script>alert("x")</script>`, `"><img src=x onerror=alert(1)>`, `'><svg onload=alert(1)>`, `" onmouseover="alert(1)" x="`, `' autofocus onfocus='alert(1)`, "` onload=`alert(1)",
		"javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "</title><script>alert(1)</script>", "</script><script>alert(1)</script>", "</style><style>*{}", "</textarea>", "-->", "<!--", "]]>",
		"{{.}}", "{{template \"x\"}}", "${alert(1)}", "&lt;script&gt;", "&#60;script>", "\u2028alert(1)", "\x00<b>", "a\nb<hr>", "a\r\n\r\n<hr>", "\xff\xfe<i>", "+ADw-script+AD4-", "//evil.example/x", "\\\\evil.example",
		"url(javascript:alert(1))", "expression(alert(1))", "\u202e<b>",
	}
}

// element is one element of a page: its name, its attributes, and the values of
// those that run or fetch something.
type element struct {
	name       string
	attributes []string
	running    []string
}

// elementsOf returns a page's elements in order, and the text between them.
func elementsOf(t *testing.T, page string) (elements []element, text string) {
	t.Helper()
	root := must.Get(html.Parse(strings.NewReader(page)))(t)
	var between strings.Builder
	for node := range root.Descendants() {
		switch node.Type {
		case html.CommentNode:
			elements = append(elements, element{name: "comment"})
		case html.TextNode:
			if slices.Contains([]string{"script", "style"}, node.Parent.Data) {
				elements = append(elements, element{name: node.Parent.Data + " text", running: []string{node.Data}})
			}
			between.WriteString(node.Data)
		case html.ElementNode:
			e := element{name: node.Data}
			for _, attribute := range node.Attr {
				e.attributes = append(e.attributes, attribute.Key)
				if strings.HasPrefix(attribute.Key, "on") || slices.Contains([]string{"style", "src", "srcdoc", "action", "formaction", "http-equiv", "content"}, attribute.Key) {
					e.running = append(e.running, attribute.Val)
				}
				if attribute.Key == "href" || attribute.Key == "xlink:href" {
					// An address may name the merchant in what follows ? and #.
					before, _, _ := strings.Cut(attribute.Val, "?")
					before, _, _ = strings.Cut(before, "#")
					e.running = append(e.running, before)
				}
			}
			elements = append(elements, e)
		default: // the document itself
		}
	}
	return elements, between.String()
}

// places are where a merchant's configuration holds text that is shown.
func places() map[string]func(*config.Merchant, string) {
	return map[string]func(*config.Merchant, string){
		"name":       func(m *config.Merchant, text string) { m.Name = text },
		"partner id": func(m *config.Merchant, text string) { m.CstID = text },
		"hub":        func(m *config.Merchant, text string) { m.Hub.Label = text },
	}
}

// hostileStand is a stand with the partners store and other, and with everyone
// whose id is a hostile name.
func hostileStand(t *testing.T) *stand.Stand {
	t.Helper()
	return stand.New(t, append(hostileNames(), "store", "other", "harmless")...)
}

// put writes a text into one place of the configuration of store and has the hub
// asked, if it is a new merchant now. It returns false for a text that cannot
// be there.
func put(t *testing.T, s *stand.Stand, place, text string) bool {
	t.Helper()
	if place == "partner id" && !utf8.ValidString(text) {
		return false // no request can hold it, so that no partner has it
	}
	watched := s.Config("store", "other")
	places()[place](&watched.Merchants[0], text)
	s.Merchants.Apply(watched)
	s.Scrape(t, "/metrics")
	return true
}

// A merchant's name, its partner id and its hub are text on the page, and no
// more: if they are hostile it has the same elements, attributes, scripts,
// styles and addresses as if they are harmless.
func TestNamesAreOnlyTextOnThePage(t *testing.T) {
	t.Parallel()
	for place := range places() {
		for _, failing := range []bool{false, true} {
			s := hostileStand(t)
			if failing {
				must.Do(t, s.Hub.Apply("", hub.EndpointToken, "result=T0310"))
			}
			show := func(query string) ([]element, string) {
				response := s.Get(t, query)
				if response.Status != http.StatusOK {
					t.Fatalf("the page answers %d", response.Status)
				}
				if policy := response.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src 'unsafe-inline'") {
					t.Errorf("policy %q", policy)
				}
				return elementsOf(t, response.Body)
			}
			for _, query := range []string{"/", "/?lang=ko", "/?lang=en"} {
				put(t, s, place, "harmless")
				want, _ := show(query)
				for _, name := range hostileNames() {
					if !put(t, s, place, name) {
						continue
					}
					got, text := show(query)
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%q as %s changes the page:\n%+v\nwant\n%+v", name, place, got, want)
					}
					// HTML itself turns line breaks and what is no text into something else.
					if utf8.ValidString(name) && !strings.ContainsAny(name, "\x00\r\n") && !strings.Contains(text, name) {
						t.Errorf("%q as %s is not on the page:\n%s", name, place, text)
					}
				}
			}
		}
	}
}

// The comparison above notices what would break out of the page.
func TestElementsOfFindsWhatBreaksOut(t *testing.T) {
	t.Parallel()
	want, _ := elementsOf(t, `<table title="harmless"><tr><th><a href="/x?m=harmless">harmless</a></table><script>let a=1</script>`)
	for _, page := range []string{
		`<table title="x"><tr><th><a href="/x?m=1"><b>x</b></a></table><script>let a=1</script>`,
		`<table title="x" onclick=x><tr><th><a href="/x?m=1">x</a></table><script>let a=1</script>`,
		`<table title="x"><tr><th><a href="javascript:x">x</a></table><script>let a=1</script>`,
		`<table title="x"><tr><th><a href="/x?m=1">x</a></table><script>let a=2</script>`,
		`<table title="x"><tr><th><a href="/x?m=1"><!-- x</a></table><script>let a=1</script>`,
	} {
		if got, _ := elementsOf(t, page); fmt.Sprint(got) == fmt.Sprint(want) {
			t.Errorf("not noticed: %s", page)
		}
	}
	if got, _ := elementsOf(t, `<table title="&quot;x"><tr><th><a href="/x?m=%22">&lt;b></a></table><script>let a=1</script>`); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("text is taken for more")
	}
}

// Whatever text a name, a partner id or a hub is, metrics and service discovery
// parse, and it is a label as it stands.
func TestNamesAreOnlyLabels(t *testing.T) {
	t.Parallel()
	for place, write := range places() {
		s := hostileStand(t)
		for _, name := range hostileNames() {
			if !put(t, s, place, name) {
				continue
			}
			got := s.Scrape(t, "/metrics")
			// What is no text, no label can hold.
			labelled := config.Merchant{Name: "store", CstID: "store", Hub: config.Hub{Label: "test"}}
			write(&labelled, strings.ToValidUTF8(name, "\uFFFD"))
			for sample, want := range map[string]float64{
				"payple_up{merchant=other}": 1, "payple_up{merchant=" + labelled.Name + "}": 1,
				"payple_merchant_info{cst_id=" + labelled.CstID + ",hub=" + labelled.Hub.Label + ",merchant=" + labelled.Name + "}": 1,
				"payple_merchant_info{cst_id=other,hub=test,merchant=other}":                                                        1,
			} {
				if value, there := got[sample]; !there || value != want {
					t.Errorf("%q as %s: %q is not there in\n%v", name, place, sample, got)
				}
			}
			for _, metric := range []string{"payple_up{", "payple_merchant_info{"} {
				if n := countPrefix(got, metric); n != 2 {
					t.Errorf("%q as %s makes %d merchants of two: %v", name, place, n, got)
				}
			}
			var groups []struct{ Labels map[string]string }
			if err := json.Unmarshal([]byte(s.Get(t, "/sd").Body), &groups); err != nil || len(groups) != 2 || len(groups[0].Labels) != 3 {
				t.Errorf("%q as %s: discovery gives %v, %v", name, place, groups, err)
			}
		}
	}
}

// countPrefix returns how many samples of an exposition begin so.
func countPrefix(samples map[string]float64, prefix string) int {
	n := 0
	for sample := range samples {
		if strings.HasPrefix(sample, prefix) {
			n++
		}
	}
	return n
}

// A target is a host and perhaps a port, and nothing that Prometheus, or a
// person, could take for more.
func TestIsTarget(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"exporter": true, "exporter.example:10911": true, "10.0.0.1:1": true, "10.0.0.1": true, "[::1]": true, "[2001:db8::1]:65535": true, "a_b-c.d:80": true, "localhost": true,
		"": false, ":80": false, "a:": false, "a:0": false, "a:65536": false, "a:+1": false, "a: 1": false, "::1": false, "[::1": false, "::1]": false, "[a]": false, "[a]:1": false, "[]:1": false,
		"a b": false, "a/b": false, "http://a": false, "u@a": false, "a?b": false, "a#b": false, `a"b`: false, "a\r\nb": false, "a\x00": false, "a,b": false, "[fe80::1%25eth0]:1": false,
		"한국": false, strings.Repeat("a", 253): true, strings.Repeat("a", 254): false,
	} {
		if got := web.IsTarget(address); got != want {
			t.Errorf("IsTarget(%q) = %v, want %v", address, got, want)
		}
	}
}

// conn is a connection that only knows whether it was closed.
type conn struct {
	net.Conn

	name   string
	closed bool
}

func (c *conn) Close() error { c.closed = true; return nil }

// Of one connection too many, the one that has been waiting longest goes; one
// that is being answered never does, and none goes twice.
func TestConnections(t *testing.T) {
	t.Parallel()
	conns := make(map[string]*conn)
	bound := web.NewConnections(2)
	tell := func(state http.ConnState, names ...string) {
		for _, name := range names {
			if conns[name] == nil {
				conns[name] = &conn{name: name}
			}
			bound.Track(conns[name], state)
		}
	}
	expect := func(step string, want ...string) {
		t.Helper()
		var closed []string
		for name, c := range conns {
			if c.closed {
				closed = append(closed, name)
			}
		}
		if slices.Sort(closed); !slices.Equal(closed, want) {
			t.Errorf("%s: closed are %q, want %q", step, closed, want)
		}
	}
	tell(http.StateNew, "a", "b")
	expect("as many as allowed")
	tell(http.StateActive, "a")
	tell(http.StateIdle, "a")
	tell(http.StateNew, "c")
	expect("b has waited longest", "b")
	tell(http.StateClosed, "b")
	tell(http.StateActive, "a", "c")
	tell(http.StateNew, "d")
	expect("all others are being answered", "b", "d")
	tell(http.StateActive, "d") // its request was on the way
	tell(http.StateClosed, "d")
	tell(http.StateClosed, "a")
	tell(http.StateIdle, "c")
	tell(http.StateNew, "e")
	expect("there is room again", "b", "d")
	tell(http.StateHijacked, "c")
	tell(http.StateNew, "f")
	expect("one that was taken over is not counted", "b", "d")
	tell(http.StateNew, "g", "h", "i")
	expect("each new one ends an old one", "b", "d", "e", "f", "g")
}

// The policy of an operator, set in --web.config.file, is not overruled.
func TestOperatorsHeadersStay(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	handler := s.Handler
	operator := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "sameorigin")
		w.Header().Set("Content-Security-Policy", "sandbox")
		handler.ServeHTTP(w, r)
	})
	s = &stand.Stand{Handler: operator}
	header := s.Get(t, "/metrics").Header
	if header.Get("X-Frame-Options") != "sameorigin" || header.Get("Content-Security-Policy") != "sandbox" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %v", header)
	}
}

// A request that makes a handler panic is answered 500 without details, the log
// tells of it at the level that everybody sees, without a secret, and the next
// request is answered.
func TestPanicsAreTold(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	var (
		text   bytes.Buffer
		broken atomic.Bool
	)
	merchants := collector.New(collector.Options{
		Settings: collector.Settings{MaxAge: time.Minute, Timeout: time.Second, Now: func() time.Time {
			if broken.Load() {
				panic("not what it was")
			}
			return s.Clock.Now()
		}},
		NewQuerier: func(config.Merchant) collector.Querier { return stand.Instant{} },
	})
	merchants.Apply(s.Config("store"))
	s.Handler = web.New(web.Options{
		Collector: merchants, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics", MaxRequests: 1, Logger: log.NewLogfmtLogger(&text),
	})
	broken.Store(true)
	for range 2 { // the one slot is given back
		response := s.Get(t, "/metrics")
		if response.Status != http.StatusInternalServerError || strings.Contains(response.Body, "goroutine") || strings.Contains(response.Body, "not what") {
			t.Errorf("answers %d: %s", response.Status, response.Body)
		}
	}
	if line := text.String(); !strings.Contains(line, "level=error") || !strings.Contains(line, "not what it was") || !strings.Contains(line, "goroutine") ||
		strings.Contains(line, stand.CustKey) || strings.Contains(line, "eyJ") || strings.Count(line, "\n") != 2 {
		t.Errorf("the log says:\n%s", line)
	}
	broken.Store(false)
	expectFigures(t, s.Scrape(t, "/metrics"))
}
