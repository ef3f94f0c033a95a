package alerts_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/encoding/korean"

	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/programs"
)

var update = flag.Bool("update", false, "write the golden file anew")

const alertmanagerExample = "alertmanager.example.yml"

// Invariant: Alertmanager accepts the example.
func TestAmtoolAcceptsTheExample(t *testing.T) {
	t.Parallel()
	succeeds(t, amtool(t), "check-config", alertmanagerExample)
}

// Invariant: what stops payouts pages, the rest becomes a ticket, Slack sees all of ours and nothing else.
func TestRoutes(t *testing.T) {
	t.Parallel()
	path := amtool(t)
	for _, c := range []struct{ labels, receivers string }{
		{"alertname=PaypleTransferLimitLow service=payple severity=critical merchant=m", "slack,pager"},
		{"alertname=PaypleExporterAbsent service=payple severity=critical", "slack,pager"},
		{"alertname=PaypleTransferLimitLow service=payple severity=warning merchant=m", "slack,ticket"},
		{"alertname=PaypleConfigReloadFailed service=payple severity=warning", "slack,ticket"},
		{"alertname=PaypleHubFailing service=payple severity=critical hub=real", "slack,pager"},
		{"alertname=PaypleExporterFlapping service=payple severity=warning job=p instance=a", "slack,ticket"},
		{"alertname=PaypleWatchdog service=payple severity=none", "watchdog"},
		{"alertname=DiskFull service=shop severity=critical", "ticket"},
		{"alertname=DiskFull severity=critical", "ticket"},
	} {
		t.Run(c.labels, func(t *testing.T) {
			t.Parallel()
			args := []string{"config", "routes", "test", "--config.file=" + alertmanagerExample, "--verify.receivers=" + c.receivers}
			succeeds(t, path, append(args, strings.Fields(c.labels)...)...)
		})
	}
}

// Invariant: until somebody puts an address there, the example talks to this machine alone.
func TestExampleStaysOnTheMachine(t *testing.T) {
	t.Parallel()
	var config struct {
		Receivers []map[string]any `yaml:"receivers"`
	}
	if err := yaml.Load([]byte(read(t, alertmanagerExample)), &config); err != nil {
		t.Fatal(err)
	}
	addresses := 0
	for _, receiver := range config.Receivers {
		for kind, list := range receiver {
			if kind == "name" {
				continue
			}
			for _, one := range list.([]any) {
				fields := one.(map[string]any)
				address, ok := fields["url"]
				if !ok {
					address = fields["api_url"]
				}
				if !strings.HasPrefix(fmt.Sprint(address), "http://127.0.0.1:") {
					t.Errorf("%v: %s goes to %v", receiver["name"], kind, address)
				}
				addresses++
			}
		}
	}
	if addresses != 5 {
		t.Errorf("%d addresses, want those of pager, text messages, ticket, watchdog and Slack", addresses)
	}
}

// telephone stands for all receivers, and keeps what each was sent, in order.
type telephone struct {
	mu  sync.Mutex
	got map[string][]notification
}

// notification is what a person sees of a message.
type notification struct {
	// PagerDuty
	Payload struct {
		Summary  string            `json:"summary"`
		Severity string            `json:"severity"`
		Details  map[string]string `json:"custom_details"`
	} `json:"payload"`
	// Slack
	Attachments []struct {
		Title  string `json:"title"`
		Link   string `json:"title_link"`
		Text   string `json:"text"`
		Fields []struct {
			Value string `json:"value"`
		} `json:"fields"`
	} `json:"attachments"`
	// A webhook
	Alerts []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

func (p *telephone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message notification
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[r.URL.Path] = append(p.got[r.URL.Path], message)
	w.WriteHeader(http.StatusAccepted)
}

// wait returns the message of that number that came to a path.
func (p *telephone) wait(t *testing.T, path string, number int) (message notification) {
	t.Helper()
	programs.Eventually(t, fmt.Sprintf("message %d to %s", number, path), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.got[path]) < number {
			return false
		}
		message = p.got[path][number-1]
		return true
	})
	return message
}

// relayed is the title that the example has a relay make of an alert for a text message.
func relayed(message notification) string {
	what, severity := "해소", "경고"
	if message.Alerts[0].Status == "firing" {
		what = "발생"
	}
	if message.Alerts[0].Labels["severity"] == "critical" {
		severity = "심각"
	}
	return "[" + what + "·" + severity + "] " + message.Alerts[0].Annotations["summary_ko"]
}

