package hub_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

const (
	cstID   = "partner1"
	custKey = "abcd1234567890"
)

// bench is a session in front of a simulated hub.
type bench struct {
	clock   *simulator.Clock
	hub     *simulator.Hub
	session *hub.Session

	mu        sync.Mutex
	exchanges []hub.Exchange
}

func newBench(t *testing.T, options simulator.Options, key hub.Key) *bench {
	t.Helper()
	b := &bench{clock: &simulator.Clock{}}
	options.Now = b.clock.Now
	b.hub = stand.NewHub(t, options, simulator.Partner{
		CstID: cstID, CustKey: custKey,
		Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
	})
	url, transport := stand.ServeHub(t, b.hub).URL, hub.NewTransport(4)
	t.Cleanup(transport.CloseIdleConnections)
	client := hub.NewClient(hub.Options{URL: url, Transport: transport, Now: b.clock.Now, Observe: b.observe})
	b.session = hub.NewSession(client, cstID, key)
	return b
}

func (b *bench) observe(exchange hub.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges = append(b.exchanges, exchange)
}

// path returns the endpoints asked so far, in order.
func (b *bench) path() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var steps []string
	for _, exchange := range b.exchanges {
		steps = append(steps, string(exchange.Endpoint))
	}
	return strings.Join(steps, " ")
}

func goodKey() hub.Key { return hub.FixedKey(hub.NewSecret(custKey), "test") }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestSessionGetsTheFigures(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{}, goodKey())
	got, err := b.session.Remain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000, HubTime: got.HubTime}
	if got != want || !got.HubTime.Equal(b.clock.Now()) {
		t.Errorf("got %+v, want %+v at %s", got, want, b.clock.Now())
	}
}

// A token serves as long as it lives, less the margin, counted from before it
// was asked for; then, and only then, a new one is asked for.
func TestSessionRemembersTheToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{}, goodKey())
	for _, step := range []struct {
		wait   time.Duration
		tokens int
	}{{0, 1}, {25 * time.Second, 1}, {29 * time.Second, 1}, {time.Second, 2}, {54 * time.Second, 2}, {time.Hour, 3}} {
		b.clock.Advance(step.wait)
		if _, err := b.session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.hub.Requests(cstID, hub.EndpointToken); got != step.tokens {
			t.Fatalf("after another %s: %d token requests, want %d", step.wait, got, step.tokens)
		}
	}
}

// A remembered token that the hub refuses costs one new token and one more
// try; a new token that is refused costs nothing more.
func TestSessionReplacesARefusedToken(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]simulator.Options{
		"T0400":                   {},
		"HTTP 401":                {DeadToken: simulator.Status(401, hub.ReasonAuth)},
		"a T code":                {DeadToken: simulator.Result("T0999", hub.ReasonRejected)},
		"a token of another":      {DeadToken: simulator.Result("T0320", hub.ReasonAuth)},
		"each token ends the old": {NewTokenEndsOld: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, options, goodKey())
			for range 2 {
				if _, err := b.session.Remain(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.hub.EndTokens(cstID)
			}
			if got, want := b.path(), "token remain remain token remain"; got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
	t.Run("and again refused", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, simulator.Options{}, goodKey())
		b.hub.Break(cstID, hub.EndpointRemain, simulator.Status(401, hub.ReasonAuth))
		for range 2 {
			expectReason(t, b.session, hub.ReasonAuth)
		}
		if got, want := b.path(), "token remain token remain"; got != want {
			t.Errorf("asked %q, want %q: a refused token is not worth remembering", got, want)
		}
	})
	t.Run("remembered, then refused for good", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, simulator.Options{}, goodKey())
		if _, err := b.session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.hub.Break(cstID, hub.EndpointRemain, simulator.Result("T0310", hub.ReasonIPNotAllowed))
		expectReason(t, b.session, hub.ReasonIPNotAllowed)
		if got, want := b.path(), "token remain remain token remain"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
	t.Run("no other failure is tried again", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, simulator.Options{}, goodKey())
		if _, err := b.session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.hub.Break(cstID, hub.EndpointRemain, simulator.Result("A0007", hub.ReasonRejected))
		expectReason(t, b.session, hub.ReasonRejected)
		if got, want := b.path(), "token remain remain"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

