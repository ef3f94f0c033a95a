package statuspage_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/stand"
)

var update = flag.Bool("update", false, "write the golden files again")

// The whole page of merchants in all conditions, in both languages, is what the
// golden files say: a change of what people see is a change of these.
func TestPageGolden(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, everyShop()...)
	for _, language := range []string{"en", "ko"} {
		path := filepath.Join("testdata", "page-"+language+".html")
		got := regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(s.Get(t, "/?lang="+language).Body, "<style>…</style>")
		golden.Compare(t, path, got, *update)
	}
}

// The policy lets in the page's own style sheet, a form to itself, an icon out
// of the page, and nothing else; the page needs nothing else.
func TestPagePolicy(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{Demo: true}, "dalbit")
	response := s.Get(t, "/")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(response.Body)
	if style == nil {
		t.Fatal("no style sheet")
	}
	hash := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	if got := response.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %s\nwant   %s", got, want)
	}
	for _, unwanted := range []string{"<script", " style=", "javascript:", " onload", " onclick", "unsafe", "@import", "url("} {
		if strings.Contains(response.Body, unwanted) {
			t.Errorf("the page has %q", unwanted)
		}
	}
	for _, match := range regexp.MustCompile(`(?:src|action|href)="([^"]*)"`).FindAllStringSubmatch(response.Body, -1) {
		if target := match[1]; strings.HasPrefix(target, "http") || strings.HasPrefix(target, "/") || strings.Contains(target, "Zgotmpl") {
			t.Errorf("a reference to %s: want the page's own, relative", target)
		}
	}
}

// The language is the one asked for, else the one the browser prefers of the
// two, else English; and caches learn that.
func TestPageLanguage(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, "dalbit")
	for _, test := range []struct{ target, accept, want string }{
		{"/", "", "en"},
		{"/", "ko-KR,ko;q=0.9,en-US;q=0.8", "ko"},
		{"/", "en-GB,en;q=0.9,ko;q=0.8", "en"},
		{"/", "de-DE,de;q=0.9", "en"},
		{"/", "de,ko;q=0.5", "ko"},
		{"/", "*", "en"},
		{"/", strings.Repeat("x-", 500) + ";;q=,,", "en"},
		{"/?lang=ko", "en", "ko"},
		{"/?lang=en", "ko", "en"},
		{"/?lang=ko-KR", "en", "ko"},
		{"/?lang=fr", "ko", "ko"},
		{"/?lang=%ff%3Cscript%3E", "ko", "ko"},
	} {
		response := s.Get(t, test.target, "Accept-Language", test.accept)
		if got := response.Header.Get("Content-Language"); got != test.want || !strings.Contains(response.Body, `<html lang="`+test.want+`">`) {
			t.Errorf("%s with %.40q is in %s, want %s", test.target, test.accept, got, test.want)
		}
		if response.Header.Get("Vary") != "Accept-Language" {
			t.Errorf("%s: Vary is %q", test.target, response.Header.Get("Vary"))
		}
	}
}

// Every link keeps what the reader has asked for, and an address that makes no
// sense shows something sensible.
func TestPageAddresses(t *testing.T) {
	t.Parallel()
	handler := fullPage(t, 130)
	get := func(target string) string {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody))
		if recorder.Code != http.StatusOK {
			t.Fatalf("%s answers %d", target, recorder.Code)
		}
		return recorder.Body.String()
	}
	for target, wants := range map[string][]string{
		"/":                                {`content="15"`, `href="?page=2" rel`, "1 to 50 of 130", `href="?refresh=off"`, `href="?lang=ko"`, `href="?show=attention"`},
		"/?page=2":                         {`href="./"`, `href="?page=3"`, "51 to 100 of 130", `href="?page=2&amp;refresh=off"`, `href="?lang=ko&amp;page=2"`},
		"/?page=3":                         {"101 to 130 of 130"},
		"/?page=99":                        {"101 to 130 of 130"},
		"/?page=-1":                        {"1 to 50 of 130"},
		"/?page=x&show=all":                {"1 to 50 of 130"},
		"/?q=0012&lang=en":                 {"11 found for “0012”", `value="0012"`, `name="lang" value="en"`, `href="?lang=en&amp;q=0012&amp;refresh=off"`},
		"/?q=PARTNER-00012":                {"1 found", "partner-00012", `href="./">Clear search`, `href="./">All 130`, `href="?q=PARTNER-00012&amp;show=attention">Needs attention 0`},
		"/?q=0012&lang=ko&page=2":          {`href="?lang=ko">검색 지우기`, `href="?lang=ko">전체 130`},
		"/?q=강남구&page=2":                   {"51 to 100 of 130", `href="?page=3&amp;q=%EA%B0%95%EB%82%A8%EA%B5%AC"`},
		"/?q=nobody":                       {"0 found for “nobody”", "No merchant to show.", "All 130 merchants can pay out"},
		"/?q=%3Cb%3E%22":                   {"“&lt;b&gt;&#34;”"},
		"/?q=%ff%fe":                       {"1 to 50 of 130"},
		"/?q=0012&show=attention":          {"0 found", `href="?show=attention">Clear search`, `href="./">All 130`},
		"/?show=attention":                 {"No merchant to show.", `href="./">All 130`, `href="?show=attention" aria-current="true"`},
		"/?refresh=off&show=attention&q=a": {`name="show" value="attention"`, `name="refresh" value="off"`, `href="?q=a&amp;show=attention">Start`},
	} {
		body := get(target)
		for _, want := range wants {
			want = strings.ReplaceAll(want, ` rel`, ``)
			if !strings.Contains(body, want) {
				t.Errorf("%s does not have %s", target, want)
			}
		}
		if strings.Contains(target, "refresh=off") == strings.Contains(body, `http-equiv="refresh"`) {
			t.Errorf("%s refreshes itself or not, the wrong way round", target)
		}
	}
	if long := get("/?q=" + strings.Repeat("가", 5000)); len(long) > 20<<10 {
		t.Errorf("a long search makes a page of %d bytes", len(long))
	}
}