// Invariant: people who are paged or read the channel see in the title, in Korean, what has happened and that it is over, and find since
// when, what to do, whom to call and the runbook in Korean, where there is one; of two alerts, too.
func TestNotificationsSpeakKoreanFirst(t *testing.T) {
	t.Parallel()
	phone := &telephone{got: make(map[string][]notification)}
	server := httptest.NewServer(phone)
	t.Cleanup(server.Close)
	config := strings.ReplaceAll(read(t, alertmanagerExample), "http://127.0.0.1:9099", server.URL)
	config = regexp.MustCompile(`(group_wait|group_interval): \w+`).ReplaceAllString(config, "$1: 1s")
	// The first route is one to the text messages, as the example says.
	config = strings.Replace(config, "  routes:\n", "  routes:\n    - {receiver: sms, continue: true, group_by: [alertname]}\n", 1)
	base := programs.Alertmanager(t, config).URL
	low := map[string]any{
		"labels": alert("PaypleTransferLimitLow severity=critical merchant=main-store").labels(),
		"annotations": map[string]string{
			"summary": "main-store: ₩999,999 left to pay out, critical threshold ₩1,000,000", "description": "In English at length.",
			"summary_ko":     "main-store: 한도 잔여 999,999원(심각 기준 1,000,000원)",
			"description_ko": "파트너 계정 main-store의 한도 잔여금액은 999,999원입니다. 한도를 미리 확보하세요. 연락처: 정산 온콜 02-555-0100.",
			"runbook_url":    "", // as where nobody has said how people reach the exporter
		},
		"startsAt": "2026-11-24T15:30:00Z",
	}
	two := []map[string]any{}
	for _, merchant := range []string{"main-store", "side-store"} {
		two = append(two, map[string]any{
			"labels": alert("PaypleCredentialsRejected severity=critical reason=auth job=p instance=a merchant=" + merchant).labels(),
			"annotations": map[string]string{
				"summary": merchant + ": access is refused to a", "description": "At length.",
				"summary_ko": merchant + ": 조회 거부(a)", "description_ko": merchant + " 길게.", "runbook_url": "https://exporter.example/payple/runbooks/PaypleCredentialsRejected",
			},
			"startsAt": "2026-11-25T04:24:00Z",
		})
	}
	var got strings.Builder
	record := func(what string, number int) {
		pager, slack, sms := phone.wait(t, "/pager", number), phone.wait(t, "/slack", number), phone.wait(t, "/sms", number)
		fmt.Fprintf(&got, "# %s: pager, %s\n%s\n", what, pager.Payload.Severity, pager.Payload.Summary)
		for _, name := range []string{"description_ko", "description", "runbook"} { // beside those that Alertmanager adds
			fmt.Fprintf(&got, "%s: %s\n", name, strings.TrimSpace(pager.Payload.Details[name]))
		}
		for _, part := range slack.Attachments {
			fmt.Fprintf(&got, "\n# %s: slack\n%s\n%s\n%s\n%s\n", what, part.Title, part.Link, strings.TrimSpace(part.Text), part.Fields[0].Value)
		}
		fmt.Fprintf(&got, "\n# %s: text message\n%s\n\n", what, relayed(sms))
		if encoded, err := korean.EUCKR.NewEncoder().String(relayed(sms)); err != nil || len(encoded) > 90 {
			t.Errorf("a text message of %d bytes, %v", len(encoded), err)
		}
	}
	send(t, base, []map[string]any{low})
	record("firing", 1)
	low["endsAt"] = "2026-11-24T16:05:00Z"
	send(t, base, []map[string]any{low})
	record("resolved", 2)
	send(t, base, two)
	record("two at once", 3)
	golden.Compare(t, "testdata/notifications.golden", strings.TrimSpace(got.String())+"\n", *update)
}

// paging runs Alertmanager with the example, with its pauses as given, in front of a pager.
func paging(t *testing.T, example, groupWait, groupInterval string) (base string, pager *programs.Pager) {
	t.Helper()
	pager, config := programs.NewPager(t, example)
	config = regexp.MustCompile(`group_wait: \w+`).ReplaceAllString(config, "group_wait: "+groupWait)
	config = regexp.MustCompile(`group_interval: \w+`).ReplaceAllString(config, "group_interval: "+groupInterval)
	return programs.Alertmanager(t, config).URL, pager
}

