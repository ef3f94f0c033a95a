package collector

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// keyed is a fakeHub that keeps the sources of the keys it was given.
type keyed struct {
	fakeHub

	sources []string
}

func (k *keyed) SetKey(key hub.Key) { k.sources = append(k.sources, key.Source().Name) }

// What a configuration says of an account that was in force already changes
// what it says and no more: the key only where it comes from elsewhere, counters
// never. Another account under the same name begins with nothing, and so does
// one that was gone for longer than it rests.
func TestApplyChangesWhatHasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		accounts := make(map[string]*keyed)
		settings := settings()
		settings.MinInterval = 0 // of the configuration
		c := New(Options{Settings: settings, NewQuerier: func(m config.Merchant) Querier {
			accounts[m.CstID] = &keyed{fakeHub: fakeHub{limit: figures()}}
			return accounts[m.CstID]
		}})
		apply := func(name, cstID, source string) Snapshot {
			next := config.Config{MinInterval: 10 * time.Second}
			if name != "" {
				next.Merchants = []config.Merchant{{Name: name, CstID: cstID, Key: hub.FixedKey(hub.NewSecret("k"), source), Hub: config.Hub{URL: "http://hub.invalid"}}}
			}
			c.Apply(next)
			snapshots := c.Snapshots(t.Context())
			if name == "" {
				return Snapshot{}
			}
			return snapshots[0]
		}
		payOut := func(cstID string) {
			accounts[cstID].set(func(f *fakeHub) { f.limit.TotalTransfer += 30; f.limit.TotalAccount += 100 })
		}
		apply("store", "one", "here")
		payOut("one")
		time.Sleep(10 * time.Second)
		if s := apply("renamed", "one", "here"); s.Outflow != 30 || s.Inflow != 100 || len(accounts["one"].sources) != 0 {
			t.Errorf("the same account: out %d, in %d, and its key is replaced by %v", s.Outflow, s.Inflow, accounts["one"].sources)
		}
		if apply("renamed", "one", "there"); len(accounts["one"].sources) != 1 || accounts["one"].sources[0] != "there" {
			t.Errorf("a key from elsewhere: replaced by %v", accounts["one"].sources)
		}
		if s := apply("renamed", "two", "there"); s.Queries != 1 || s.Outflow != 0 || s.Inflow != 0 {
			t.Errorf("another account under the same name: %+v", s)
		}
		if s := apply("back", "one", "there"); s.Queries != 2 || s.Outflow != 30 {
			t.Errorf("an account that came back while it rested: %+v", s)
		}
		apply("", "", "")
		time.Sleep(10 * time.Second)
		apply("", "", "")
		if s := apply("back", "one", "there"); s.Queries != 1 || s.Outflow != 0 {
			t.Errorf("an account that was gone for long: %+v", s)
		}
	})
}

// Who can raise a limit is a metric where somebody is named, for the alerts'
// texts, and absent elsewhere.
func TestContactIsAMetricWhereThereIsOne(t *testing.T) {
	t.Parallel()
	c := New(Options{Settings: settings(), NewQuerier: func(config.Merchant) Querier { return &fakeHub{limit: figures()} }})
	c.Apply(config.Config{MinInterval: time.Second, Merchants: []config.Merchant{
		{Name: "named", CstID: "one", Contact: `finance "on call"`, Key: hub.FixedKey(hub.NewSecret("k"), "a")},
		{Name: "nameless", CstID: "two", Key: hub.FixedKey(hub.NewSecret("k"), "a")},
	}})
	want := `
# HELP payple_merchant_contact_info 1 for each merchant with a contact: who can raise its limit.
# TYPE payple_merchant_contact_info gauge
payple_merchant_contact_info{contact="finance \"on call\"",merchant="named"} 1
`
	if err := testutil.CollectAndCompare(c.Bind(t.Context()), strings.NewReader(want), NameMerchantContact); err != nil {
		t.Error(err)
	}
}
