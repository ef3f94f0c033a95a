package web_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
)

// A reload while fifty scrapers scrape loses no scrape and no figure of the
// merchants that stay, asks the hub no more often, and never lets one of their
// counters go back.
func TestReloadUnderScrapes(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "stays", "comes-and-goes")
	s.Scrape(t, "/metrics")
	var (
		all     sync.WaitGroup
		done    atomic.Bool
		scrapes atomic.Int32
	)
	const fromMemory = `payple_scrapes_from_memory_total{cause="min_interval",merchant="stays"} `
	for range 50 {
		all.Go(func() {
			before := 0.0
			for !done.Load() {
				got := s.Get(t, "/metrics")
				scrapes.Add(1)
				if got.Status != http.StatusOK || !strings.Contains(got.Body, `payple_transfer_remain_amount{merchant="stays"} 9.944e+06`) {
					t.Errorf("a scrape was lost: %d\n%s", got.Status, got.Body)
					return
				}
				_, rest, _ := strings.Cut(got.Body, fromMemory)
				now, err := strconv.ParseFloat(strings.TrimSpace(rest[:strings.Index(rest, "\n")]), 64)
				if err != nil || now < before {
					t.Errorf("a counter went from %v to %v, %v", before, now, err)
				}
				before = now
			}
		})
	}
	for i := 0; i < 200 || scrapes.Load() < 500; i++ {
		if i%2 == 0 {
			s.Merchants.Apply(s.Config("stays"))
		} else {
			s.Merchants.Apply(s.Config("comes-and-goes", "stays"))
		}
	}
	done.Store(true)
	all.Wait()
	if n := s.Hub.Requests("stays", hub.EndpointRemain); n != 1 {
		t.Errorf("reloads made %d queries, want 1", n)
	}
}

// What is known of a merchant outlives a new name, new thresholds and a new
// interval; a backoff outlives a reload; another hub or another source of the
// key begins again.
func TestReloadKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "store")
	s.Scrape(t, "/metrics")
	renamed := s.Config("store")
	renamed.MinInterval = time.Minute
	renamed.Merchants[0].Name = "shop"
	renamed.Merchants[0].Thresholds = config.DefaultLevels()
	s.Merchants.Apply(renamed)
	s.Clock.Advance(30 * time.Second)
	got := s.Scrape(t, "/metrics")
	if got["payple_transfer_remain_amount{merchant=shop}"] != 9_944_000 || s.Hub.Requests("store", hub.EndpointRemain) != 1 {
		t.Errorf("forgotten with its name: %v", got)
	}
	if got["payple_transfer_threshold_runway_seconds{merchant=shop,severity=critical}"] != 14_400 || got["payple_min_interval_seconds{}"] != 60 {
		t.Errorf("the new settings are not shown: %v", got)
	}

	s.Hub.Break("store", hub.EndpointToken, mustFault(t, "result=T0300"))
	s.Clock.Advance(31 * time.Second)
	s.Scrape(t, "/metrics")
	failed := s.Hub.Requests("store", hub.EndpointToken)
	s.Clock.Advance(time.Minute)
	s.Merchants.Apply(renamed)
	s.Scrape(t, "/metrics")
	if n := s.Hub.Requests("store", hub.EndpointToken); n != failed {
		t.Errorf("the reload ended a backoff: %d token requests, want %d", n, failed)
	}

	moved := s.Config("store")
	moved.Merchants[0].Key = hub.FixedKey(hub.NewSecret(stand.CustKey), "elsewhere")
	s.Merchants.Apply(moved)
	if s.Scrape(t, "/metrics"); s.Hub.Requests("store", hub.EndpointToken) != failed+1 {
		t.Error("another source of the key does not begin again")
	}
}

// A key that rotates on disk is taken up as soon as the interval allows, in
// the middle of the backoff that the old one had brought; a key that cannot be
// read is that merchant's failure and nobody else's.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := stand.New(t, "rotates", "stays")
	path := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		must.Write(t, path, text)
	}
	write(stand.CustKey + "\n")
	watched := s.Config("rotates", "stays")
	watched.Merchants[0].Key = hub.FileKey(path)
	s.Merchants.Apply(watched)
	expect := func(step string, up float64, reason hub.Reason) {
		t.Helper()
		got := s.Scrape(t, "/metrics")
		if got["payple_up{merchant=rotates}"] != up || got["payple_up{merchant=stays}"] != 1 {
			t.Errorf("%s: up %v and %v", step, got["payple_up{merchant=rotates}"], got["payple_up{merchant=stays}"])
		}
		if reason != "" && got[fmt.Sprintf("payple_failure{merchant=rotates,reason=%s}", reason)] != 1 {
			t.Errorf("%s: reason %s is not told", step, reason)
		}
	}
	expect("good", 1, "")
	s.Hub.SetCustKey("rotates", "rotated")
	for range 8 { // far into the backoff
		s.Clock.Advance(5 * time.Minute)
		expect("the hub has another key", 0, hub.ReasonAuth)
	}
	s.Clock.Advance(11 * time.Second)
	write("rotated")
	expect("rotated", 1, "")
	must.Do(t, os.Remove(path))
	s.Clock.Advance(2 * time.Minute)
	expect("gone", 0, hub.ReasonConfig)
	write("rotated")
	s.Clock.Advance(10 * time.Second)
	expect("back", 1, "")
}

// Many merchants: the first scrape answers all, with exactly one token
// and one remain request each, however many scrape at once.
func TestManyMerchantsAtOnce(t *testing.T) {
	t.Parallel()
	names := make([]string, 300)
	for i := range names {
		names[i] = fmt.Sprintf("m%04d", i)
	}
	s := stand.NewWithTimeout(t, 5*time.Second, names...)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if got := s.Scrape(t, "/metrics"); got["payple_transfer_remain_amount{merchant=m0299}"] != 9_944_000 {
				t.Error("the last merchant is not there")
			}
		})
	}
	all.Wait()
	for _, name := range names {
		if token, remain := s.Hub.Requests(name, hub.EndpointToken), s.Hub.Requests(name, hub.EndpointRemain); token != 1 || remain != 1 {
			t.Fatalf("%s was asked %d times for a token and %d times for its limit", name, token, remain)
		}
	}
}
