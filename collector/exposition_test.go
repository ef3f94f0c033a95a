package collector

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/test/golden"
)

var update = flag.Bool("update", false, "write the golden files again")

// story is how a merchant came to the state that a golden file shows.
type story func(t *testing.T, all *Collector, backend *fakeHub)

func stories() map[string]story {
	ask := func(t *testing.T, all *Collector) {
		t.Helper()
		all.Snapshots(t.Context())
	}
	return map[string]story{
		"fresh": func(*testing.T, *Collector, *fakeHub) {},
		"from-memory": func(t *testing.T, all *Collector, _ *fakeHub) {
			ask(t, all)
			time.Sleep(9 * time.Second)
		},
		"failing-with-kept-figures": func(t *testing.T, all *Collector, backend *fakeHub) {
			ask(t, all)
			backend.failWith(hub.ReasonTimeout)
			time.Sleep(15 * time.Second)
		},
		"failing-past-max-age": func(t *testing.T, all *Collector, backend *fakeHub) {
			ask(t, all)
			backend.failWith(hub.ReasonIPNotAllowed)
			time.Sleep(6 * time.Minute)
		},
		"never-succeeded": func(_ *testing.T, _ *Collector, backend *fakeHub) {
			backend.failWith(hub.ReasonAuth)
		},
		"not-answered-in-time": func(_ *testing.T, _ *Collector, backend *fakeHub) {
			backend.latency = time.Minute
		},
	}
}

// Every state of a merchant has the exposition of its golden file, which lints
// clean: read the files to see what a scrape shows when.
func TestExposition(t *testing.T) {
	t.Parallel()
	for name, tell := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all, backend := oneMerchant(t)
				tell(t, all, backend)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				golden.Compare(t, filepath.Join("testdata", name+".prom"), string(exposition(t, direct(all.Bind(ctx)))), *update)
				expectSame(t, all, fromRegistry(t, all))
				expectSame(t, all, fromUsedBuffer(t, all))
				problems, err := testutil.CollectAndLint(all.Bind(t.Context()))
				if err != nil || len(problems) > 0 {
					t.Errorf("lint: %v, %v", problems, err)
				}
				time.Sleep(time.Hour) // on the fake clock: queries under way end
			})
		})
	}
}

// oneMerchant is a collector with thresholds of every kind.
func oneMerchant(t *testing.T) (*Collector, *fakeHub) {
	t.Helper()
	levels, err := config.ParseLevels([]string{"5000000", "20%", "24h", "1.2x"}, []string{"1000000"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	limit := figures()
	limit.HubTime = time.Now().Add(-239 * time.Millisecond)
	backend := &fakeHub{limit: limit, latency: 120 * time.Millisecond}
	merchant := named("main-store")
	merchant.Contact = "finance on call, 02-555-0100"
	merchant.CstID, merchant.Hub, merchant.Thresholds = "partner1", config.Hub{Label: "real"}, levels
	return inForce(settings(), []config.Merchant{merchant}, backend), backend
}

// expectSame fails if another way to gather gives anything else than the
// collector itself, but for the order, and for the counters that the scrapes in
// between have moved.
func expectSame(t *testing.T, all *Collector, other prometheus.Gatherer) {
	t.Helper()
	sorted := func(gatherer prometheus.Gatherer) []string {
		lines := slices.DeleteFunc(strings.Split(string(exposition(t, gatherer)), "\n"), func(line string) bool {
			return strings.HasPrefix(line, NameScrapesFromMemory)
		})
		slices.Sort(lines)
		return lines
	}
	want, got := sorted(direct(all.Bind(t.Context()))), sorted(other)
	if !slices.Equal(want, got) {
		t.Errorf("gathered directly\n%s\nand otherwise\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// direct gathers from a scrape as the metrics page does.
func direct(s Scrape) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, _, err := s.Gather()
		return families, err
	})
}

// fromRegistry is a pedantic registry, which checks all that it is given.
func fromRegistry(t *testing.T, all *Collector) prometheus.Gatherer {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(all.Bind(t.Context()))
	return registry
}

// fromUsedBuffer writes into the memory of a scrape that had more samples and
// other figures, of which nothing may be seen.
func fromUsedBuffer(t *testing.T, all *Collector) prometheus.Gatherer {
	t.Helper()
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		used := all.inForce.Load().newBuffer()
		for _, family := range *used {
			for range 3 {
				family.addSample(666, []*dto.LabelPair{newPair(labelMerchant, "somebody else")})
			}
		}
		return all.Bind(t.Context()).fill(used), nil
	})
}

// exposition returns what a gatherer gives, as a scrape in text form shows it.
func exposition(t *testing.T, registry prometheus.Gatherer) []byte {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	return text.Bytes()
}

// Every metric that is described is shown in some state, and none besides.
func TestMetricsAreDescribedAndShown(t *testing.T) {
	t.Parallel()
	shown := make(map[string]bool)
	for name := range stories() {
		text, err := os.ReadFile(filepath.Join("testdata", name+".prom"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
				metric, _, _ := strings.Cut(rest, " ")
				shown[metric] = true
			}
		}
	}
	for _, metric := range Metrics() {
		if !shown[metric.Name] {
			t.Errorf("%s is shown in no golden file", metric.Name)
		}
		delete(shown, metric.Name)
	}
	if len(shown) > 0 {
		t.Errorf("not described: %v", shown)
	}
}

