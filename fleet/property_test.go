package fleet_test

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
	"payple_exporter/config"
	"payple_exporter/fleet"
	"payple_exporter/hub"
)

// ledger is a hub without a network that notes when it is asked for whom.
type ledger struct {
	mu     sync.Mutex
	asked  map[string][]time.Time // remain requests by cst_id
	broken bool
}

func (l *ledger) RoundTrip(r *http.Request) (*http.Response, error) {
	var asked map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	time.Sleep(100 * time.Millisecond)
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

// Reloads at any moment, with other names, other intervals and other merchants
// beside them, take nothing from the merchants that stay: their counters go on,
// no query that is under way is lost, and the hub is asked no more often.
func TestReloadsKeepWhatIsKnown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			// A bubble's clock stops when its test ends, however that is, and
			// queries under way would hang.
			defer time.Sleep(time.Minute)
			books := &ledger{asked: make(map[string][]time.Time)}
			watched := fleet.New(fleet.Options{
				Settings: collector.Settings{
					MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Bounds: collector.NewBounds(2, 0), Jitter: func() float64 { return 0 },
				},
				Transport: books,
			})
			const stays = "stays"
			least := time.Hour
			reload := func(rt *rapid.T) {
				next := config.Config{MinInterval: rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, time.Minute}).Draw(rt, "interval")}
				least = min(least, next.MinInterval)
				ids := append([]string{stays}, rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID[string]).Draw(rt, "others")...)
				for _, id := range rapid.Permutation(ids).Draw(rt, "order") {
					next.Merchants = append(next.Merchants, config.Merchant{
						Name: rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "name") + id, CstID: id,
						Key: hub.FixedKey(hub.NewSecret("k"), "test"), Hub: config.Hub{Label: "test", URL: "http://hub.invalid"},
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
					for _, got := range watched.Collector().Snapshots(ctx) {
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
					for i, at := range books.of(stays) {
						if i > 0 && at.Sub(books.of(stays)[i-1]) < least-200*time.Millisecond { // with a token request or without
							rt.Errorf("asked again after %s", at.Sub(books.of(stays)[i-1]))
						}
					}
				},
			})
			time.Sleep(time.Minute) // on the fake clock: queries under way end
			ctx, cancel := context.WithTimeout(context.Background(), 0)
			defer cancel()
			for _, got := range watched.Collector().Snapshots(ctx) {
				if got.Merchant.CstID == stays && got.Queries != uint64(len(books.of(stays))) {
					rt.Errorf("%d queries are told, the hub had %d", got.Queries, len(books.of(stays)))
				}
			}
		})
	})
}
