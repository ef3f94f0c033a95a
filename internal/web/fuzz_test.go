package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/web"
)

// A scrape's time is what its header says, at most 100 s because the server may
// write no longer, less the offset, unless that leaves less than half; a header
// that says nothing sensible counts as Prometheus' own default of 10 s.
func FuzzScrapeTimeout(f *testing.F) {
	for _, seed := range []string{"10", "2", "0.6", "0.5", "0.2", "", "x", "-1", "-3", "3600", "NaN", "Inf", "+Inf", "1e300", "1e-300", "0x1p3", "1_0", "abc", "0", "1e999", "100.5", " 5"} {
		f.Add(seed, int64(500))
	}
	f.Add("60", int64(45_000)) // more than half
	f.Add("1", int64(0))
	f.Fuzz(func(t *testing.T, header string, offsetMS int64) {
		if offsetMS < 0 || offsetMS > 1e6 {
			return // flags allow no other
		}
		allowed := 10.0
		if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 && !math.IsInf(seconds, 0) {
			allowed = math.Min(seconds, 100)
		}
		want := allowed - float64(offsetMS)/1000
		if want < allowed/2 {
			want = allowed / 2
		}
		// Durations are whole nanoseconds, which are cut off and not rounded.
		got := web.ScrapeTimeout(header, time.Duration(offsetMS)*time.Millisecond)
		if math.Abs(got.Seconds()-want) > 2e-9 {
			t.Fatalf("%q less %d ms is %s, want %g s", header, offsetMS, got, want)
		}
		if got == 0 && allowed > 2e-9 {
			t.Fatalf("%q less %d ms leaves no time", header, offsetMS)
		}
	})
}

// probeKey does not begin with a hexadecimal digit, so that no escape such as
// \xfa and what follows it reads like the key.
const probeKey = "sk-probe-16180339"

// probed are the merchants of the fuzz target, with names that a careless
// handler would stumble over.
func probed() []string {
	return []string{"store", "main store", "가게", `quo"te\n`, "a&merchant=b", "100%", "a+b", "<b>", "{x=\"y\"}"}
}

// Whatever stands in a probe's address, the answer is 200 with
// samples of exactly the one merchant that is named, 404 where there is none of
// that name, or 400; a refusal is one line of plain text and repeats nothing
// that could be mistaken for more; no secret is in any; and nothing panics.
func FuzzProbe(f *testing.F) {
	for _, name := range probed() {
		f.Add("merchant="+url.QueryEscape(name), "10")
	}
	for _, query := range []string{
		"", "merchant", "merchant=", "merchant=nobody", "merchant=store&merchant=store", "merchant=store;x", "merchant=%zz", "merchant=%00", "Merchant=store",
		"merchant=store&x=%ff", "merchant=%ff%fe", "merchant=a%0d%0aX-Evil:+1", "merchant=%3Cscript%3E", "merchant=" + strings.Repeat("a", 1000), "merchant[]=store",
		"%6derchant=store", "&&merchant=store&&", "merchant=store%20", "merchant=" + probeKey, "merchant==store",
	} {
		f.Add(query, "")
	}
	handler := probeHandler()
	known := make(map[string]bool)
	for _, name := range probed() {
		known[name] = true
	}
	f.Fuzz(func(t *testing.T, query, timeout string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe", nil)
		request.URL.RawQuery = query
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		body := recorder.Body.String()

		values, _ := url.ParseQuery(query) // what can be read of it counts
		names := values["merchant"]
		want := http.StatusBadRequest
		if len(names) == 1 && names[0] != "" {
			want = http.StatusNotFound
			if known[names[0]] {
				want = http.StatusOK
			}
		}
		if recorder.Code != want {
			t.Fatalf("/probe?%s answers %d, want %d: %s", query, recorder.Code, want, body)
		}
		if strings.Contains(body, probeKey) && !strings.Contains(query, probeKey) {
			t.Fatalf("/probe?%s shows the key: %s", query, body)
		}
		if want == http.StatusOK {
			mustBeOfOne(t, body, names[0])
			return
		}
		if kind := recorder.Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" || recorder.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Fatalf("a refusal is %q: a browser might take it for a page", kind)
		}
		if line := strings.TrimSuffix(body, "\n"); line == "" || !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) {
			t.Fatalf("/probe?%s is refused with %q, want one plain line", query, body)
		}
	})
}

// mustBeOfOne fails the test unless an exposition is one merchant's, with the
// figures that the hub gave or with none.
func mustBeOfOne(t *testing.T, body, merchant string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "merchant" && label.GetValue() != merchant {
					t.Fatalf("a probe of %q shows %s of %q", merchant, name, label.GetValue())
				}
			}
			if value := metric.GetGauge().GetValue(); name == collector.NameRemain && value != 9_944_000 {
				t.Fatalf("the hub never said %g", value)
			}
		}
	}
	up := families[collector.NameUp].GetMetric()
	if len(up) != 1 || up[0].GetGauge().GetValue() == 1 && len(families[collector.NameRemain].GetMetric()) != 1 {
		t.Fatalf("a probe of %q shows\n%s", merchant, body)
	}
}

// probeHandler returns the handler of an exporter that watches [probed],
// without a network.
func probeHandler() http.Handler {
	merchants := config.Config{MinInterval: time.Second}
	for _, name := range probed() {
		merchants.Merchants = append(merchants.Merchants, config.Merchant{
			Name: name, CstID: name, Key: hub.FixedKey(hub.NewSecret(probeKey), "test"), Hub: config.Hub{Label: "test", URL: "http://hub.invalid"},
		})
	}
	watched := collector.New(collector.Options{
		Settings:  collector.Settings{MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Limiter: collector.NewLimiter(32, 0)},
		Transport: echo{},
	})
	watched.Apply(merchants)
	return web.New(web.Options{
		Collector: watched, Own: prometheus.NewRegistry(), TelemetryPath: "/metrics",
		TimeoutOffset: 500 * time.Millisecond, MaxRequests: 64,
	})
}

// echo is a hub without a network, which gives everybody the same figures.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	var asked map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	answer := map[string]string{
		"result": "T0000", "code": asked["code"], "access_token": "tk", "token_type": "Bearer", "expires_in": "60",
		"total_account_amt": "10000000", "total_transfer_amt": "56000", "remain_amt": "9944000", "cst_id": asked["cst_id"],
	}
	if r.URL.Path == "/account/remain" {
		answer["result"] = "A0000"
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}, nil
}
