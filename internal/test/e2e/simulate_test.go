package e2e

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/texts"
)

// simulate is the command that runs the simulated hub alone.
var simulate = []string{"simulate", "--simulate.listen-address=127.0.0.1:0"}

// simulatorURL matches the line with its address.
const simulatorURL = `listens on (http://127\.0\.0\.1:\d+)\.`

// serveSimulator runs simulate in this process.
func serveSimulator(t *testing.T, flags ...string) *running {
	t.Helper()
	r := startHere(t, time.Now, append(slices.Clone(simulate), flags...)...)
	r.url = r.stderr.Await(t, simulatorURL)[1]
	return r
}

// startDrill runs simulate with the files that an exporter under drill reads,
// and returns the configuration's path as well.
func startDrill(t *testing.T, flags ...string) (r *running, configFile string) {
	t.Helper()
	r = serveSimulator(t, append(flags, "--simulate.config-dir="+t.TempDir())...)
	t.Cleanup(func() {
		if code := r.stop(); code != app.ExitOK {
			t.Errorf("simulate exits %d:\n%s", code, r.stderr)
		}
	})
	return r, r.stderr.Await(t, `--config\.file=(\S+)\n`)[1]
}

// A drill rings for real: simulate plays it, an exporter that reads its keys
// from files asks, and the telephone behind Prometheus and Alertmanager gets
// what docs/drills.md promises, and nothing about the merchants that are fine.
// The new key in the file ends the one, a top-up the other.
func TestDrillsRing(t *testing.T) {
	t.Parallel()
	chainTools(t)
	_, rotated := startDrill(t, "--simulate.scenario=key-rotated", "--simulate.speed=30") // minute 5 is second 10
	_, dry := startDrill(t, "--simulate.scenario=running-dry", "--simulate.speed=120")    // minute 45 is second 22
	var exporters []*running
	for _, config := range []string{rotated, dry} {
		exporter := serveHere(t, "--config.file="+config, "--payple.min-interval=1s", "--payple.max-age=5s")
		exporter.scrape(t) // the first answer may take longer than Prometheus' second
		exporters = append(exporters, exporter)
	}
	c := watchedOver(t, exporters...)
	pages := func(alert, merchant, status string) int {
		n := 0
		for _, page := range c.receivers.got("pager", alert, status) {
			if page.Labels["merchant"] == merchant {
				n++
			}
		}
		return n
	}
	programs.Eventually(t, "the refused key pages", func() bool { return pages("PaypleCredentialsRejected", "shop-one", "firing") > 0 })
	must.Write(t, filepath.Join(filepath.Dir(rotated), "simulated-keys", "shop-one"), "simulated-key-2\n")
	programs.Eventually(t, "nothing left pages", func() bool { return pages("PaypleTransferLimitExhausted", "payouts-main", "firing") > 0 })
	programs.Eventually(t, "the new key ends it", func() bool { return pages("PaypleCredentialsRejected", "shop-one", "resolved") > 0 })
	programs.Eventually(t, "the top-up ends it", func() bool { return pages("PaypleTransferLimitExhausted", "payouts-main", "resolved") > 0 })
	for _, n := range c.receivers.everything() {
		if who := n.Labels["merchant"]; who == "shop-two" || who == "payouts-spare" {
			t.Errorf("a merchant that is fine rings: %v %s", n, who)
		}
	}
}

// Every shipped drill can be played by name, and everybody in it can be asked
// at the start with the files that simulate writes.
func TestEveryDrillPlays(t *testing.T) {
	t.Parallel()
	if len(simulator.DrillNames()) < 4 {
		t.Errorf("drills: %v", simulator.DrillNames())
	}
	document := must.Read(t, "docs/drills.md")
	for _, name := range simulator.DrillNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, config := startDrill(t, "--simulate.scenario="+name)
			if code, stdout, stderr := harness.Command(t, "--config.file="+config, "check"); code != app.ExitOK {
				t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
			}
			if !strings.Contains(document, "\n### "+name+"\n") {
				t.Errorf("docs/drills.md does not tell of it")
			}
		})
	}
}

