package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// notice is one alert as a receiver of Alertmanager's gets it.
type notice struct {
	Receiver    string // pager, ticket or slack
	Status      string
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    string
}

func (n notice) String() string {
	return fmt.Sprintf("%s: %s %s %s", n.Receiver, n.Status, n.Labels["alertname"], n.Labels["severity"])
}

// receivers stands for the pager, the ticket queue and the chat.
type receivers struct {
	mu  sync.Mutex
	all []notice
}

func (r *receivers) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	var message struct{ Alerts []notice }
	if err := json.NewDecoder(request.Body).Decode(&message); err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if request.URL.Path == "/watchdog" {
		return // always there
	}
	for _, n := range message.Alerts {
		n.Receiver = strings.TrimPrefix(request.URL.Path, "/")
		r.all = append(r.all, n)
	}
}

// got returns the notices so far to one receiver, of one alert and status.
func (r *receivers) got(receiver, alert, status string) []notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	var some []notice
	for _, n := range r.all {
		if n.Receiver == receiver && n.Status == status && n.Labels["alertname"] == alert {
			some = append(some, n)
		}
	}
	return some
}

func (r *receivers) everything() []notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notice(nil), r.all...)
}

// hurried makes durations of rules and routes so short that a test can wait
// for them. That the real ones are right is what the rules' own tests prove.
func hurried(t *testing.T, path string, replacements map[string]string) string {
	t.Helper()
	text := must.Read(t, path)
	for pattern, replacement := range replacements {
		expression := regexp.MustCompile(pattern)
		if !expression.MatchString(text) {
			t.Fatalf("%s has no %s", path, pattern)
		}
		text = expression.ReplaceAllString(text, replacement)
	}
	return text
}

// chain is all that stands between the hub and a phone.
type chain struct {
	hub        *simulator.Hub
	prometheus *programs.Server
	receivers  *receivers
}

func startChain(t *testing.T) chain {
	t.Helper()
	chainTools(t)
	sim, flags := simulated(t)
	sim.SetFigures("store", simulator.Figures{Total: 10_000_000})
	address := programs.FreePort(t)
	exporter := serveHere(t, append(flags, "--web.listen-address="+address, "--web.external-url=http://"+address, "--payple.min-interval=1s", "--payple.max-age=5s",
		"--threshold.warning=5000000", "--threshold.critical=1000000")...)
	exporter.scrape(t) // the first answer may take longer than Prometheus' second
	c := watchedOver(t, exporter)
	c.hub = sim
	return c
}

