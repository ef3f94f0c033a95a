package statuspage

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/history"
	"payple_exporter/internal/lang"
)

// A hub that is closed is not broken, and an HTTP 403 is not the key's: the page
// says so in its own words, in both languages.
func TestRefusalsInTheirOwnWords(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		failure           hub.Error
		state, action     [2]string // in English and Korean
		credentialsAlarms bool
	}{
		{
			hub.Error{Reason: hub.ReasonClosed},
			[2]string{"The hub or the bank is closed now", "지금은 허브 또는 은행의 이용 시간이 아님"},
			[2]string{"Wait until it opens again", "다시 확인하세요"},
			false,
		},
		{
			hub.Error{Reason: hub.ReasonClosed, Code: "T0997"},
			[2]string{"Outside the hub's hours (T0997)", "허브 이용 시간이 아님(T0997)"},
			[2]string{"Wait until it opens again", "다시 확인하세요"},
			false,
		},
		{
			hub.Error{Reason: hub.ReasonClosed, Code: "T0996"},
			[2]string{"Bank maintenance (T0996)", "은행 점검 중(T0996)"},
			[2]string{"Wait until the maintenance ends", "점검이 끝난 뒤"},
			false,
		},
		{
			hub.Error{Reason: hub.ReasonAuth, Status: http.StatusForbidden},
			[2]string{"Access refused (HTTP 403)", "접근이 거부됨(HTTP 403)"},
			[2]string{"Check first whether a firewall", "먼저 방화벽이나 프록시"},
			true,
		},
	} {
		snapshot := failing(known("store", 1, 1, nil), test.failure.Reason)
		snapshot.Failure = &test.failure
		st := forgotten(snapshot).evaluate(0, history.Outflow{})
		for i, language := range lang.Languages() {
			r := printer{newTexts(), language}.newRow(&st, nil, time.Now())
			if state := r.State.String(); !strings.HasPrefix(state, test.state[i]) && !strings.HasSuffix(state, ": "+test.state[i]) {
				t.Errorf("%s: state %q, want %q", language, state, test.state[i])
			}
			if action := r.Action.String(); !strings.Contains(action, test.action[i]) {
				t.Errorf("%s: action %q, want %q", language, action, test.action[i])
			}
			if strings.Contains(r.Runbook, "PaypleCredentialsRejected") != test.credentialsAlarms {
				t.Errorf("%s: runbook %s", language, r.Runbook)
			}
		}
	}
}