// Invariant: a dead hub of 60 merchants is one message that opens one incident, and so is an address that is refused for all of them; the
// death of a second exporter opens its own, and so does a limit at zero of a merchant that was low.
func TestOneOutageIsOneMessage(t *testing.T) {
	t.Parallel()
	base, pager := paging(t, read(t, alertmanagerExample), "1s", "5m")
	post(t, base, []alert{"PaypleHubFailing severity=critical hub=real"})
	var merchants []alert
	for i := range 60 {
		of := fmt.Sprintf("severity=critical merchant=m%d", i)
		merchants = append(merchants, alert("PaypleTransferLimitUnknown hub=real "+of), alert("PaypleDataStale hub=real "+of),
			alert("PaypleCredentialsRejected reason=ip_not_allowed job=p instance=a "+of))
	}
	post(t, base, merchants)
	post(t, base, []alert{
		"PaypleExporterDown severity=critical job=p instance=a", "PaypleTransferLimitLow severity=critical merchant=low",
		"PaypleTransferRunwayShort severity=critical merchant=low",
	})
	opened := func(what string, want int) {
		t.Helper()
		programs.Eventually(t, what, func() bool { return len(pager.Incidents()) >= want })
		if got := pager.Incidents(); len(got) != want {
			t.Errorf("%s: %d incidents, want %d: %v", what, len(got), want, got)
		}
	}
	opened("the hub, the address, the first exporter and the low merchant are told", 4)
	post(t, base, []alert{"PaypleExporterDown severity=critical job=p instance=b"})
	opened("the second exporter is told", 5)
	post(t, base, []alert{"PaypleTransferLimitExhausted severity=critical merchant=low"})
	opened("that nothing is left is told", 6)
}

// Invariant: a merchant that is low, and whose hub closes each night, is one incident all along: neither what is lost at night nor what is
// low again in the morning opens another.
func TestALowMerchantStaysOneIncident(t *testing.T) {
	t.Parallel()
	base, pager := paging(t, read(t, alertmanagerExample), "0s", "1s")
	const low, lost = alert("PaypleTransferLimitLow severity=critical merchant=m"), alert("PaypleTransferLimitLostWhileLow severity=critical merchant=m")
	events := func() (n int) {
		for _, list := range pager.Incidents() {
			n += len(list)
		}
		return n
	}
	told := func(what string, do func()) {
		t.Helper()
		before := events()
		do()
		programs.Eventually(t, what, func() bool { return events() > before })
	}
	told("it is low", func() { post(t, base, []alert{low}) })
	for range 2 { // nights
		told("it is lost", func() { post(t, base, []alert{lost}) })
		told("it is low no more, as far as is known", func() { end(t, base, low) })
		told("it is low again", func() { post(t, base, []alert{low}) })
		told("it is lost no more", func() { end(t, base, lost) })
	}
	told("it is topped up", func() { end(t, base, low) })
	got := pager.Incidents()
	for _, events := range got {
		if len(got) != 1 || programs.Resolved(events) != 1 || events[len(events)-1].Action != "resolve" {
			t.Errorf("incidents %v, want one that ends with the top-up", got)
		}
	}
}

// withClosedHours is the example with what it has as a comment for teams that know the hub's hours.
func withClosedHours(t *testing.T) string {
	t.Helper()
	text := read(t, alertmanagerExample)
	comment := regexp.MustCompile(`(?m)^( *)# (- matchers: .*|  group_by: .*|  mute_time_intervals: .*|time_intervals:|  .*hub-closed|    time_intervals:|      - times: .*|        location: .*)$`)
	if n := len(comment.FindAllString(text, -1)); n != 8 {
		t.Fatalf("%d lines of comment are configuration, want 8", n)
	}
	return comment.ReplaceAllString(text, "$1$2")
}

// Invariant: in the hours in which the hub is closed, in Korea, nobody is paged for what is unknown, and everybody for what is low.
func TestClosedHours(t *testing.T) {
	t.Parallel()
	config := withClosedHours(t)
	path := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	succeeds(t, amtool(t), "check-config", path)

	hours := regexp.MustCompile(`times: .*`)
	now := time.Now().UTC()
	for _, c := range []struct {
		name, times string
		pages       int
	}{
		{"closed", `times: [{start_time: "00:00", end_time: "24:00"}]`, 1},
		// An hour of ours, which is not that hour in Korea.
		{"open", fmt.Sprintf(`times: [{start_time: "%02d:00", end_time: "%02d:59"}]`, now.Hour(), now.Hour()), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base, pager := paging(t, hours.ReplaceAllString(config, c.times), "0s", "5m")
			post(t, base, []alert{"PaypleTransferLimitUnknown severity=critical merchant=m hub=real", "PaypleHubFailing severity=critical hub=other"})
			post(t, base, []alert{"PaypleTransferLimitLow severity=critical merchant=n"})
			programs.Eventually(t, "what is to be told is told", func() bool { return len(pager.Incidents()) >= c.pages })
			if got := pager.Incidents(); len(got) != c.pages {
				t.Errorf("incidents %v, want %d", got, c.pages)
			}
		})
	}
}

