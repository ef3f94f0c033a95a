package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/programs"
)

// The drill forgotten-top-up from its beginning to the page: simulate writes
// the week before, promtool makes blocks of it, and Prometheus, which has them
// as its past, tells of the top-up that did not come before the batch that
// needs it; and of nothing else, nor of the merchant that has its money.
func TestForgottenTopUpPagesBeforeTheBatch(t *testing.T) {
	t.Parallel()
	chainTools(t)
	dir := t.TempDir()
	history, data := filepath.Join(dir, "week.txt"), filepath.Join(dir, "data")
	// The batch of minute 75 leaves after a minute.
	drill := startHere(t, time.Now, "simulate", "--simulate.scenario=forgotten-top-up", "--simulate.speed=75", "--lang=en",
		"--simulate.listen-address=127.0.0.1:0", "--simulate.config-dir="+dir, "--simulate.backfill="+history)
	drill.stderr.Await(t, "listens on")
	if out, err := exec.CommandContext(t.Context(), programs.Promtool(t), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h", history, data).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	exporter := serveHere(t, "--config.file="+filepath.Join(dir, "merchants.yml"), "--payple.min-interval=1s", "--threshold.critical=1.2x")
	pager, config := programs.NewPager(t, hurried(t, "alerts/alertmanager.example.yml", map[string]string{`group_wait: \w+`: "group_wait: 0s"}))
	rules := harness.WriteFile(t, "rules.yml", hurried(t, "alerts/payple.rules.yml", map[string]string{
		`interval: 1m`: "interval: 1s", `( for:) \w+`: "$1 2s",
	}))
	prometheus := programs.PrometheusOver(t, data, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['%s']
alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
scrape_configs: [{job_name: payple, static_configs: [{targets: ['%s']}]}]
`, rules, hostOf(programs.Alertmanager(t, config).URL), hostOf(exporter.url)))
	const need = "daily-batch: 한도 잔여 30,000,000원(24시간 필요 120,000,000원)"
	programs.Eventually(t, "the top-up is missed", func() bool { return len(pager.Told(need)) == 1 })
	if got := prometheus.Query(t, `payple_transfer_remain_amount{merchant="daily-batch",job="payple"}`); len(got) != 1 || got[0].Value != 30_000_000 {
		t.Errorf("the page came after the batch: %v", got)
	}
	if got := pager.Incidents(); len(got) != 1 {
		t.Errorf("%d incidents: %v", len(got), got)
	}
	programs.Eventually(t, "the batch finds too little", func() bool { return len(pager.Told("daily-batch: 지급이체 한도 소진")) == 1 })
	// Its batch leaves 74 minutes earlier by the clock of the rules than last week: what it has after that is not judged.
	const paged = `(ALERTS{merchant="on-time",alertstate="firing"} and on (merchant) payple_transfer_remain_amount{job="payple"} == 130000000)[5m:1s]`
	if got := prometheus.Query(t, "count_over_time("+paged+")"); len(got) > 0 {
		t.Errorf("it has its money: %v", got)
	}
	if got := prometheus.Query(t, `count_over_time((payple_transfer_remain_amount{merchant="on-time",job="payple"} == 130000000)[5m:1s]) > 20`); len(got) != 1 {
		t.Errorf("it was not seen for long with its money: %v", got)
	}
}
