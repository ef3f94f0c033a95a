package statuspage_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/secrets"
	"payple_exporter/internal/test/stand"
)

func statusOf(t *testing.T, reply stand.Reply) (status statuspage.Status) {
	t.Helper()
	if err := json.Unmarshal([]byte(reply.Body), &status); err != nil {
		t.Fatalf("%v: %s", err, reply.Body)
	}
	if want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[status.OK]; reply.Status != want {
		t.Errorf("HTTP %d where ok is %v", reply.Status, status.OK)
	}
	return status
}

// The answer of merchants in all conditions is what the golden file says: its
// shape is a promise. It says what the page says, and never the key.
func TestStatusJSONGolden(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, everyShop()...)
	reply := s.Get(t, "/status.json")
	golden.Compare(t, "testdata/status.json", reply.Body, *update)
	if kind := reply.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %s", kind)
	}
	for _, language := range []string{"en", "ko"} {
		headline := regexp.MustCompile(`<h1>(.*)</h1>`).FindStringSubmatch(s.Get(t, "/?lang="+language).Body)[1]
		want := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(headline, ""))
		reply := s.Get(t, "/status.json?lang="+language)
		if got := statusOf(t, reply).Headline; got != want {
			t.Errorf("the headline is %q, and %q on the page", got, want)
		}
		secrets.ExpectNone(t, "/status.json", reply.Body, stand.CustKey)
	}
}

// A program that asks for one merchant is told of that alone, and 200 means that
// its figure is known, fresh and enough.
func TestStatusJSONOfOne(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, everyShop()...)
	states := make(map[string]bool)
	for _, name := range everyShop() {
		status := statusOf(t, s.Get(t, "/status.json?merchant="+url.QueryEscape(name)))
		if len(status.Merchants) != 1 || status.Merchants[0].Merchant != name {
			t.Fatalf("%s: told of %+v", name, status.Merchants)
		}
		one := status.Merchants[0]
		states[one.State] = true
		if status.OK != (name == "hanbit-market") || one.OK != status.OK || one.OK == (one.Alert != "") {
			t.Errorf("%s is %s: ok %v and %v, alert %q", name, one.State, status.OK, one.OK, one.Alert)
		}
		known := one.Remain != nil
		if known != (one.Total != nil) || known != (one.Transfer != nil) || known && one.LastRemain != nil || one.OK && !known || (one.Reason == "") != (one.Problem == "") {
			t.Errorf("%s does not fit together: %+v", name, one)
		}
		if one.Runbook != "" && s.Get(t, "/"+one.Runbook).Status != http.StatusOK {
			t.Errorf("%s: no %s", name, one.Runbook)
		}
	}
	if len(states) != len(statuspage.States())-1 { // all but asking
		t.Errorf("only the states %v were seen", states)
	}
	for target, want := range map[string]int{
		"?merchant=nobody": http.StatusNotFound, "?merchant=": http.StatusBadRequest, "?merchant=dalbit&merchant=onnuri": http.StatusBadRequest,
	} {
		if got := s.Get(t, "/status.json"+target); got.Status != want || strings.HasPrefix(got.Body, "{") {
			t.Errorf("%s: %d %s, want %d", target, got.Status, got.Body, want)
		}
	}
}

// Asking costs the hub no more than scrapes do, and asking for one asks for that
// alone.
func TestStatusJSONObeysTheGate(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store", "other")
	for range 5 {
		statusOf(t, s.Get(t, "/status.json?merchant=store"))
		s.Clock.Advance(time.Second)
	}
	if one, other := s.Hub.Requests("store", hub.EndpointRemain), s.Hub.Requests("other", hub.EndpointRemain); one != 1 || other != 0 {
		t.Errorf("asked %d and %d times, want 1 and 0", one, other)
	}
}

// What has never been known is no 200, however early it is: a batch waits for it.
func TestStatusJSONBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := collector.New(collector.Options{
			Settings:   collector.Settings{MaxAge: time.Minute, Timeout: 30 * time.Second},
			NewQuerier: func(config.Merchant) collector.Querier { return stuck{} },
		})
		all.Apply(config.Config{MinInterval: 10 * time.Second, Merchants: []config.Merchant{{Name: "store", Key: hub.FixedKey(hub.NewSecret(stand.CustKey), "test")}}})
		began := time.Now()
		recorder := httptest.NewRecorder()
		stand.Handler(all, statuspage.Options{}).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/status.json", http.NoBody))
		status := statusOf(t, stand.Reply{Status: recorder.Code, Body: recorder.Body.String()})
		if took := time.Since(began); status.OK || status.Merchants[0].State != "asking" || took != 9*time.Second {
			t.Errorf("after %s: %+v", took, status)
		}
		synctest.Wait()
		time.Sleep(time.Minute) // the query ends
	})
}
