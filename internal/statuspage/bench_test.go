package statuspage_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/stand"
)

// moving is a Querier whose figures change with every query, as much as a line
// can show.
type moving struct {
	stand.Instant

	asked *atomic.Int64
}

func (m moving) Remain(context.Context) (hub.Limit, error) {
	n := m.asked.Add(1)
	paid := hub.Won(n*1_234_567 + n*n%977*100_000)
	return hub.Limit{Remain: 987_654_321_012 - paid, TotalAccount: 1_000_000_000_000, TotalTransfer: 12_345_678_988 + paid}, nil
}

// fullPage is a page of so many merchants with full histories, all kinds of
// thresholds and long names: as much as a page can hold.
func fullPage(tb testing.TB, merchants int) http.Handler {
	tb.Helper()
	levels := must.Get(config.ParseLevels([]string{"5000000000", "20%", "48h"}, []string{"1000000000", "10%", "24h"}, nil))(tb)
	var clock simulator.Clock
	configured := config.Config{MinInterval: 10 * time.Second, Merchants: make([]config.Merchant, merchants)}
	for i := range configured.Merchants {
		name := fmt.Sprintf("서울특별시 강남구 판매자 정산 %05d", i)
		configured.Merchants[i] = config.Merchant{
			Name: name, CstID: fmt.Sprintf("partner-%05d", i), Key: hub.FixedKey(hub.NewSecret(stand.CustKey), "test"),
			Hub: config.Hub{Label: "real"}, Thresholds: levels,
		}
	}
	all := collector.New(collector.Options{
		Settings:   collector.Settings{MaxAge: 5 * time.Minute, Timeout: 5 * time.Second, Limiter: collector.NewLimiter(32, 0), Now: clock.Now},
		NewQuerier: func(config.Merchant) collector.Querier { return moving{asked: new(atomic.Int64)} },
	})
	all.Apply(configured)
	for range 119 {
		all.Snapshots(tb.Context())
		clock.Advance(40 * time.Second)
	}
	clock.Advance(-35 * time.Second) // no query is due
	return stand.Handler(all, statuspage.Options{Now: clock.Now})
}

// A page of a thousand merchants stays small enough for a phone far from a
// city, in the language that takes more bytes.
func TestPageSize(t *testing.T) {
	t.Parallel()
	const most = 200 << 10
	handler := fullPage(t, 1000)
	for _, target := range []string{"/?lang=ko", "/?lang=en", "/?lang=ko&page=20"} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody))
		t.Logf("%s: %d bytes", target, recorder.Body.Len())
		if recorder.Body.Len() > most || recorder.Body.Len() < most/10 {
			t.Errorf("%s has %d bytes, want at most %d and not nothing", target, recorder.Body.Len(), most)
		}
	}
}

// BenchmarkPage measures the status page of a thousand merchants with full
// histories, from memory.
func BenchmarkPage(b *testing.B) {
	handler := fullPage(b, 1000)
	for name, target := range map[string]string{"first": "/", "search": "/?q=00999"} {
		b.Run("merchants=1000/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stand.Discard(handler, target)
			}
		})
	}
}
