package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// hurry is how many times as fast the rules, the routes and the exporter's
// clock are here: a minute is a second, and all that is shipped keeps its
// proportions.
const hurry = 60

// fast is a clock in a hurry.
func fast() func() time.Time {
	began := time.Now()
	return func() time.Time { return began.Add(hurry * time.Since(began)) }
}

// compressed makes all durations of a text shorter by that much.
func compressed(t *testing.T, path string) string {
	t.Helper()
	return regexp.MustCompile(`\b(?:\d+[wdhms])+\b`).ReplaceAllStringFunc(must.Read(t, path), func(text string) string {
		duration := time.Duration(must.Get(model.ParseDuration(text))(t))
		return fmt.Sprintf("%dms", max(duration/hurry, time.Millisecond).Milliseconds())
	})
}

// compressedAlertmanager runs Alertmanager as the example has it.
func compressedAlertmanager(t *testing.T) (*programs.Server, *programs.Pager) {
	t.Helper()
	pager, config := programs.NewPager(t, compressed(t, "alerts/alertmanager.example.yml"))
	return programs.Alertmanager(t, config), pager
}

// pair is deploy/prometheus/pair.yml with these exporters and this Alertmanager.
func pair(t *testing.T, replica string, alertmanager *programs.Server, exporters ...*running) string {
	t.Helper()
	rules := harness.WriteFile(t, "payple.rules.yml", compressed(t, "alerts/payple.rules.yml"))
	var targets []string
	for _, exporter := range exporters {
		targets = append(targets, "'"+hostOf(exporter.url)+"'")
	}
	return strings.NewReplacer(
		"scrape_interval: 30s", "scrape_interval: 1s\n  evaluation_interval: 1s", "scrape_timeout: 10s", "scrape_timeout: 1s",
		"replica: a", "replica: "+replica, "alertmanager:9093", hostOf(alertmanager.URL), "payple-exporter:10911", strings.Join(targets, ","),
		"/etc/prometheus/rules/payple.rules.yml", rules,
	).Replace(must.Read(t, "deploy/prometheus/pair.yml"))
}

// Through a pair of Prometheus servers and the shipped example: a dead hub of
// sixty merchants opens one incident that says sixty, and ends it once; a
// merchant that was low is the one incident that it was before; a second
// exporter's death opens its own; and one that runs low meanwhile pages.
func TestADeadHubIsOneIncident(t *testing.T) {
	t.Parallel()
	chainTools(t)
	sim, file := manyMerchants(t, 61)
	_, other := simulated(t)
	var exporters []*running
	for _, merchants := range [][]string{{"--config.file=" + file}, other, other} {
		exporters = append(exporters, serveOn(t, fast(), append(merchants, "--threshold.critical=100")...))
	}
	alertmanager, pager := compressedAlertmanager(t)
	prometheus := programs.Prometheus(t, pair(t, "a", alertmanager, exporters...))
	second := programs.Prometheus(t, pair(t, "b", alertmanager, exporters...))
	incidents := func(what, text string, want int) {
		t.Helper()
		programs.Eventually(t, what, func() bool { return len(pager.Told(text)) >= want })
		if got := pager.Told(text); len(got) != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	programs.Eventually(t, "all are scraped", func() bool { return len(prometheus.Query(t, `payple_transfer_remain_amount`)) == 63 })
	const bad, spared = "m00", "m60"
	sim.SetFigures(bad, simulator.Figures{Total: 50})
	incidents("a merchant is low", bad+": 한도 잔여 50원", 1)

	for i := range 60 {
		must.Do(t, sim.Apply(fmt.Sprintf("m%02d", i), "", "status=503"))
	}
	incidents("the hub is dead", "파트너 계정 61개 중 60개", 1)
	programs.Eventually(t, "the other one of the pair says so, too", func() bool {
		return len(second.Query(t, `ALERTS{alertname="PaypleHubFailing",alertstate="firing"}`)) == 1
	})
	var same []any
	if alertmanager.GetJSON(t, "/api/v2/alerts?filter=alertname%3DPaypleHubFailing", &same); len(same) != 1 {
		t.Errorf("what a pair says comes as %d alerts", len(same))
	}
	sim.SetFigures(spared, simulator.Figures{Total: 60})
	incidents("another one is low", spared+": 한도 잔여 60원", 1)
	for i, exporter := range exporters[1:] {
		exporter.stop()
		incidents("an exporter is dead", "payple_exporter 응답 없음", i+1)
	}
	programs.Eventually(t, "what the hub's incident stands for", func() bool {
		return len(prometheus.Query(t, `ALERTS{alertname=~"PaypleTransferLimitUnknown|PaypleQueryFailing",alertstate="firing"}`)) >= 119
	})

	for i := range 60 {
		sim.Mend(fmt.Sprintf("m%02d", i))
	}
	programs.Eventually(t, "the hub's incident ends", func() bool { return programs.Resolved(pager.Told("파트너 계정 61개 중 60개")[0]) > 0 })
	programs.Eventually(t, "all is told again but what is low", func() bool {
		return len(prometheus.Query(t, `ALERTS{alertstate="firing",alertname!~"PaypleWatchdog|PaypleExporterDown"}`)) == 2
	})
	time.Sleep(6 * time.Minute / hurry) // a whole group_interval, for what should not come
	got := pager.Incidents()
	// On a busy machine a Prometheus may have found no exporter yet in its first five seconds, which are five minutes here.
	maps.DeleteFunc(got, func(_ string, events []programs.PagerEvent) bool {
		return strings.Contains(events[0].Summary, "수집 중인 payple_exporter 없음")
	})
	if len(got) != 5 {
		t.Errorf("%d incidents, want those of the hub, of two merchants and of two exporters: %v", len(got), got)
	}
	for text, want := range map[string]int{"파트너 계정 61개 중 60개": 1, bad + ": 한도 잔여 50원": 0, spared + ": 한도 잔여 60원": 0} {
		if got := pager.Told(text); len(got) != 1 || programs.Resolved(got[0]) != want {
			t.Errorf("%q ended otherwise than %d times: %v", text, want, got)
		}
	}
}
