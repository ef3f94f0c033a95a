package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// ledger is a hub without a network that notes when it is asked for whom.
type ledger struct {
	mu     sync.Mutex
	asked  map[string][]time.Time // remain requests by cst_id
	tokens map[string]int         // token requests under way, by cst_id
	broken bool
	faults []string
}

func newLedger() *ledger {
	return &ledger{asked: make(map[string][]time.Time), tokens: make(map[string]int)}
}

func (l *ledger) RoundTrip(r *http.Request) (*http.Response, error) {
	var asked map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	l.tokenRequests(r, asked["cst_id"], 1)
	time.Sleep(100 * time.Millisecond)
	l.tokenRequests(r, asked["cst_id"], -1)
	l.mu.Lock()
	defer l.mu.Unlock()
	answer := map[string]string{"result": "T0000", "code": asked["code"], "access_token": "tk", "expires_in": "60"}
	if r.URL.Path == "/account/remain" {
		l.asked[asked["cst_id"]] = append(l.asked[asked["cst_id"]], time.Now())
		figure := fmt.Sprint(len(l.asked[asked["cst_id"]]))
		answer = map[string]string{
			"result": "A0000", "cst_id": asked["cst_id"], "total_account_amt": figure, "total_transfer_amt": "0", "remain_amt": figure,
		}
		if l.broken {
			answer["result"] = "A0007"
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(text))}, nil
}

// tokenRequests counts those that are under way: of one merchant never more
// than one may be, since a new token may end the old one.
func (l *ledger) tokenRequests(r *http.Request, cstID string, more int) {
	if r.URL.Path != "/oauth/token" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens[cstID] += more; l.tokens[cstID] > 1 {
		l.faults = append(l.faults, cstID+": two token requests at once")
	}
}

// breakDown makes the hub refuse, or answer again.
func (l *ledger) breakDown(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

// of returns when the hub was asked for one partner.
func (l *ledger) of(cstID string) []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asked[cstID])
}

// Reloads at any moment, with other names, other intervals, keys from elsewhere
// and other merchants beside them, take nothing from the merchants that stay:
// their counters go on and no query that is under way is lost. And for nobody,
// who stays or leaves and comes back, is the hub asked more often, or for two
// tokens at once.
func TestReloadsKeepWhatIsKnown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			// A bubble's clock stops when its test ends, however that is, and
			// queries under way would hang.
			defer time.Sleep(time.Minute)
			books := newLedger()
			watched := collector.New(collector.Options{
				Settings: collector.Settings{
					MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Limiter: collector.NewLimiter(2, 0), Jitter: func() float64 { return 0 },
				},
				Transport: books,
			})
			const stays = "stays"
			come := []string{"a", "b", "c"} // and go
			least := time.Hour
			reload := func(rt *rapid.T) {
				next := config.Config{MinInterval: rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, time.Minute}).Draw(rt, "interval")}
				least = min(least, next.MinInterval)
				ids := append([]string{stays}, rapid.SliceOfDistinct(rapid.SampledFrom(come), rapid.ID[string]).Draw(rt, "others")...)
				for _, id := range rapid.Permutation(ids).Draw(rt, "order") {
					next.Merchants = append(next.Merchants, config.Merchant{
						Name: rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "name") + id, CstID: id,
						Key: hub.FixedKey(hub.NewSecret("k"), rapid.SampledFrom([]string{"here", "there"}).Draw(rt, "source")), Hub: config.Hub{Label: "test", URL: "http://hub.invalid"},
					})
				}
				watched.Apply(next)
			}
			reload(rt)
			var last collector.Snapshot
			rt.Repeat(map[string]func(*rapid.T){
				"reload": reload,
				"wait": func(rt *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(0, 15_000).Draw(rt, "ms")) * time.Millisecond)
				},
				"break": func(rt *rapid.T) {
					books.breakDown(rapid.Bool().Draw(rt, "broken"))
				},
				"scrape": func(rt *rapid.T) {
					timeout := rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond, 5 * time.Second}).Draw(rt, "time")
					ctx, cancel := context.WithTimeout(context.Background(), timeout)
					defer cancel()
					for _, got := range watched.Snapshots(ctx) {
						if got.Merchant.CstID != stays {
							continue
						}
						if got.Queries < last.Queries || got.Failures < last.Failures || got.LastSuccess.Before(last.LastSuccess) {
							rt.Errorf("forgotten: after %+v came %+v", last, got)
						}
						if got.Up && got.Known && uint64(got.Limit.Remain) != got.Queries {
							rt.Errorf("query %d brought %d: %+v", got.Queries, got.Limit.Remain, got)
						}
						last = got
					}
				},
				"": func(rt *rapid.T) {
					synctest.Wait()
					for _, id := range append([]string{stays}, come...) {
						asked := books.of(id)
						for i, at := range asked {
							if i > 0 && at.Sub(asked[i-1]) < least-200*time.Millisecond { // with a token request or without
								rt.Errorf("%s was asked for again after %s", id, at.Sub(asked[i-1]))
							}
						}
					}
					if len(books.faults) > 0 {
						rt.Error(books.faults)
					}
				},
			})
			time.Sleep(time.Minute) // on the fake clock: queries under way end
			ctx, cancel := context.WithTimeout(context.Background(), 0)
			defer cancel()
			for _, got := range watched.Snapshots(ctx) {
				if got.Merchant.CstID == stays && got.Queries != uint64(len(books.of(stays))) {
					rt.Errorf("%d queries are told, the hub had %d", got.Queries, len(books.of(stays)))
				}
			}
		})
	})
}
