package hub_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"payple_exporter/hub"
)

// dressed is a hub whose remain answers are put into some dress.
func dressed(t *testing.T, dress func(http.ResponseWriter, string)) *hub.Session {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			var asked struct{ Code string }
			_ = json.NewDecoder(r.Body).Decode(&asked)
			_, _ = fmt.Fprintf(w, `{"result":"T0000","code":%q,"access_token":"t","expires_in":"60"}`, asked.Code)
			return
		}
		dress(w, `{"result":"A0000","message":"처리 성공","cst_id":"`+cstID+`","total_account_amt":"10000000","total_transfer_amt":"56000","remain_amt":"9944000"}`)
	}))
	t.Cleanup(server.Close)
	return hub.NewSession(hub.NewClient(hub.Options{URL: server.URL}), cstID, goodKey())
}

// amount puts the remaining amount as it is written in JSON.
func amount(written string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, answer string) {
		_, _ = w.Write([]byte(strings.Replace(answer, `"9944000"`, written, 1)))
	}
}

func zipped(answer string) []byte {
	var body bytes.Buffer
	writer := gzip.NewWriter(&body)
	_, _ = writer.Write([]byte(answer))
	_ = writer.Close()
	return body.Bytes()
}

// A true figure in unusual dress is shown; none that could be read in two ways,
// or is not whole, is. docs/reliability.md has the same table in words.
func TestTrueFiguresInUnusualDress(t *testing.T) {
	t.Parallel()
	with := func(header, value string, status int, body func(string) []byte) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, answer string) {
			w.Header().Set(header, value)
			w.WriteHeader(status)
			_, _ = w.Write(body(answer))
		}
	}
	plain := func(answer string) []byte { return []byte(answer) }
	for name, test := range map[string]struct {
		dress func(http.ResponseWriter, string)
		shown bool
	}{
		"two zero decimals":                {amount(`"9944000.00"`), true},
		"one zero decimal":                 {amount(`"9944000.0"`), true},
		"a number with zero decimals":      {amount(`9944000.0`), true},
		"groups and zero decimals":         {amount(`"9,944,000.00"`), true},
		"padded in front":                  {amount(`"   9944000"`), true},
		"padded behind, with a line break": {amount(`"9944000 \r\n"`), true},
		"HTTP 201":                         {with("X-Any", "1", http.StatusCreated, plain), true},
		"a byte order mark":                {with("X-Any", "1", http.StatusOK, func(a string) []byte { return []byte("\uFEFF" + a) }), true},
		"gzip":                             {with("Content-Encoding", "gzip", http.StatusOK, zipped), true},
		"a field twice that nobody reads": {with("X-Any", "1", http.StatusOK, func(a string) []byte {
			return []byte(strings.Replace(a, `"message"`, `"message":"x","message"`, 1))
		}), true},

		"three decimals":           {amount(`"9944000.000"`), false},
		"half a won":               {amount(`"9944000.50"`), false},
		"a point alone":            {amount(`"9944000."`), false},
		"decimals alone":           {amount(`".00"`), false},
		"blanks between digits":    {amount(`"9 944 000"`), false},
		"blanks alone":             {amount(`"  "`), false},
		"groups that are wrong":    {amount(`"99,44,000.00"`), false},
		"an exponent":              {amount(`9.944e6`), false},
		"the amount twice":         {amount(`"9944000","remain_amt":"9944000"`), false},
		"HTTP 202":                 {with("X-Any", "1", http.StatusAccepted, plain), false},
		"two byte order marks":     {with("X-Any", "1", http.StatusOK, func(a string) []byte { return []byte("\uFEFF\uFEFF" + a) }), false},
		"gzip that is cut":         {with("Content-Encoding", "gzip", http.StatusOK, func(a string) []byte { return zipped(a)[:60] }), false},
		"gzip that is none":        {with("Content-Encoding", "gzip", http.StatusOK, plain), false},
		"gzip that swells":         {with("Content-Encoding", "gzip", http.StatusOK, func(a string) []byte { return zipped(a + strings.Repeat(" ", 1<<20)) }), false},
		"a compression of others'": {with("Content-Encoding", "br", http.StatusOK, zipped), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit, err := dressed(t, test.dress).Remain(t.Context())
			if test.shown && (err != nil || limit.Remain != 9_944_000 || limit.TotalAccount != 10_000_000) {
				t.Errorf("got %+v, %v", limit, err)
			}
			if failure, failed := errors.AsType[*hub.Error](err); !test.shown && (!failed || limit != hub.Limit{}) {
				t.Errorf("shown as %+v: %v", limit, failure)
			}
		})
	}
}
