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
// do, in both languages.
func TestEveryFailureIsExplainedInBothLanguages(t *testing.T) {
	t.Parallel()
	var failures []*hub.Error
	for _, reason := range hub.Reasons() {
		failures = append(failures, &hub.Error{Reason: reason, Status: http.StatusServiceUnavailable})
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
		"unknown partner, or a key of another (T0300)": {Reason: hub.ReasonAuth, Code: "T0300"},
		"the hub refused the request (A1234)":          {Reason: hub.ReasonRejected, Code: "A1234"},
		"the hub answered with an error (HTTP 503)":    {Reason: hub.ReasonHTTPStatus, Status: http.StatusServiceUnavailable},
		"the hub did not answer in time":               {Reason: hub.ReasonTimeout},
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

func hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}