// A search counts who needs attention among whom it finds, and the headline
// goes on counting all.
func TestPageSearchCountsWhatItFinds(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, everyShop()...)
	for target, wants := range map[string][]string{
		"/?q=dalbit":                     {"1 of 9 merchants cannot pay out", "8 of 9 merchants need attention", "1 found", ">Needs attention 1<", ">All 9<"},
		"/?q=hanbit":                     {"1 of 9 merchants cannot pay out", "1 found", ">Needs attention 0<", "hanbit-market"},
		"/?q=rae&show=attention":         {"2 found", ">Needs attention 2<", "narae-books", "mirae-travel"},
		"/?show=attention":               {">Needs attention 8<", ">All 9<"},
		"/?q=hanbit&show=attention":      {"0 found", "No merchant to show.", `<h1>1 of 9 merchants cannot pay out: <span class="who">dalbit</span></h1>`},
		"/?q=hanbit&show=all&lang=ko":    {"지급 불가</span>: "},
		"/?q=no-such&show=x&refresh=off": {">Needs attention 0<"},
	} {
		body := s.Get(t, target).Body
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not have %s", target, want)
			}
		}
	}
}

// Opening the page, however often, asks the hub no more than scrapes do.
func TestPageObeysTheGate(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	for range 5 {
		s.Get(t, "/")
		s.Get(t, "/?q=nobody")
		s.Scrape(t, "/metrics")
		s.Clock.Advance(time.Second)
	}
	if n := s.Hub.Requests("store", hub.EndpointRemain); n != 1 {
		t.Errorf("asked %d times within its interval, want once", n)
	}
}

// stuck is a Querier whose hub never answers.
type stuck struct{ stand.Instant }

func (stuck) Remain(ctx context.Context) (hub.Limit, error) {
	<-ctx.Done()
	return hub.Limit{}, &hub.Error{Reason: hub.ReasonTimeout}
}

// A hub that hangs keeps no reader waiting: after a second the page shows what
// is known, says that it is asking, and looks again soon.
func TestPageDoesNotWaitForTheHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := collector.New(collector.Options{
			Settings:   collector.Settings{MaxAge: time.Minute, Timeout: 30 * time.Second},
			NewQuerier: func(config.Merchant) collector.Querier { return stuck{} },
		})
		all.Apply(config.Config{MinInterval: 10 * time.Second, Merchants: []config.Merchant{{Name: "store", Key: hub.FixedKey(hub.NewSecret(stand.CustKey), "test")}}})
		handler := stand.Handler(all, statuspage.Options{})
		began := time.Now()
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if took := time.Since(began); took != time.Second {
			t.Errorf("the page took %s", took)
		}
		for _, want := range []string{"Asking the hub now", `http-equiv="refresh" content="2"`} {
			if !strings.Contains(recorder.Body.String(), want) {
				t.Errorf("%q is missing", want)
			}
		}
		synctest.Wait()
		time.Sleep(time.Minute) // the query ends
	})
}

// The page is small and quick to read for one merchant too, and shows its
// history from what scrapes have brought.
func TestPageHistoryComesFromScrapes(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	s.Get(t, "/")
	if body := s.Get(t, "/").Body; strings.Contains(body, `class="trail"`) || !strings.Contains(body, "too early to tell") || !strings.Contains(body, "needs 5\u00a0min of history") {
		t.Error("a history or an outflow of one figure")
	}
	for i := range 7 {
		s.Clock.Advance(time.Minute)
		s.Hub.SetFigures("store", simulator.Figures{Total: 10_000_000, Transferred: 56_000 + hub.Won(i)*10_000})
		s.Scrape(t, "/metrics")
	}
	body := s.Get(t, "/").Body
	for _, want := range []string{`class="trail"`, "History over 7\u00a0min: from ₩9,944,000 to ₩9,884,000, lowest ₩9,884,000, highest ₩9,944,000", "at ₩342,848 an hour over the last 7\u00a0min"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
}