// alert is written as its name and further labels, "Low merchant=m severity=critical"; service=payple is understood unless it is given.
type alert string

func (a alert) labels() map[string]string {
	fields := strings.Fields(string(a))
	labels := map[string]string{"alertname": fields[0], "service": "payple"}
	for _, f := range fields[1:] {
		key, value, _ := strings.Cut(f, "=")
		labels[key] = value
	}
	return labels
}

// Invariant: of one trouble the gravest alert is heard, and no alert that stands for money is silenced by a lesser one.
func TestInhibition(t *testing.T) {
	t.Parallel()
	const (
		exhausted   = "PaypleTransferLimitExhausted severity=critical merchant=m"
		low         = "PaypleTransferLimitLow severity=critical merchant=m"
		lowWarning  = "PaypleTransferLimitLow severity=warning merchant=m"
		ratio       = "PaypleTransferLimitRatioLow severity=critical merchant=m"
		runway      = "PaypleTransferRunwayShort severity=critical merchant=m"
		need        = "PaypleTransferLimitShortOfNeed severity=critical merchant=m"
		unknown     = "PaypleTransferLimitUnknown severity=critical merchant=m"
		lost        = "PaypleTransferLimitLostWhileLow severity=critical merchant=m"
		stale       = "PaypleDataStale severity=critical merchant=m"
		failing     = "PaypleQueryFailing severity=warning merchant=m job=p instance=a"
		rejected    = "PaypleCredentialsRejected severity=critical merchant=m reason=auth job=p instance=a"
		down        = "PaypleExporterDown severity=critical job=p instance=a"
		absent      = "PaypleExporterAbsent severity=critical"
		lowered     = "PaypleTransferLimitLowered severity=warning merchant=m"
		otherReload = "PaypleConfigReloadFailed severity=warning job=p instance=a"
	)
	for _, c := range []struct {
		name      string
		heard     []alert
		inhibited []alert
	}{
		{
			name: "critical hides the warning of the same alert and merchant alone",
			heard: []alert{
				low, ratio, lowered, "PaypleTransferLimitLow severity=warning merchant=n", "PaypleTransferLimitRatioLow severity=warning merchant=n",
			},
			inhibited: []alert{lowWarning},
		},
		{
			name: "a label that both lack does not make two alerts equal, and nobody else's alerts are touched",
			heard: []alert{
				"Disk severity=critical", "Disk severity=warning",
				"Theirs severity=critical merchant=m service=shop", "Theirs severity=warning merchant=m service=shop",
				"Theirs severity=warning merchant=m",
			},
		},
		{
			name:      "exhausted hides low, the ratio, the runway and the need of its merchant",
			heard:     []alert{exhausted, "PaypleTransferLimitLow severity=warning merchant=n", lost, lowered},
			inhibited: []alert{low, lowWarning, ratio, runway, need},
		},
		{
			name:      "lost while low hides the lesser names of the same outage",
			heard:     []alert{lost, low, rejected, "PaypleTransferLimitUnknown severity=critical merchant=n"},
			inhibited: []alert{unknown, stale, failing},
		},
		{
			name:      "unknown hides stale and failing, never what is about money",
			heard:     []alert{unknown, low, runway, rejected, "PaypleDataStale severity=critical merchant=n"},
			inhibited: []alert{stale, failing},
		},
		{
			name: "refused credentials hide the failing queries of the same exporter alone",
			heard: []alert{
				rejected, stale, low,
				"PaypleQueryFailing severity=warning merchant=m job=p instance=b", "PaypleQueryFailing severity=warning merchant=n job=p instance=a",
				"PaypleQueryFailing severity=warning merchant=m job=q instance=a",
			},
			inhibited: []alert{failing},
		},
		{
			name: "an exporter that is down hides its own failing queries, and nothing that another one says",
			heard: []alert{
				down, unknown, low, otherReload, "PaypleDataStale severity=critical merchant=n",
				"PaypleQueryFailing severity=warning merchant=n job=p instance=b", "PaypleQueryFailing severity=warning merchant=n job=q instance=a",
			},
			inhibited: []alert{failing, "PaypleQueryFailing severity=warning merchant=n job=p instance=a"},
		},
		{
			name:  "an exporter that is down hides neither exhausted nor lost",
			heard: []alert{down, exhausted, lost},
		},
		{
			name:      "no exporter at all hides what follows from it, never what is about money",
			heard:     []alert{absent, low, ratio, runway, rejected, otherReload, lowered},
			inhibited: []alert{down, unknown, stale, failing},
		},
		{
			name: "a hub that fails hides what its merchants say of it, and nothing of another hub or of money",
			heard: []alert{
				"PaypleHubFailing severity=critical hub=real", exhausted, lost, rejected, "PaypleTransferLimitUnknown severity=critical merchant=x",
				"PaypleTransferLimitUnknown severity=critical merchant=n hub=test", "PaypleQueryFailing severity=warning merchant=p job=p instance=a hub=test",
			},
			inhibited: []alert{
				"PaypleTransferLimitUnknown severity=critical merchant=o hub=real", "PaypleDataStale severity=critical merchant=o hub=real",
				"PaypleQueryFailing severity=warning merchant=o job=p instance=a hub=real",
			},
		},
		{
			name:  "no exporter at all hides neither exhausted nor lost",
			heard: []alert{absent, exhausted, lost},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base := programs.Alertmanager(t, silenced(t)).URL
			want := map[string]bool{}
			for _, a := range c.heard {
				want[fmt.Sprint(a.labels())] = false
			}
			for _, a := range c.inhibited {
				want[fmt.Sprint(a.labels())] = true
			}
			// Alertmanager takes sources in the order of their arrival: once the last pair shows its effect, so does all that came before.
			const lastSource, lastTarget = alert("Last severity=critical merchant=last"), alert("Last severity=warning merchant=last")
			want[fmt.Sprint(lastSource.labels())] = false
			want[fmt.Sprint(lastTarget.labels())] = true
			post(t, base, append(append(append([]alert{}, c.heard...), c.inhibited...), lastTarget, lastSource))

			programs.Eventually(t, "inhibition has taken effect", func() bool {
				return inhibited(t, base)[fmt.Sprint(lastTarget.labels())]
			})
			// Asked again: Alertmanager judges alert by alert while it answers, and the sources may have come in the middle of that answer.
			if got := inhibited(t, base); !maps.Equal(got, want) {
				t.Errorf("inhibited:\n got %v\nwant %v", got, want)
			}
		})
	}
}

