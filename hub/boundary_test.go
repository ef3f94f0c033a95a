package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// A code of digits alone, or of letters alone, is drawn again.
func TestNewCodeDrawsAgain(t *testing.T) {
	t.Parallel()
	for name, first := range map[string][]byte{
		"digits alone":  bytes.Repeat([]byte{0}, codeLength),
		"letters alone": bytes.Repeat([]byte{10}, codeLength),
	} {
		second := append([]byte{35}, bytes.Repeat([]byte{9}, codeLength-1)...)
		if code, err := newCode(bytes.NewReader(append(first, second...))); err != nil || code != "z999999999" {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

// An answer of 64 KiB is read, and one byte more is too much.
func TestAnswersAreReadUpToTheirBound(t *testing.T) {
	t.Parallel()
	start := `{"result":"A0000","cst_id":"p","total_account_amt":1,"total_transfer_amt":2,"remain_amt":3,"message":"`
	for size, good := range map[int]bool{64 << 10: true, 64<<10 + 1: false, 128 << 10: false} {
		body := start + strings.Repeat("x", size-len(start)-2) + `"}`
		limit, err := fuzzClient(canned{status: http.StatusOK, body: []byte(body)}).Remain(t.Context(), Token{}, Credentials{CstID: "p"})
		if (err == nil) != good || good && limit.Remain != 3 {
			t.Errorf("%d bytes: %+v, %v", size, limit, err)
		}
		if _, err := parseAnswer([]byte(body)); (err == nil) != good {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Names and values that follow each other in an array are no fields.
func TestAnArrayIsNoAnswer(t *testing.T) {
	t.Parallel()
	if fields, err := parseAnswer([]byte(`["result","A0000","cst_id","p","remain_amt","3"]`)); err == nil {
		t.Errorf("taken for %s", fields)
	}
}

// A token may hold all characters that can be seen, the first and the last of
// them too, and no other; a hub that does not say how long it lives gives it no
// end to be remembered by.
func TestTokenCharacters(t *testing.T) {
	t.Parallel()
	for token, good := range map[string]bool{"!": true, "~": true, " ": false, "\x7f": false, "a b": false, "é": false} {
		body := `{"result":"T0000","code":"` + fuzzCode + `","access_token":"` + token + `"}`
		got, err := fuzzClient(canned{status: http.StatusOK, body: []byte(body)}).Token(t.Context(), Credentials{CstID: "p"})
		if (err == nil) != good || good && got.value.Reveal() != token {
			t.Errorf("token %q: %v", token, err)
		}
		if !got.Expires.IsZero() {
			t.Errorf("token %q expires at %s, of which nothing was said", token, got.Expires)
		}
	}
}

// A key file of 64 KiB is read, and one byte more is too much.
func TestKeyFilesAreReadUpToTheirBound(t *testing.T) {
	t.Parallel()
	for size, good := range map[int]bool{64 << 10: true, 64<<10 + 1: false} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, bytes.Repeat([]byte{'k'}, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := FileKey(path).Secret(); (err == nil) != good || len(key.Reveal()) != size && good {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Each way in which a connection fails has its reason.
func TestTransportErrorReasons(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	broken := errors.New("broken")
	for _, test := range []struct {
		over bool // the time of the query
		err  error
		want Reason
	}{
		{false, broken, ReasonNetwork},
		{true, broken, ReasonTimeout},
		{false, fmt.Errorf("exchange: %w", context.DeadlineExceeded), ReasonTimeout},
		{false, os.ErrDeadlineExceeded, ReasonTimeout},
		{false, &tls.CertificateVerificationError{Err: broken}, ReasonTLS},
		{false, tls.RecordHeaderError{}, ReasonTLS},
		{false, tls.AlertError(40), ReasonTLS},
		{false, http.ErrSchemeMismatch, ReasonTLS},
		{false, errors.New("tls: no common version"), ReasonTLS},
	} {
		ctx := t.Context()
		if test.over {
			ctx = over
		}
		if got := transportError(ctx, EndpointToken, test.err); got.Reason != test.want {
			t.Errorf("%v: %s, want %s", test.err, got.Reason, test.want)
		}
		if strings.HasPrefix(test.err.Error(), "tls: no") {
			continue // this one is told by its text alone
		}
		if got := transportError(ctx, EndpointToken, quiet{test.err}); got.Reason != test.want {
			t.Errorf("%v in other words: %s, want %s", test.err, got.Reason, test.want)
		}
	}
	for want, reason := range map[string]x509.InvalidReason{
		"certificate has expired or is not yet valid": x509.Expired, "certificate not accepted": x509.TooManyIntermediates,
	} {
		err := &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: reason}}
		if got := safeVerification(err).Error(); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// Everything that a connection may wait for ends within a time that is neither
// none nor for ever.
func TestTransportWaitsForNothingForEver(t *testing.T) {
	t.Parallel()
	transport, dialer := NewTransport(4), newDialer()
	for name, got := range map[string]time.Duration{
		"dial": dialer.Timeout, "keep alive": dialer.KeepAlive,
		"handshake": transport.TLSHandshakeTimeout, "idle": transport.IdleConnTimeout,
		"ping after": transport.HTTP2.SendPingTimeout, "ping": transport.HTTP2.PingTimeout,
	} {
		if got < time.Second || got > 2*time.Minute {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Whoever may not wait for a session's turn gets the answer that does no harm:
// the key has not changed, and a query takes one request.
func TestSessionAnswersWhoMayNotWait(t *testing.T) {
	t.Parallel()
	session := NewSession(fuzzClient(canned{}), "p", FixedKey(NewSecret("new"), "test"))
	if !session.KeyChanged(t.Context()) || session.Needs(t.Context()) != 2 {
		t.Fatal("a session that has not asked has a new key and needs a token")
	}
	session.lock <- struct{}{} // held by a token request
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if session.KeyChanged(over) || session.Needs(over) != 1 {
		t.Error("whoever may not wait is told otherwise")
	}
}

// An error says which request it was, what the hub answered, what that means
// and what lies behind it, as far as each is known.
func TestErrorSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for want, failure := range map[string]*Error{
		"token request: the hub answered T0310: meaning":         {Endpoint: EndpointToken, Code: "T0310", detail: "meaning"},
		"remain request: the hub answered A1234":                 {Endpoint: EndpointRemain, Code: "A1234"},
		"remain request: the hub answered A1234: meaning: cause": {Endpoint: EndpointRemain, Code: "A1234", detail: "meaning", cause: cause},
		"token request: no answer in time: cause":                {Endpoint: EndpointToken, detail: "no answer in time", cause: cause},
		"nothing was asked: no usable key":                       {detail: "nothing was asked: no usable key"},
	} {
		if got := failure.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// withWall moves the wall clock reading of a time, and not its monotonic one.
// Package time has no way to do so, because only the operating system does.
func withWall(t time.Time, off time.Duration) time.Time {
	moved := t.Add(off) // moves both readings
	(*struct {
		_         uint64
		monotonic int64
		_         *time.Location
	})(unsafe.Pointer(&moved)).monotonic -= int64(off)
	return moved
}

// A token is shown as long as it lives by both clocks: after a suspension the
// monotonic one has not moved, and a wall clock that was set back has not
// either.
func TestTokenEndsByEitherClock(t *testing.T) {
	t.Parallel()
	base := time.Now()
	for name, test := range map[string]struct {
		now  time.Time
		want bool
	}{
		"a second later":         {base.Add(time.Second), true},
		"an hour of suspension":  {withWall(base.Add(time.Second), time.Hour), false},
		"set back by an hour":    {withWall(base.Add(time.Minute), -time.Hour), false},
		"set back in its life":   {withWall(base.Add(time.Second), -time.Hour), true},
		"at the margin":          {base.Add(55 * time.Second), false},
		"just before the margin": {base.Add(55*time.Second - 1), true},
	} {
		client := NewClient(Options{Now: func() time.Time { return test.now }})
		session := NewSession(client, "p", FixedKey(NewSecret("k"), "test"))
		if session.usable() {
			t.Errorf("%s: no token is usable", name)
		}
		session.token, session.usedSource = Token{value: NewSecret("t"), Expires: base.Add(time.Minute)}, session.keys.source.Load()
		if got := session.usable(); got != test.want {
			t.Errorf("%s: usable %t, want %t", name, got, test.want)
		}
	}
}

// quiet is an error in other words than the one that it wraps.
type quiet struct{ wrapped error }

func (quiet) Error() string   { return "quiet" }
func (q quiet) Unwrap() error { return q.wrapped }

// The name of a certificate is not shown where it holds the key or the token.
func TestNamesOfCertificatesHoldNoSecret(t *testing.T) {
	t.Parallel()
	for name, shown := range map[string]bool{"CA of key-1": false, "CA of token-1": false, "CA of ke": true} {
		err := &Error{cause: MissingIssuerError{name}}
		err.withhold("key-1", "token-1", "")
		if strings.Contains(err.Error(), name) != shown {
			t.Errorf("%s: %v", name, err)
		}
	}
}