// The hub's metrics begin with all their series at zero, count what happens,
// and give no more than fifty result codes a series of their own.
func TestHubMetrics(t *testing.T) {
	t.Parallel()
	m := NewHubMetrics()
	if problems, err := testutil.CollectAndLint(m); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	if got, want := testutil.CollectAndCount(m, NameHubRequests), 2; got != want {
		t.Errorf("%d series of requests, want %d", got, want)
	}
	if got, want := testutil.CollectAndCount(m, NameHubRequestFailures), 2*len(hub.Reasons()); got != want {
		t.Errorf("%d series of failures, want %d", got, want)
	}
	for i := range 80 {
		code := "Z" + string([]byte{'0', '0', byte('0' + i/10), byte('0' + i%10)})
		m.Observe(hub.Exchange{Endpoint: hub.EndpointRemain, Code: code, Err: &hub.Error{Reason: hub.ReasonRejected}})
	}
	m.Observe(hub.Exchange{Endpoint: hub.EndpointToken, Code: "Z0001", Duration: 30 * time.Millisecond})
	if got, want := testutil.CollectAndCount(m, NameHubResults), 50+1+1; got != want {
		t.Errorf("%d series of results, want 50, other, and one of the other endpoint", got)
	}
	want := `
# HELP payple_hub_requests_total Requests to the hub, by endpoint.
# TYPE payple_hub_requests_total counter
payple_hub_requests_total{endpoint="remain"} 80
payple_hub_requests_total{endpoint="token"} 1
`
	if err := testutil.CollectAndCompare(m, strings.NewReader(want), NameHubRequests); err != nil {
		t.Error(err)
	}
	if got := testutil.ToFloat64(m.results.WithLabelValues("remain", otherResult)); got != 30 {
		t.Errorf("%v others, want 30", got)
	}
	m.Observe(hub.Exchange{Endpoint: hub.EndpointToken, Code: "9991"})
	if got := testutil.ToFloat64(m.results.WithLabelValues("token", otherResult)); got != 1 {
		t.Errorf("digits alone are counted as other %v times, want once", got)
	}
	if got := testutil.ToFloat64(m.failures.WithLabelValues("remain", "rejected")); got != 80 {
		t.Errorf("%v failures, want 80", got)
	}
}

// A scrape can be of one merchant alone, and asks for no other.
func TestCollectorBindOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, backends := crowd(3, settings())
		name := all.Merchants()[1].Name
		one, found := all.BindOne(t.Context(), name)
		if !found || len(one.of.merchants) != 1 || one.of.merchants[0].Name != name {
			t.Fatalf("BindOne(%q) gives %v, %v", name, one, found)
		}
		if _, _, err := one.Gather(); err != nil {
			t.Error(err)
		}
		queries := []int{backends[0].queries(), backends[1].queries(), backends[2].queries()}
		if !slices.Equal(queries, []int{0, 1, 0}) {
			t.Errorf("asked %v, want the one alone", queries)
		}
		if _, found := all.BindOne(t.Context(), "nobody"); found {
			t.Error("found nobody")
		}
	})
}

// The collector can be registered beside others, and gathers without a
// complaint of the pedantic registry.
func TestCollectorIsConsistent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, _ := crowd(3, settings())
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(all.Bind(t.Context()), NewHubMetrics())
		if _, err := registry.Gather(); err != nil {
			t.Error(err)
		}
	})
}

// Scrapes that follow each other use the same memory, those at the same time
// do not: each sees its own moment whole.
func TestTransactionsShareNoMemoryAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, _ := crowd(3, settings())
		gather := func() (string, func()) {
			families, done, err := all.Bind(t.Context()).Gather()
			if err != nil {
				t.Fatal(err)
			}
			return string(exposition(t, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil }))), done
		}
		families, done, err := all.Bind(t.Context()).Gather()
		if err != nil {
			t.Fatal(err)
		}
		held := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil })
		before := string(exposition(t, held))
		time.Sleep(time.Minute)
		for range 3 {
			later, read := gather()
			if later == before {
				t.Error("a minute later, and nothing has changed")
			}
			read()
		}
		if after := string(exposition(t, held)); after != before {
			t.Errorf("a scrape under way was changed from\n%s\nto\n%s", before, after)
		}
		done()
	})
}

// A scraper of protobuf learns when the counters of a merchant were 0, which
// another configuration does not change.
func TestCountersTellWhenTheyBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		all, _ := oneMerchant(t)
		all.Snapshots(t.Context())
		time.Sleep(time.Hour)
		families, _, err := all.Bind(t.Context()).Gather()
		if err != nil {
			t.Fatal(err)
		}
		counters := 0
		for _, family := range families {
			for _, metric := range family.Metric {
				if family.GetType() != dto.MetricType_COUNTER {
					continue
				}
				if counters++; !metric.Counter.GetCreatedTimestamp().AsTime().Equal(began) {
					t.Errorf("%s began at %s, want %s", family.GetName(), metric.Counter.GetCreatedTimestamp().AsTime(), began)
				}
			}
		}
		if counters < 4 {
			t.Errorf("only %d counters", counters)
		}
		time.Sleep(time.Hour) // on the fake clock: queries under way end
	})
}