// silenced is the example with every receiver reduced to its name.
func silenced(t *testing.T) string {
	t.Helper()
	var config map[string]any
	if err := yaml.Load([]byte(read(t, alertmanagerExample)), &config); err != nil {
		t.Fatal(err)
	}
	receivers := config["receivers"].([]any)
	for i, r := range receivers {
		receivers[i] = map[string]any{"name": r.(map[string]any)["name"]}
	}
	out, err := yaml.Dump(config)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func post(t *testing.T, base string, list []alert) {
	t.Helper()
	var body []map[string]any
	for _, a := range list {
		body = append(body, map[string]any{"labels": a.labels()})
	}
	send(t, base, body)
}

// end resolves an alert.
func end(t *testing.T, base string, a alert) {
	t.Helper()
	now := time.Now()
	send(t, base, []map[string]any{{"labels": a.labels(), "startsAt": now.Add(-time.Hour).Format(time.RFC3339Nano), "endsAt": now.Format(time.RFC3339Nano)}})
}

func send(t *testing.T, base string, body []map[string]any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(base+"/api/v2/alerts", "application/json", bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("posting alerts: %s", response.Status)
	}
}

// inhibited says of every alert, by its labels, whether another one inhibits it.
func inhibited(t *testing.T, base string) map[string]bool {
	t.Helper()
	response, err := http.Get(base + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list []struct {
		Labels map[string]string `json:"labels"`
		Status struct {
			InhibitedBy []string `json:"inhibitedBy"`
		} `json:"status"`
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, a := range list {
		out[fmt.Sprint(a.Labels)] = len(a.Status.InhibitedBy) > 0
	}
	return out
}
