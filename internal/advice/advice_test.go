package advice

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// Every reason and every known code tells a person what is wrong and what to
// do, in both languages; in Korean in whole sentences. Every reason has a name.
func TestEveryFailureIsExplainedInBothLanguages(t *testing.T) {
	t.Parallel()
	var failures []*hub.Error
	for _, reason := range hub.Reasons() {
		failures = append(failures, &hub.Error{Reason: reason, Status: http.StatusServiceUnavailable})
		if name := Name(reason); name.English != string(reason) || name.Korean == "" {
			t.Errorf("%s: %+v", reason, name)
		}
	}
	for letter := range strings.SplitSeq("TA", "") {
		for number := range 10_000 {
			code := fmt.Sprintf("%s%04d", letter, number)
			_, told := lookUp(code)
			if known := (&hub.Error{Code: code}).Meaning() != ""; told != known {
				t.Errorf("%s: known to the hub's client: %t, to a person: %t", code, known, told)
			}
			if told {
				failures = append(failures, &hub.Error{Code: code})
			}
		}
	}
	for _, failure := range failures {
		for _, text := range []lang.Text{Problem(failure), Action(failure)} {
			if text.English == "" || hangul(text.English) || !hangul(text.Korean) {
				t.Errorf("%s %s: %+v", failure.Reason, failure.Code, text)
			}
		}
		if korean := Action(failure).Korean; !strings.HasSuffix(korean, "요.") && !strings.HasSuffix(korean, "니다.") {
			t.Errorf("%s %s: no sentence: %s", failure.Reason, failure.Code, korean)
		}
	}
	if got := Action(&hub.Error{Code: "T0310"}).English; !strings.Contains(got, "White IP") {
		t.Errorf("T0310: %s", got)
	}
	if got := Action(&hub.Error{Code: "T0300", KeyWrapped: true}); !strings.Contains(got.English, "begins or ends with a blank or a quote") || !strings.Contains(got.Korean, "공백 또는 따옴표") {
		t.Errorf("T0300 to a key in quotes: %+v", got)
	}
	if got := Action(&hub.Error{Code: "A0009"}).Korean; !strings.Contains(got, "페이플에 문의") {
		t.Errorf("A0009: %s", got)
	}
}

// What went wrong names the hub's code, or the HTTP status where there is none.
func TestProblemNamesWhatTheHubAnswered(t *testing.T) {
	t.Parallel()
	for want, failure := range map[string]*hub.Error{
		"unknown partner or key, or payouts not set up (T0300)": {Reason: hub.ReasonAuth, Code: "T0300"},
		"the hub refused the request (A1234)":                   {Reason: hub.ReasonRejected, Code: "A1234"},
		"the hub refused the request (9991)":                    {Reason: hub.ReasonRejected, Code: "9991"},
		"outside the hub's hours (T0997)":                       {Reason: hub.ReasonClosed, Code: "T0997"},
		"the hub answered with an error (HTTP 503)":             {Reason: hub.ReasonHTTPStatus, Status: http.StatusServiceUnavailable},
		"access refused (HTTP 403)":                             {Reason: hub.ReasonAuth, Status: http.StatusForbidden},
		"the hub did not answer in time":                        {Reason: hub.ReasonTimeout},
	} {
		if got := Problem(failure).English; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What a person is told names the code if there is one, else an HTTP status that
// means something.
func TestProblemNamesTheStatusOnlyWhereItMeansSomething(t *testing.T) {
	t.Parallel()
	for want, failure := range map[string]*hub.Error{
		"(HTTP 429)": {Reason: hub.ReasonRateLimited, Status: http.StatusTooManyRequests},
		"(HTTP 502)": {Reason: hub.ReasonHTTPStatus, Status: http.StatusBadGateway},
		"(A0009)":    {Reason: hub.ReasonRateLimited, Status: http.StatusTooManyRequests, Code: "A0009"},
		"":           {Reason: hub.ReasonInvalidResponse, Status: http.StatusOK},
	} {
		got := Problem(failure).English
		if want == "" && strings.Contains(got, "(") || !strings.HasSuffix(got, want) {
			t.Errorf("%+v is told as %q, want %q", failure, got, want)
		}
	}
	if got := Problem(&hub.Error{Reason: hub.ReasonHTTPStatus}).English; strings.Contains(got, "HTTP 0") {
		t.Errorf("told as %q", got)
	}
}

// Where a page comes with HTTP 403, what stands on the way is looked at before
// the key; where the hub's own code does, or HTTP 401, there is nothing on the
// way.
func TestForbiddenIsTheWayFirst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		failure *hub.Error
		way     bool
	}{
		{&hub.Error{Reason: hub.ReasonAuth, Status: http.StatusForbidden}, true},
		{&hub.Error{Reason: hub.ReasonAuth, Status: http.StatusForbidden, Code: "T0300"}, false},
		{&hub.Error{Reason: hub.ReasonAuth, Status: http.StatusUnauthorized}, false},
		{&hub.Error{Reason: hub.ReasonAuth}, false},
	} {
		action := Action(test.failure)
		for _, words := range [][]string{
			{action.English, "firewall", "proxy", "Payple's address list", "custKey"}, {action.Korean, "방화벽", "프록시", "White IP", "custKey"},
		} {
			text, at := words[0], -1
			for _, word := range words[1:] {
				next := strings.Index(text, word)
				if (next >= 0) != (test.way || word == "custKey") || test.way && next <= at {
					t.Errorf("HTTP %d %s: %q stands at %d in %q", test.failure.Status, test.failure.Code, word, next, text)
				}
				at = next
			}
		}
	}
}

// What the hub says when it is closed is to be waited for: nobody is sent to
// look for a fault or to call.
func TestClosedIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "T0996", "T0997"} {
		action := Action(&hub.Error{Reason: hub.ReasonClosed, Code: code})
		if !strings.HasPrefix(action.English, "wait until") || strings.Contains(action.English, "call") || strings.Contains(action.Korean, "문의") {
			t.Errorf("%s: %+v", code, action)
		}
	}
}

func hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}