// The example of a drill in docs/drills.md is one.
func TestExampleDrillPlays(t *testing.T) {
	t.Parallel()
	document := must.Read(t, "docs/drills.md")
	_, example, _ := strings.Cut(document, "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	_, config := startDrill(t, "--simulate.scenario="+harness.WriteFile(t, "my-drill.yml", example), "--simulate.cust-key-file="+harness.WriteFile(t, "key", "unused"))
	if code, stdout, stderr := harness.Command(t, "--config.file="+config, "check"); code != app.ExitOK || !strings.Contains(stdout, "₩40,000,000") && !strings.Contains(stdout, "₩39,") {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
}

// An exporter under drill reads its key from the file that the simulated hub
// took it from, with no word of it on the way.
func TestSimulateTakesItsKeyFromAFile(t *testing.T) {
	t.Parallel()
	key := harness.WriteFile(t, "key", testKey+"\n")
	hub := serveSimulator(t, "--simulate.cust-key-file="+key)
	hub.stderr.Await(t, "Mend it")
	expectNoSecret(t, "simulate", hub.stderr.String())
	if code, stdout, _ := harness.Command(t, "--payple.hub="+hub.url, "--payple.cst-id=healthy", "--payple.cust-key-file="+key, "check"); code != app.ExitOK {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
	if code := hub.stop(); code != app.ExitOK {
		t.Errorf("simulate exits %d", code)
	}
}

// People are told in their own language, as by check: the one of the flag, else
// the terminal's.
func TestSimulateSpeaksTheLanguageOfTheTerminal(t *testing.T) {
	for _, test := range []struct {
		locale, environment, flag string
		korean                    bool
	}{
		{"ko_KR.UTF-8", "", "", true}, {"C", "", "", false}, {"ko_KR.UTF-8", "", "--lang=en", false}, {"C", "", "--lang=ko", true}, {"C", "ko", "", true},
	} {
		t.Setenv("LC_ALL", test.locale)
		t.Setenv("PAYPLE_EXPORTER_LANG", test.environment)
		r := startHere(t, time.Now, append(slices.Clone(simulate), strings.Fields(test.flag)...)...)
		r.stderr.Await(t, "fault=none'\n")
		if code := r.stop(); code != app.ExitOK || texts.Hangul(r.stderr.String()) != test.korean {
			t.Errorf("%+v: exit %d\n%s", test, code, r.stderr)
		}
	}
}

// simulate overwrites its own files and nobody else's.
func TestSimulateOverwritesNobodysConfiguration(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	const own = "merchants: [{cst_id: real, cust_key_file: /etc/payple.key}]\n"
	path := must.Write(t, filepath.Join(folder, "merchants.yml"), own)
	code, _, stderr := harness.Command(t, "simulate", "--simulate.listen-address=127.0.0.1:0", "--simulate.config-dir="+folder)
	if code != app.ExitUsage || !strings.Contains(stderr, "was not written by simulate: name another directory") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if text := must.Read(t, path); text != own {
		t.Errorf("now %q", text)
	}
}

// A client of another make is answered, and its departures are told to whoever
// asks and to the tests, which would fail of an exporter's; a strict hub
// refuses it. The exporter asks a strict hub, too.
func TestSimulateNotesDepartures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{{nil, "T0000"}, {[]string{"--simulate.strict"}, "T0100"}} {
		ctx, stop := context.WithCancel(t.Context())
		out, exit := new(programs.Output), make(chan int, 1)
		go func() {
			exit <- harness.Run(ctx, append(slices.Clone(simulate), test.args...), app.Options{Stdout: out, Stderr: out})
		}()
		hub := &running{url: out.Await(t, simulatorURL)[1]}
		key := harness.WriteFile(t, "key", simulator.DemoKey)
		if code, stdout, _ := harness.Command(t, "--payple.hub="+hub.url, "--payple.cst-id=healthy", "--payple.cust-key-file="+key, "check"); code != app.ExitOK {
			t.Errorf("%v: the exporter exits %d:\n%s", test.args, code, stdout)
		}
		if _, body := hub.get(t, "/simulator/departures"); body != "[]\n" {
			t.Errorf("%v: the exporter departs: %s", test.args, body)
		}
		response, err := http.Post(hub.url+"/oauth/token", "application/json; charset=utf-8",
			strings.NewReader(`{"cst_id":"healthy","custKey":"`+simulator.DemoKey+`","code":"as12345678"}`))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || !strings.Contains(string(answer), `"result":"`+test.want+`"`) {
			t.Errorf("%v: the other client gets %s, %v; want %s", test.args, answer, err, test.want)
		}
		if _, body := hub.get(t, "/simulator/departures"); !strings.Contains(body, "token: header Content-Type") || !strings.Contains(body, "token: header Cache-Control") {
			t.Errorf("%v: noted %s", test.args, body)
		}
		stop()
		if code := <-exit; code != harness.ExitDeparted {
			t.Errorf("%v: nobody is told of the departures: exit %d", test.args, code)
		}
	}
}

// What a person breaks goes before what is planned, and is seen in the state.
func TestPlannedFaultsAreShown(t *testing.T) {
	t.Parallel()
	simulator, _ := startDrill(t, "--simulate.scenario=hub-down", "--simulate.speed=1000")
	programs.Eventually(t, "the plan's fault is shown", func() bool {
		_, body := simulator.get(t, "/simulator/")
		return strings.Contains(body, `"token": "result=T0310"`)
	})
	if status, body := simulator.post(t, "/simulator/fault?cst_id=address-lost&fault=status=500"); status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	if _, body := simulator.get(t, "/simulator/"); !strings.Contains(body, `"token": "status=500"`) {
		t.Errorf("the state is %s", body)
	}
}

// The table of faults in docs/drills.md is that of the simulated hub: it names
// every fault, and none that there is not.
func TestDrillsTellOfEveryFault(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(must.Read(t, "docs/drills.md"), "\n## Faults\n")
	fields, wrongs, named := []string{}, []string{}, make(map[string]bool)
	quoted := regexp.MustCompile("`([^`]+)`")
	for _, row := range regexp.MustCompile(`(?m)^\| (`+"`.*`"+`) \| (.*) \|$`).FindAllStringSubmatch(section, -1) {
		if row[1] == "`FIELD-WRONG`" {
			amounts, rest, _ := strings.Cut(row[2], "WRONG:")
			for _, name := range quoted.FindAllStringSubmatch(amounts, -1) {
				fields = append(fields, name[1])
			}
			for _, name := range quoted.FindAllStringSubmatch(rest, -1) {
				wrongs = append(wrongs, name[1])
			}
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(row[1], -1) {
			named[name[1]] = true
		}
	}
	for _, field := range fields {
		for _, wrong := range wrongs {
			named[field+"-"+wrong] = true
		}
	}
	for _, fault := range simulator.Faults() {
		name, _, valued := strings.Cut(fault.Name, "=")
		if valued {
			name += map[string]string{"status": "=CODE", "result": "=CODE", "retry-after": "=SECONDS"}[name]
		}
		if !named[name] {
			t.Errorf("no word of %s", fault.Name)
		}
	}
	sample := strings.NewReplacer("status=CODE", "status=503", "=CODE", "=T0310", "=SECONDS", "=90", "=DURATION", "=2s")
	for name := range named {
		if _, err := simulator.ParseFault(sample.Replace(name)); err != nil {
			t.Error(err)
		}
	}
	if len(named) < 80 {
		t.Errorf("only %d faults were looked at", len(named))
	}
}

// A name that is no fault is told in a line that can be read, with the kinds
// that there are.
func TestUnknownFaultIsToldShortly(t *testing.T) {
	t.Parallel()
	_, err := simulator.ParseFault("boredom")
	if err == nil || len(err.Error()) > 300 {
		t.Fatalf("told: %v", err)
	}
	for _, kind := range []string{"hang", "trickle", "reset", "close", "cut", "no-http", "redirect", "status=CODE", "result=CODE", "retry-after=SECONDS", "slow=DURATION", "remain_amt-missing", "docs/drills.md"} {
		if !strings.Contains(err.Error(), kind) {
			t.Errorf("no word of %s: %v", kind, err)
		}
	}
}
