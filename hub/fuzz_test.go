package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The secrets of the fuzz targets. Seeds hold them, so that many an answer
// echoes them.
const (
	fuzzKey   = "sk-key-31415926"
	fuzzToken = "tk-token-27182818"
	// fuzzCode is what counter makes newCode draw.
	fuzzCode = "0a1b2c3d4e"
)

// counter is a random source that gives every code as fuzzCode.
type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.n/2 + c.n%2*10)
		c.n = (c.n + 1) % codeLength
	}
	return len(p), nil
}

// canned is a network that answers everything alike.
type canned struct {
	status     int
	retryAfter string
	body       []byte
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{"Retry-After": {c.retryAfter}}, Body: io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

// fuzzClient returns a client of a hub that answers so, at a fixed time.
func fuzzClient(answer canned) *Client {
	return NewClient(Options{
		URL: "http://hub.invalid", Transport: answer, Random: &counter{},
		Now: func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) },
	})
}

// wholeNumber is the form of an amount, written down a second time to compare
// [ParseWon] with.
var wholeNumber = regexp.MustCompile(`^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)$`)

// inDress is what an answer may put around an amount.
var inDress = regexp.MustCompile(`^[ \t\r\n]*(.*?)(?:\.00?)?[ \t\r\n]*$`)

// spelled returns the amount that text spells, and whether it spells one that
// may be shown.
func spelled(text string) (*big.Int, bool) {
	if !wholeNumber.MatchString(text) {
		return nil, false
	}
	amount, ok := new(big.Int).SetString(strings.ReplaceAll(text, ",", ""), 10)
	return amount, ok && amount.CmpAbs(big.NewInt(int64(MaxWon))) <= 0
}

// An amount is read if, and only if, the text spells one; it is the one that
// is spelled; to print it and read it again gives the same; and a text that is
// refused is not quoted, since it may hold anything.
func FuzzParseWon(f *testing.F) {
	for _, seed := range []string{
		"0", "-1", "-0", "007", "9,944,000", "9007199254740992", "-9007199254740993", "1,00", "1e3", "+1", "0x1", "1_0", "-", ",", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		won, err := ParseWon(text)
		want, ok := spelled(text)
		if (err == nil) != ok {
			t.Fatalf("ParseWon(%q) = %d, %v; it spells an amount: %t", text, won, err, ok)
		}
		if err != nil {
			if won != 0 || len(text) > 3 && strings.Contains(err.Error(), text) {
				t.Fatalf("ParseWon(%q) = %d, %v; want 0, and no quotation", text, won, err)
			}
			return
		}
		if want.Cmp(big.NewInt(int64(won))) != 0 {
			t.Fatalf("ParseWon(%q) = %d, but it spells %s", text, won, want)
		}
		if again, err := ParseWon(won.Grouped()); err != nil || again != won {
			t.Fatalf("%d is printed as %s and read again as %d, %v", won, won.Grouped(), again, err)
		}
		if again, err := ParseWon(strings.Replace(won.String(), "₩", "", 1)); err != nil || again != won {
			t.Fatalf("%d is shown as %s, which reads %d, %v", won, won, again, err)
		}
	})
}

// mustBeHarmless fails the test if an error is not of package hub's own type,
// could carry a secret, or leaves a person without advice.
func mustBeHarmless(t *testing.T, err error) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	if failure.Meaning() == "" {
		t.Fatalf("nobody is told what to do: %v", err)
	}
	if failure.RetryAfter < 0 || failure.RetryAfter > maxRetryAfter {
		t.Fatalf("told to wait %s", failure.RetryAfter)
	}
	if failure.Code != "" && !regexp.MustCompile(`^[A-Z]?[0-9]{4}$`).MatchString(failure.Code) {
		t.Fatalf("%q passes for a result code", failure.Code)
	}
	for wrapped := err; wrapped != nil; wrapped = errors.Unwrap(wrapped) {
		text := wrapped.Error()
		if strings.Contains(text, fuzzKey) || strings.Contains(text, fuzzToken) {
			t.Fatalf("a secret is shown: %s", text)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00\x1b") {
			t.Fatalf("cannot be logged in one line: %q", text)
		}
	}
}

// decoded reads an answer a second time, with what encoding/json makes of it:
// numbers as they are spelled.
func decoded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF"))))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		t.Fatalf("taken for true, but no JSON object: %v: %s", err, body)
	}
	return fields
}

// spelling returns what a field spells, be it a string or a number.
func spelling(field any) string {
	switch field := field.(type) {
	case string:
		return field
	case json.Number:
		return field.String()
	}
	return ""
}