func expectReason(t *testing.T, session *hub.Session, want hub.Reason) {
	t.Helper()
	if failure := failing(t, session); failure.Reason != want {
		t.Fatalf("got %v, want reason %s", failure, want)
	}
}

// failing returns the failure of a query that must fail, and bring no figures.
func failing(t *testing.T, session *hub.Session) *hub.Error {
	t.Helper()
	limit, err := session.Remain(within(t, 10*time.Second))
	var failure *hub.Error
	if !errors.As(err, &failure) || limit != (hub.Limit{}) {
		t.Fatalf("got %+v, %v; want an error and no figures", limit, err)
	}
	return failure
}

// However many ask at once, one token request is under way, and its token
// serves all of them.
func TestSessionAsksForOneTokenAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{NewTokenEndsOld: true}, goodKey())
	b.hub.Break(cstID, hub.EndpointToken, simulator.Slow(50*time.Millisecond))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.session.Remain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := b.hub.Requests(cstID, hub.EndpointToken); n != 1 {
		t.Errorf("%d token requests, want 1", n)
	}
	b.hub.EndTokens(cstID)
	for range 20 {
		all.Go(func() {
			if _, err := b.session.Remain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, n := b.hub.UnderWay(cstID, hub.EndpointToken); n != 1 {
		t.Errorf("%d token requests at once, want 1", n)
	}
}

// Whoever waits for another's token request waits no longer than its own
// context.
func TestSessionWaitsNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := hub.NewClient(hub.Options{URL: "http://hub.invalid", Transport: silence{}})
		session := hub.NewSession(client, cstID, goodKey())
		first, leave := context.WithCancel(t.Context())
		go func() { _, _ = session.Remain(first) }()
		synctest.Wait() // the first request is under way
		began := time.Now()
		second, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := session.Remain(second)
		var failure *hub.Error
		if !errors.As(err, &failure) || failure.Reason != hub.ReasonTimeout || time.Since(began) != time.Second {
			t.Errorf("after %s: %v, want a time-out after 1s", time.Since(began), err)
		}
		leave()
		synctest.Wait()
	})
}

// silence is a network that never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Every fault of the hub, at either step, cold or with a remembered token,
// gives its reason and no figure, shows no secret, and leaves a session that
// works again once the fault has ended.
func TestSessionUnderEveryFault(t *testing.T) {
	t.Parallel()
	for _, fault := range simulator.Faults() {
		for _, endpoint := range fault.Endpoints {
			for _, warm := range []bool{false, true} {
				name := fault.Name + "/" + string(endpoint) + "/cold"
				if warm {
					name = fault.Name + "/" + string(endpoint) + "/warm"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					survive(t, fault, endpoint, warm)
				})
			}
		}
	}
}

func survive(t *testing.T, fault simulator.Fault, endpoint hub.Endpoint, warm bool) {
	b := newBench(t, simulator.Options{}, goodKey())
	if warm {
		if _, err := b.session.Remain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if endpoint == hub.EndpointToken {
			b.clock.Advance(time.Hour)
		}
	}
	b.hub.Break(cstID, endpoint, fault)
	limit := 10 * time.Second
	if fault.Reason == hub.ReasonTimeout {
		limit = 300 * time.Millisecond
	}
	figures, err := b.session.Remain(within(t, limit))
	var failure *hub.Error
	if !errors.As(err, &failure) || figures != (hub.Limit{}) {
		t.Fatalf("got %+v, %v; want an error and no figures", figures, err)
	}
	if failure.Reason != fault.Reason || failure.Endpoint != endpoint {
		t.Errorf("got %s at %s (%v), want %s at %s", failure.Reason, failure.Endpoint, err, fault.Reason, endpoint)
	}
	for wrapped := error(failure); wrapped != nil; wrapped = errors.Unwrap(wrapped) {
		expectSafe(t, wrapped)
	}
	if failure.Meaning() == "" {
		t.Error("nobody is told what it means")
	}
	b.hub.Mend(cstID)
	if _, err := b.session.Remain(within(t, 10*time.Second)); err != nil {
		t.Errorf("the fault has ended, and still: %v", err)
	}
}

