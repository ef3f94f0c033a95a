package e2e

import (
	"fmt"
	"strings"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }

// A real Prometheus scrapes the demo and gets the three figures that its
// simulated hub has, to the won.
func TestPrometheusScrapesTheDemo(t *testing.T) {
	t.Parallel()
	programs.Tool(t, "PROMETHEUS", "prometheus", "prometheus")
	exporter := serveHere(t, "--demo", "--payple.min-interval=1s")
	prometheus := programs.Prometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: payple
    static_configs: [{targets: ['%s']}]
`, hostOf(exporter.url)))
	programs.Eventually(t, "the demo is scraped", func() bool { return len(prometheus.Query(t, `total_transfer_amt`)) == 6 })
	for merchant, want := range map[string]simulator.Figures{
		"healthy": {Total: 500_000_000, Transferred: 56_000_000}, "nearly-empty": {Total: 80_000_000, Transferred: 75_600_000},
		"empty": {Total: 30_000_000, Transferred: 30_000_000},
	} {
		for metric, won := range map[string]hub.Won{
			"payple_transfer_remain_amount": want.Remain(), "total_account_amt": want.Total, "total_transfer_amt": want.Transferred,
		} {
			got := prometheus.Query(t, fmt.Sprintf("%s{merchant=%q}", metric, merchant))
			if len(got) != 1 || hub.Won(got[0].Value) != won {
				t.Errorf("%s of %s is %v, want %s", metric, merchant, got, won)
			}
		}
	}
	// The one that moves moves as a whole: all three figures are of one answer.
	if got := prometheus.Query(t, `total_account_amt - total_transfer_amt - payple_transfer_remain_amount != 0`); len(got) != 0 {
		t.Errorf("figures of different answers were mixed: %v", got)
	}
	if got := prometheus.Query(t, `up{job="payple"}`); len(got) != 1 || got[0].Value != 1 {
		t.Errorf("up is %v", got)
	}
}

// Three exporters share sixty merchants as deploy/prometheus/sharded.yml has
// it: each merchant arrives once, each exporter asks for its own only, and
// when one exporter stops the others go on with theirs, and it can be told
// whose merchants are lost.
func TestPrometheusShards(t *testing.T) {
	t.Parallel()
	programs.Tool(t, "PROMETHEUS", "prometheus", "prometheus")
	const merchants, shards = 60, 3
	sim, file := manyMerchants(t, merchants)
	var exporters []*running
	for range shards {
		exporters = append(exporters, serveHere(t, "--config.file="+file, "--payple.min-interval=1s"))
	}
	prometheus := programs.Prometheus(t, shardedConfig(t, exporters))
	programs.Eventually(t, "every merchant arrives", func() bool {
		return len(prometheus.Query(t, `payple_transfer_remain_amount`)) == merchants &&
			len(prometheus.Query(t, `payple_hub_requests_total{endpoint="token"}`)) == shards
	})
	if got := prometheus.Query(t, `count by (merchant) (payple_transfer_remain_amount) > 1`); len(got) != 0 {
		t.Errorf("merchants arrive more than once: %v", got)
	}
	if got := prometheus.Query(t, `{exported_merchant!=""}`); len(got) != 0 {
		t.Errorf("a label was renamed: %v", got[0])
	}
	for i, exporter := range exporters {
		own := prometheus.Query(t, fmt.Sprintf(`payple_up{instance=%q}`, hostOf(exporter.url)))
		// Within the life of a token, an exporter asks for one per merchant.
		asked := exporter.page(t, "/metrics?collect[]=exporter")[`payple_hub_requests_total{endpoint="token"}`]
		if len(own) == 0 || int(asked) != len(own) {
			t.Errorf("exporter %d answers for %d merchants and has asked for %v tokens", i, len(own), asked)
		}
	}
	for i := range merchants {
		if n := sim.Requests(fmt.Sprintf("m%02d", i), hub.EndpointToken); n != 1 {
			t.Errorf("merchant %d was asked for by %d exporters", i, n)
		}
	}
	expectLoss(t, prometheus, exporters)
}

// expectLoss stops the first exporter and looks at what is left.
func expectLoss(t *testing.T, prometheus *programs.Server, exporters []*running) {
	t.Helper()
	lost := hostOf(exporters[0].url)
	exporters[0].stop()
	programs.Eventually(t, "the lost exporter's targets are down", func() bool {
		return len(prometheus.Query(t, fmt.Sprintf(`up{job="payple",instance=%q} == 1`, lost))) == 0
	})
	for _, exporter := range exporters[1:] {
		if got := prometheus.Query(t, fmt.Sprintf(`up{instance=%q} != 1`, hostOf(exporter.url))); len(got) != 0 {
			t.Errorf("the others do not go on: %v", got)
		}
	}
	for _, down := range prometheus.Query(t, fmt.Sprintf(`up{job="payple",instance=%q} == 0`, lost)) {
		if down.Labels["merchant"] == "" {
			t.Errorf("it cannot be told whose merchant is lost: %v", down)
		}
	}
	programs.Eventually(t, "PaypleExporterDown waits for its time, for the lost exporter alone", func() bool {
		pending := prometheus.Query(t, `ALERTS{alertname="PaypleExporterDown"}`)
		for _, alert := range pending {
			if alert.Labels["instance"] != lost {
				t.Fatalf("another exporter's alert: %v", alert)
			}
		}
		return len(pending) > 0
	})
}

// shardedConfig is deploy/prometheus/sharded.yml, with these exporters in it
// and no time to lose.
func shardedConfig(t *testing.T, exporters []*running) string {
	t.Helper()
	text := must.Read(t, "deploy/prometheus/sharded.yml")
	replace := []string{
		"scrape_interval: 30s", "scrape_interval: 1s", "scrape_timeout: 10s", "scrape_timeout: 1s",
		"/etc/prometheus/rules/payple.rules.yml",
		harness.WriteFile(t, "payple.rules.yml", hurried(t, "alerts/payple.rules.yml", map[string]string{`interval: 1m`: "interval: 1s"})),
	}
	for i, exporter := range exporters {
		replace = append(replace, fmt.Sprintf("payple-exporter-%d:10911", i), hostOf(exporter.url))
	}
	return "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n" + strings.NewReplacer(replace...).Replace(text)
}

// manyMerchants is a simulated hub with n merchants, and a file that lists
// them.
func manyMerchants(t *testing.T, n int) (*simulator.Hub, string) {
	t.Helper()
	var (
		partners []simulator.Partner
		list     strings.Builder
	)
	key := harness.WriteFile(t, "key", testKey)
	for i := range n {
		id := fmt.Sprintf("m%02d", i)
		partners = append(partners, simulator.Partner{CstID: id, CustKey: testKey, Plan: simulator.Plan{
			Start: simulator.Figures{Total: hub.Won(1000 + i)},
		}})
		fmt.Fprintf(&list, "  - {cst_id: %s, cust_key_file: %s}\n", id, key)
	}
	sim := stand.NewHub(t, simulator.Options{}, partners...)
	return sim, harness.WriteFile(t, "merchants.yml", "hub: "+stand.ServeHub(t, sim).URL+"\nmerchants:\n"+list.String())
}