// Figures are taken only from an answer with status 200 or 201 and the code of
// success that names this merchant and spells all three; they are what is
// spelled there; everything else is an error without figures and secrets; and
// nothing panics.
func FuzzLimit(f *testing.F) {
	for _, seed := range []string{
		`{"result":"A0000","message":"처리 성공","cst_id":"test","total_account_amt":"10000000","total_transfer_amt":"56000","remain_amt":"9944000","api_tran_dtm":"20211103090426239"}`,
		`{"result":"A0000","cst_id":"test","total_account_amt":1,"total_transfer_amt":2,"remain_amt":-3}`,
		"\uFEFF" + `{"message":1,"message":2,"result":"A0000","cst_id":"test","total_account_amt":"1,000.00","total_transfer_amt":2.0,"remain_amt":" -3 "}`,
		`{"result":"A0000","cst_id":"test","total_account_amt":1e3,"total_transfer_amt":2.0,"remain_amt":null}`,
		`{"result":"A0000","cst_id":"test","total_account_amt":"1,000","total_transfer_amt":"0","remain_amt":"1,000","remain_amt":"0"}`,
		`{"result":"A0000","cst_id":"test","Total_Account_Amt":"1","total_transfer_amt":"0","r\u0065main_amt":"1"}`,
		`{"result":"T0310","message":"` + fuzzKey + `"}`, `{"result":"` + fuzzKey + `","custKey":"` + fuzzToken + `"}`,
		`{"result":"A0000","cst_id":"` + fuzzKey + `"}`, `{"result":"A0000","cst_id":"TEST"}`, `{"result":9991}`, `{"` + fuzzToken + `":`, fuzzKey, `{}`, `[]`, ``, `null`,
	} {
		f.Add([]byte(seed), uint16(http.StatusOK), "")
	}
	f.Add([]byte(`{"result":"A0000"}`), uint16(http.StatusTooManyRequests), "120")
	f.Add([]byte(`{"result":"T0999"}`), uint16(http.StatusUnauthorized), "Mon, 23 Nov 2026 00:02:00 GMT")
	f.Fuzz(func(t *testing.T, body []byte, status uint16, retryAfter string) {
		client := fuzzClient(canned{int(status), retryAfter, body})
		token := Token{value: NewSecret(fuzzToken)}
		limit, err := client.Remain(context.Background(), token, Credentials{"test", NewSecret(fuzzKey)})
		if err != nil {
			if limit != (Limit{}) {
				t.Fatalf("an error with figures: %+v", limit)
			}
			mustBeHarmless(t, err)
			return
		}
		fields := decoded(t, body)
		if status != http.StatusOK && status != http.StatusCreated || fields["result"] != "A0000" || fields["cst_id"] != "test" {
			t.Fatalf("HTTP %d gave %+v: %s", status, limit, body)
		}
		for name, won := range map[string]Won{
			"remain_amt": limit.Remain, "total_account_amt": limit.TotalAccount, "total_transfer_amt": limit.TotalTransfer,
		} {
			if want, ok := spelled(inDress.ReplaceAllString(spelling(fields[name]), "$1")); !ok || want.Cmp(big.NewInt(int64(won))) != 0 {
				t.Fatalf("%s is %d, which the answer does not spell: %s", name, won, body)
			}
		}
		if !limit.HubTime.IsZero() && limit.HubTime.In(KST()).Format("20060102150405.000") !=
			insert(spelling(fields["api_tran_dtm"]), ".", len("20060102150405")) {
			t.Fatalf("the hub's time is %s, which the answer does not spell: %s", limit.HubTime, body)
		}
	})
}

// insert puts part into text at a byte; text itself where it is too short.
func insert(text, part string, at int) string {
	if len(text) < at {
		return text
	}
	return text[:at] + part + text[at:]
}

// A token is taken only from an answer to this very request; it is the one
// that stands there, and can be sent in a header; it lives no longer than the
// answer says; everything else is an error without secrets; and nothing
// panics.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		`{"result":"T0000","message":"처리 성공","code":"` + fuzzCode + `","access_token":"` + fuzzToken + `","token_type":"Bearer","expires_in":"60"}`,
		`{"result":"T0000","code":"` + fuzzCode + `","access_token":"a b","expires_in":60}`,
		`{"result":"T0000","code":"` + fuzzCode + `","access_token":"a","expires_in":1e99}`,
		`{"result":"T0000","code":"` + fuzzCode + `","access_token":"a","expires_in":60.0}`,
		`{"result":"T0000","code":"` + fuzzCode + `","access_token":"a","token_type":"bearer"}`,
		`{"result":"T0000","code":"` + fuzzCode + `","access_token":"a","token_type":"MAC","expires_in":"-1"}`,
		`{"result":"T0000","code":"as12345678","access_token":"` + fuzzToken + `"}`,
		`{"result":"T0000","code":"` + fuzzKey + `","access_token":"` + fuzzToken + `\r\nX: y"}`,
		`{"result":"T0300","message":"` + fuzzKey + `"}`, fuzzKey + fuzzToken, ``,
	} {
		f.Add([]byte(seed), uint16(http.StatusOK), "")
	}
	f.Add([]byte(fuzzKey), uint16(http.StatusServiceUnavailable), "-1")
	f.Fuzz(func(t *testing.T, body []byte, status uint16, retryAfter string) {
		client := fuzzClient(canned{int(status), retryAfter, body})
		token, err := client.Token(context.Background(), Credentials{"test", NewSecret(fuzzKey)})
		value := token.value.Reveal()
		if err != nil {
			if value != "" || !token.Expires.IsZero() {
				t.Fatalf("an error with a token: %v", err)
			}
			mustBeHarmless(t, err)
			return
		}
		fields := decoded(t, body)
		if status != http.StatusOK && status != http.StatusCreated || fields["result"] != "T0000" || fields["code"] != fuzzCode || fields["access_token"] != value {
			t.Fatalf("HTTP %d gave a token that is not this request's: %s", status, body)
		}
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("token %q cannot be sent", value)
		}
		life := token.Expires.Sub(client.options.Now())
		if token.Expires.IsZero() {
			life = 0
		}
		seconds, ok := spelled(inDress.ReplaceAllString(spelling(fields["expires_in"]), "$1"))
		switch {
		case life == 0 && ok && seconds.Sign() > 0:
			t.Fatalf("a lifetime is ignored: %s", body)
		case life != 0 && (!ok || life < 0 || seconds.Cmp(big.NewInt(int64(life/time.Second))) < 0 || life > 24*time.Hour):
			t.Fatalf("the token lives %s, which the answer does not say: %s", life, body)
		}
	})
}
