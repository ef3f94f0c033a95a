package statuspage_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/links"
)

// alertNames are the alerts of the rules that ship.
func alertNames(t *testing.T) (names []string) {
	t.Helper()
	rules, err := os.ReadFile("../../alerts/payple.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		names = append(names, match[1])
	}
	return names
}

// Every link of the page and of the runbooks answers, in both languages and
// below any path that a proxy adds; and so one comes to the runbook of each alert.
func TestEveryLinkAnswers(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{}, everyShop()...)
	reached := links.Follow(t, "https://proxy.example/some/where/", func(address string) links.Reply {
		reply := s.Get(t, strings.TrimPrefix(address, "https://proxy.example/some/where"))
		return links.Reply{Status: reply.Status, ContentType: reply.Header.Get("Content-Type"), Body: reply.Body}
	})
	alerts := alertNames(t)
	for _, alert := range alerts {
		if !reached["runbooks/"+alert] {
			t.Errorf("no link leads to the runbook of %s", alert)
		}
	}
	for _, want := range []string{"metrics", "probe", "sd", "-/healthy", "runbooks/", "status.json"} {
		if !reached[want] {
			t.Errorf("no link leads to %s", want)
		}
	}
	if len(alerts) < 10 {
		t.Errorf("only %d alerts", len(alerts))
	}
}

// A runbook is shown in the language asked for, or says in which it is written;
// what is no runbook's name is not found.
func TestRunbooksAnswer(t *testing.T) {
	t.Parallel()
	s := pageStand(t, statuspage.Options{Version: "1.0.0"}, "dalbit")
	for _, test := range []struct {
		target, accept string
		status         int
		wants          []string
	}{
		{"/runbooks/", "", 200, []string{`<html lang="en">`, "<title>Runbooks</title>", `href="PaypleDataStale?lang=en"`, "payple_exporter 1.0.0"}},
		{"/runbooks/?lang=ko", "", 200, []string{`<html lang="ko">`, "<title>대응 절차</title>", `href="../?lang=ko"`}},
		{"/runbooks/PaypleDataStale", "", 200, []string{`<html lang="en">`, "<title>PaypleDataStale · Runbooks</title>", "<h2>Mitigation</h2>", `<main lang="en">`, `href="?lang=ko"`}},
		{"/runbooks/PaypleDataStale", "ko-KR,ko;q=0.9", 200, []string{`<html lang="ko">`, `<main lang="ko">`, "<h2>조치 방법</h2>", `href="PaypleTransferLimitUnknown?lang=ko"`, `href="./?lang=ko"`, `href="?lang=en"`}},
		{"/runbooks/PaypleDataStale?lang=en", "ko", 200, []string{`<html lang="en">`}},
		{"/runbooks/PaypleDataStale?lang=%3Cscript%3E", "", 200, []string{`<html lang="en">`}},
		{"/runbooks/Nothing", "", 404, []string{"no runbook of that name"}},
		{"/runbooks/PaypleDataStale.ko", "", 404, nil},
		{"/runbooks/..%2fpage", "", 404, nil},
		{"/runbooks/%5c", "", 404, nil},
		{"/runbooks/PaypleDataStale/", "", 404, nil},
		{"/runbooks/PaypleDataStale/more", "", 404, nil},
	} {
		reply := s.Get(t, test.target, "Accept-Language", test.accept)
		if reply.Status != test.status {
			t.Errorf("%s answers %d, want %d", test.target, reply.Status, test.status)
		}
		for _, want := range test.wants {
			if !strings.Contains(reply.Body, want) {
				t.Errorf("%s for %q does not have %s", test.target, test.accept, want)
			}
		}
		if test.status == http.StatusOK && (reply.Header.Get("Vary") != "Accept-Language" || reply.Header.Get("Content-Language") == "") {
			t.Errorf("%s has the header %v", test.target, reply.Header)
		}
	}
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405} {
		recorder := httptest.NewRecorder()
		s.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, "/runbooks/PaypleDataStale", http.NoBody))
		if recorder.Code != want {
			t.Errorf("%s answers %d, want %d", method, recorder.Code, want)
		}
	}
}

// Runbooks are read at night, on a phone too: nothing is wider than the screen,
// nothing is said in the console, and nothing breaks the policy.
func TestRunbooksInABrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	server := httptest.NewServer(pageStand(t, statuspage.Options{}, "dalbit").Handler)
	t.Cleanup(server.Close)
	for _, l := range []look{
		{name: "runbooks", target: "/runbooks/?lang=ko", width: 360, height: 800, dark: true, texts: []string{"PaypleTransferLimitLow", "한도 잔여금액"}},
		{name: "runbook-phone", target: "/runbooks/PaypleTransferLimitUnknown", width: 360, height: 800, acceptKorean: true, texts: []string{"대응 절차", "silence add --duration=25h"}},
		{name: "runbook", target: "/runbooks/PaypleTransferLimitUnknown", width: 1200, height: 900, texts: []string{"Runbooks", "Mitigation"}, widths: []int64{320, 768, 1087, 1089}},
		{name: "runbooks-wide", target: "/runbooks/", width: 1200, height: 900, texts: []string{"says"}, widths: []int64{320, 768, 1087, 1089}},
	} {
		t.Run(l.name, func(t *testing.T) {
			l.plain = true
			lookAt(ctx, t, l, server.URL+l.target)
		})
	}
}