// chainTools skips a test where there is no Prometheus or Alertmanager.
func chainTools(t *testing.T) {
	t.Helper()
	programs.Tool(t, "PROMETHEUS", "prometheus", "prometheus")
	programs.Tool(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")
}

// watchedOver puts Prometheus, Alertmanager and a telephone behind exporters,
// with rules and routes that are in a hurry.
func watchedOver(t *testing.T, exporters ...*running) chain {
	t.Helper()
	c := chain{receivers: &receivers{}}
	phone := httptest.NewServer(c.receivers)
	t.Cleanup(phone.Close)

	routes := hurried(t, "alerts/alertmanager.example.yml", map[string]string{
		`(?s)\nreceivers:.*`: "\n", `group_wait: \w+`: "group_wait: 0s", `group_interval: \w+`: "group_interval: 1s",
	})
	var webhooks, targets strings.Builder
	for _, name := range []string{"pager", "ticket", "slack", "watchdog"} {
		fmt.Fprintf(&webhooks, "  - {name: %[1]s, webhook_configs: [{url: '%[2]s/%[1]s'}]}\n", name, phone.URL)
	}
	for _, exporter := range exporters {
		fmt.Fprintf(&targets, "'%s',", hostOf(exporter.url))
	}
	alertmanager := programs.Alertmanager(t, routes+"receivers:\n"+webhooks.String())
	rules := harness.WriteFile(t, "rules.yml", hurried(t, "alerts/payple.rules.yml", map[string]string{
		`interval: 1m`: "interval: 1s", `keep_firing_for: \w+`: "keep_firing_for: 15s", `( for:) \w+`: "$1 2s", `\[[25]m\]`: "[4s]",
	}))
	c.prometheus = programs.Prometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['%s']
alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
scrape_configs: [{job_name: payple, static_configs: [{targets: [%s]}]}]
`, rules, hostOf(alertmanager.URL), targets.String()))
	programs.Eventually(t, "the exporters are scraped", func() bool {
		return len(c.prometheus.Query(t, "count by (instance) (payple_transfer_remain_amount)")) == len(exporters)
	})
	return c
}

// rounds lets so many seconds' worth of evaluations of all rules go by.
func (c chain) rounds(t *testing.T, seconds int) {
	t.Helper()
	evaluated := func() (oldest time.Time) {
		var rules struct {
			Data struct {
				Groups []struct{ LastEvaluation time.Time }
			}
		}
		c.prometheus.GetJSON(t, "/api/v1/rules", &rules)
		for i, group := range rules.Data.Groups {
			if i == 0 || group.LastEvaluation.Before(oldest) {
				oldest = group.LastEvaluation
			}
		}
		return oldest
	}
	until := evaluated().Add(time.Duration(seconds) * time.Second)
	programs.Eventually(t, "the rules are evaluated", func() bool { return !evaluated().Before(until) })
}

// The page, for real: simulated hub, exporter, Prometheus, Alertmanager and a
// telephone. A healthy hub pages nobody; running low pages once, with the exact
// amount; a hub that dies while the limit is low does not end that page; a
// top-up does; a refused key pages with what to do. The page leads to its runbook.
func TestThePage(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	c.rounds(t, 5)
	if got := c.receivers.everything(); len(got) > 0 {
		t.Fatalf("a healthy hub told somebody: %v", got)
	}

	c.hub.SetFigures("store", simulator.Figures{Total: 10_000_000, Transferred: 9_400_000})
	programs.Eventually(t, "running low pages", func() bool {
		return len(c.receivers.got("pager", "PaypleTransferLimitLow", "firing")) > 0
	})
	page := c.receivers.got("pager", "PaypleTransferLimitLow", "firing")[0]
	for text, amount := range map[string]string{"description": "₩600,000", "description_ko": "600,000원"} {
		if !strings.Contains(page.Annotations[text], amount) {
			t.Errorf("%s does not tell the exact amount: %s", text, page.Annotations[text])
		}
	}
	if reply := follow(t, page.Annotations["runbook_url"]); reply.Status != http.StatusOK || !strings.Contains(reply.Body, "PaypleTransferLimitLow") {
		t.Errorf("the runbook at %q answers %d", page.Annotations["runbook_url"], reply.Status)
	}
	c.rounds(t, 3)

	must.Do(t, c.hub.Apply("store", "", "status=503"))
	programs.Eventually(t, "losing sight of a low limit pages", func() bool {
		return len(c.receivers.got("pager", "PaypleTransferLimitLostWhileLow", "firing")) > 0
	})
	c.rounds(t, 5)
	if got := c.receivers.got("pager", "PaypleTransferLimitLow", "resolved"); len(got) > 0 {
		t.Errorf("the hub died and the page says all is well: %v", got)
	}
	// The incident is told of what is lost, too, and names all of it again: of one and the same alert.
	for _, again := range c.receivers.got("pager", "PaypleTransferLimitLow", "firing") {
		if again.StartsAt != page.StartsAt {
			t.Errorf("paged once more for the same: %v", again)
		}
	}

	c.hub.Mend("store")
	c.hub.SetFigures("store", simulator.Figures{Total: 110_000_000, Transferred: 9_400_000})
	programs.Eventually(t, "a top-up ends it", func() bool {
		return len(c.receivers.got("pager", "PaypleTransferLimitLow", "resolved")) > 0 &&
			len(c.receivers.got("pager", "PaypleTransferLimitLostWhileLow", "resolved")) > 0
	})

	must.Do(t, c.hub.Apply("store", "", "result=T0300"))
	programs.Eventually(t, "a refused key pages", func() bool {
		return len(c.receivers.got("pager", "PaypleCredentialsRejected", "firing")) > 0
	})
	if page := c.receivers.got("pager", "PaypleCredentialsRejected", "firing")[0]; !strings.Contains(page.Annotations["description"], "custKey") {
		t.Errorf("the page does not tell what to do: %s", page.Annotations["description"])
	}
	if t.Failed() {
		t.Logf("all notices: %v", c.receivers.everything())
	}
}
