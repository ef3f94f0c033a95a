package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/hub"
)

// slowKey is a key on a disk that answers when it is told to.
type slowKey struct {
	answer chan string
	mu     sync.Mutex
	asked  int
}

func (k *slowKey) Source() hub.KeySource { return hub.KeySource{Name: "a slow disk"} }

func (k *slowKey) Secret() (hub.Secret, error) {
	k.mu.Lock()
	k.asked++
	k.mu.Unlock()
	return hub.NewSecret(<-k.answer), nil
}

func (k *slowKey) reads() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

// scribe is a hub without a network that notes what it is asked, with which
// key, and gives every partner its limit.
type scribe struct {
	mu    sync.Mutex
	asked []string // endpoint and key
	// status and result are of answers to remain requests; zero means success.
	status int
	result string
}

func (s *scribe) RoundTrip(r *http.Request) (*http.Response, error) {
	var asked map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimPrefix(r.URL.Path, "/")+" "+asked["custKey"])
	status, text := http.StatusOK, fmt.Sprintf(`{"result":"T0000","code":%q,"access_token":"t%d","expires_in":"60"}`, asked["code"], len(s.asked))
	if r.URL.Path == "/account/remain" {
		text = `{"result":"A0000","cst_id":"p","total_account_amt":"3","total_transfer_amt":"1","remain_amt":"2"}`
		if s.status != 0 {
			status, text = s.status, fmt.Sprintf(`{"result":%q}`, s.result)
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(text)))}, nil
}

func (s *scribe) notes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, ", ")
}

func (s *scribe) session(key hub.Key) *hub.Session {
	return hub.NewSession(hub.NewClient(hub.Options{URL: "http://hub.invalid", Transport: s}), "p", key)
}

// A key on a disk that does not answer costs nobody more than their own time:
// a query ends with its context, for the reason config and without a request; a
// look at the key ends after a moment, and while it hangs at once. One read is
// under way at most, and when the disk answers again, so does the session.
func TestAKeyThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, books := &slowKey{answer: make(chan string)}, &scribe{}
		session := books.session(key)
		began := time.Now()
		var failure *hub.Error
		if _, err := session.Remain(within(t, 5*time.Second)); !errors.As(err, &failure) || failure.Reason != hub.ReasonConfig {
			t.Errorf("the query ended with %v", err)
		}
		if took := time.Since(began); took != 5*time.Second || books.notes() != "" {
			t.Errorf("it took %s and asked for %q", took, books.notes())
		}
		began = time.Now()
		if session.KeyChanged(t.Context()) || time.Since(began) != 0 {
			t.Errorf("a look beside a read that hangs took %s", time.Since(began))
		}
		if got := key.reads(); got != 1 {
			t.Errorf("%d reads are under way", got)
		}
		key.answer <- "k1" // for nobody any more
		synctest.Wait()

		began = time.Now()
		if session.KeyChanged(t.Context()) || time.Since(began) != time.Second {
			t.Errorf("a look at a key that hangs took %s", time.Since(began))
		}
		key.answer <- "k1"
		synctest.Wait()
		go func() { key.answer <- "k2" }()
		if !session.KeyChanged(t.Context()) {
			t.Error("the key is there, and does not count as changed")
		}
		go func() { key.answer <- "k2" }()
		if _, err := session.Remain(t.Context()); err != nil {
			t.Error(err)
		}
		if got, want := books.notes(), "oauth/token k2, account/remain k2"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

// A key from another source is used from the next query on, with a token of its
// own, even if the old source hangs; and until then it counts as changed.
func TestAKeyFromAnotherSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		books := &scribe{}
		session := books.session(hub.FixedKey(hub.NewSecret("k1"), "here"))
		ask := func() {
			t.Helper()
			if _, err := session.Remain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		hangs := &slowKey{answer: make(chan string)}
		session.SetKey(hangs)
		if session.KeyChanged(within(t, time.Millisecond)) {
			t.Error("a key that nobody has read counts as changed")
		}
		session.SetKey(hub.FixedKey(hub.NewSecret("k1"), "there")) // the same text
		if !session.KeyChanged(t.Context()) || session.Needs(t.Context()) != 2 {
			t.Error("a key from another source does not count as changed")
		}
		ask()
		ask()
		if got, want := books.notes(), "oauth/token k1, account/remain k1, oauth/token k1, account/remain k1, account/remain k1"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		hangs.answer <- "too late" // the read of a source that is given up is believed by nobody
		synctest.Wait()
		if session.KeyChanged(t.Context()) {
			t.Error("what a source that is given up says counts")
		}
	})
}

// "Too many requests" is never answered with more of them, whatever the body
// says; the same code with another status costs a new token and one more try.
func TestTooManyRequestsAreNotAnsweredWithMore(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusTooManyRequests: "account/remain k",
		http.StatusOK:              "account/remain k, oauth/token k, account/remain k",
	} {
		books := &scribe{}
		session := books.session(hub.FixedKey(hub.NewSecret("k"), "test"))
		if _, err := session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
		books.mu.Lock()
		books.asked, books.status, books.result = nil, status, "T0429"
		books.mu.Unlock()
		if _, err := session.Remain(context.Background()); err == nil {
			t.Errorf("HTTP %d: no failure", status)
		}
		if got := books.notes(); got != want {
			t.Errorf("HTTP %d: asked %q, want %q", status, got, want)
		}
	}
}