// A key that cannot be read is reason config and no request; KeyChanged tells
// when there is another.
func TestSessionReadsTheKeyForEveryToken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, simulator.Options{}, hub.FileKey(path))
	failure := failing(t, b.session)
	if got := b.path(); got != "" || failure.Reason != hub.ReasonConfig || !strings.Contains(failure.Error(), path) {
		t.Errorf("asked %q, said %v", got, failure)
	}
	if b.session.KeyChanged(t.Context()) {
		t.Error("the key is still not there, but counts as changed")
	}
	write("wrong\n")
	if !b.session.KeyChanged(t.Context()) {
		t.Error("the key is there, but does not count as changed")
	}
	expectReason(t, b.session, hub.ReasonAuth)
	if b.session.KeyChanged(t.Context()) {
		t.Error("the same key counts as changed")
	}
	write(custKey + "\n")
	if !b.session.KeyChanged(t.Context()) {
		t.Error("another key does not count as changed")
	}
	if _, err := b.session.Remain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.hub.SetCustKey(cstID, "rotated")
	write("rotated")
	if _, err := b.session.Remain(t.Context()); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

// Amounts may come as strings or JSON numbers, with commas in right groups of
// three, and may be negative; an api_tran_dtm that cannot be read does not
// make the figures false.
func TestClientReadsAmountsInEveryPermittedForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		amounts, hubTime string
		want             hub.Limit
	}{
		"strings":    {`"total_account_amt":"10000000","total_transfer_amt":"56000","remain_amt":"9944000"`, `"20211103090426239"`, hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000, HubTime: time.Date(2021, 11, 3, 0, 4, 26, 239e6, time.UTC)}},
		"numbers":    {`"total_account_amt":10000000,"total_transfer_amt":56000,"remain_amt":9944000`, `"x"`, hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000}},
		"commas":     {`"total_account_amt":"10,000,000","total_transfer_amt":"56,000","remain_amt":"9,944,000"`, `null`, hub.Limit{Remain: 9_944_000, TotalAccount: 10_000_000, TotalTransfer: 56_000}},
		"negative":   {`"total_account_amt":"0","total_transfer_amt":"56000","remain_amt":"-56000"`, `""`, hub.Limit{Remain: -56_000, TotalTransfer: 56_000}},
		"not a sum":  {`"total_account_amt":"5","total_transfer_amt":"1","remain_amt":"3"`, `""`, hub.Limit{Remain: 3, TotalAccount: 5, TotalTransfer: 1}},
		"all zeroes": {`"total_account_amt":"0","total_transfer_amt":"0","remain_amt":"0"`, `""`, hub.Limit{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := answering(t, `{"result":"A0000","cst_id":"p",`+test.amounts+`,"api_tran_dtm":`+test.hubTime+`}`)
			got, err := client.Remain(t.Context(), hub.Token{}, hub.Credentials{CstID: "p"})
			if err != nil {
				t.Fatal(err)
			}
			if !got.HubTime.Equal(test.want.HubTime) {
				t.Errorf("hub time %s, want %s", got.HubTime, test.want.HubTime)
			}
			got.HubTime = test.want.HubTime
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Every exchange is observed once, with its code and its outcome.
func TestClientReportsExchanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, simulator.Options{}, goodKey())
	if _, err := b.session.Remain(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.hub.Break(cstID, hub.EndpointRemain, simulator.Result("A0009", hub.ReasonRejected))
	expectReason(t, b.session, hub.ReasonRejected)
	var got []string
	for _, exchange := range b.exchanges {
		got = append(got, exchange.Code)
	}
	if want := []string{"T0000", "A0000", "A0009"}; !slices.Equal(got, want) {
		t.Errorf("codes %q, want %q", got, want)
	}
	if last := b.exchanges[2]; last.Err == nil || last.Err.Code != "A0009" || b.exchanges[1].Err != nil {
		t.Errorf("outcomes %+v", b.exchanges)
	}
}
