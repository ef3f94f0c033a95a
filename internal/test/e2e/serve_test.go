package e2e

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

const remainOfStore = `payple_transfer_remain_amount{merchant="store"}`

// From flags to three true figures.
func TestServeExposesTheHubsFigures(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	exporter := serveHere(t, flags...)
	got := exporter.scrape(t)
	for sample, want := range map[string]float64{
		remainOfStore: 9_944_000, `total_account_amt{merchant="store"}`: 10_000_000, `total_transfer_amt{merchant="store"}`: 56_000,
		`payple_up{merchant="store"}`: 1,
		`payple_transfer_threshold_runway_seconds{merchant="store",severity="critical"}`: 14_400,
		`payple_exporter_config_last_reload_successful`:                                  1,
		`payple_hub_requests_total{endpoint="token"}`:                                    1,
		`payple_hub_results_total{endpoint="remain",result="A0000"}`:                     1,
	} {
		if value, there := got[sample]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, value, there, want)
		}
	}
	// A page opened by a person obeys the same gate as a scrape, and is no demo.
	for range 5 {
		if _, body := exporter.get(t, "/"); !strings.Contains(body, "₩9,944,000") || strings.Contains(body, "DEMO") {
			t.Fatalf("the page says:\n%s", body)
		}
	}
	if n := sim.Requests("store", hub.EndpointRemain); n != 1 {
		t.Errorf("a scrape and five views made %d queries, want 1", n)
	}
}

// However many scrape within an interval, the hub gets one token and one
// remain request.
func TestServeManyScrapersMakeOneQuery(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	exporter := serveHere(t, append(flags, "--payple.min-interval=5m")...)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				if got := exporter.scrape(t)[remainOfStore]; got != 9_944_000 {
					t.Errorf("a scrape got %v", got)
				}
			}
		})
	}
	all.Wait()
	token, remain := sim.Requests("store", hub.EndpointToken), sim.Requests("store", hub.EndpointRemain)
	if token != 1 || remain != 1 {
		t.Errorf("200 scrapes made %d token and %d remain requests, want 1 and 1", token, remain)
	}
	samples := exporter.scrape(t)
	memory := samples[`payple_scrapes_from_memory_total{cause="min_interval",merchant="store"}`] +
		samples[`payple_scrapes_from_memory_total{cause="shared",merchant="store"}`]
	if memory != 200 {
		t.Errorf("%v scrapes from memory, want 200", memory)
	}
}

// A hub that hangs makes no scrape late: it is answered before its own
// time-out, with what is known. It runs alone: half a second is what separates
// the answer from the time-out, and other tests may take all processors.
func TestServeAnswersInTimeWhenTheHubHangs(t *testing.T) {
	sim, flags := simulated(t)
	must.Do(t, sim.Apply("store", "", "hang"))
	exporter := serveHere(t, flags...)
	began := time.Now()
	got := exporter.scrape(t, "X-Prometheus-Scrape-Timeout-Seconds", "2")
	if took := time.Since(began); took >= 2*time.Second {
		t.Errorf("a scrape with 2 s was answered after %s", took)
	}
	if up := got[`payple_up{merchant="store"}`]; up != 0 {
		t.Errorf("payple_up is %v before the first answer", up)
	}
	if _, invented := got[remainOfStore]; invented {
		t.Error("a figure was invented")
	}
}

// A hub that is not there keeps nothing from starting.
func TestServeStartsWithoutAHub(t *testing.T) {
	t.Parallel()
	exporter := serveHere(t, flagsOf(t, "http://127.0.0.1:1")...)
	for _, path := range []string{"/-/healthy", "/-/ready", "/", "/sd"} {
		if status, body := exporter.get(t, path); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
	}
	got := exporter.scrape(t)
	if up, there := got[`payple_up{merchant="store"}`]; !there || up != 0 {
		t.Errorf("payple_up is %v (there: %v), want 0", up, there)
	}
	if got[`payple_failure{merchant="store",reason="network"}`] != 1 {
		t.Error("the reason is not told")
	}
	if _, invented := got[remainOfStore]; invented {
		t.Error("a figure was invented")
	}
	if code := exporter.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// SIGTERM ends the process with code 0, after the scrape that is under way has
// got its answer.
func TestServeFinishesScrapesOnSIGTERM(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	sim.Break("store", hub.EndpointToken, simulator.Slow(700*time.Millisecond))
	exporter := serveApart(t, nil, flags...)
	answered := make(chan exposition.Page, 1)
	go func() { answered <- exporter.scrape(t) }()
	programs.Eventually(t, "the scrape reaches the hub", func() bool { return sim.Requests("store", hub.EndpointToken) > 0 })
	if code := exporter.stop(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, exporter.stderr)
	}
	if got := (<-answered)[remainOfStore]; got != 9_944_000 {
		t.Errorf("the scrape that was under way got %v", got)
	}
}

// Every line of the log has one shape, whoever writes it: this program, the
// web toolkit, or the HTTP server.
func TestServeLogHasOneShape(t *testing.T) {
	t.Parallel()
	logfmt := regexp.MustCompile(`^level=(debug|info|warn|error) caller=[\w.-]+:\d+ time=\S+ msg=`)
	shapes := map[string]func(line string) bool{
		"logfmt": logfmt.MatchString,
		"json": func(line string) bool {
			var fields struct{ Level, Caller, Time, Msg string }
			return json.Unmarshal([]byte(line), &fields) == nil &&
				fields.Level != "" && fields.Caller != "" && fields.Time != "" && fields.Msg != ""
		},
	}
	for format, shaped := range shapes {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			sim, flags := simulated(t)
			must.Do(t, sim.Apply("store", "", "result=T0310"))
			exporter := serveHere(t, append(flags, "--log.level=debug", "--log.format="+format)...)
			exporter.scrape(t)
			exporter.stop()
			lines := strings.Split(strings.TrimSpace(exporter.stderr.String()), "\n")
			for _, line := range lines {
				if !shaped(line) {
					t.Errorf("another shape: %s", line)
				}
			}
			if text := exporter.stderr.String(); len(lines) < 6 || !strings.Contains(text, "asked the hub") ||
				!strings.Contains(text, "Listening on") || !strings.Contains(text, "White IP list") {
				t.Errorf("lines are missing:\n%s", text)
			}
		})
	}
}

// The demo needs nothing, shows every state, and says that it is one in the
// log, on the page and in a metric.
func TestServeDemo(t *testing.T) {
	t.Parallel()
	exporter := serveHere(t, "--demo")
	got := exporter.scrape(t)
	for sample, want := range map[string]float64{
		`payple_transfer_remain_amount{merchant="healthy"}`:                            444_000_000,
		`payple_transfer_remain_amount{merchant="nearly-empty"}`:                       4_400_000,
		`payple_transfer_remain_amount{merchant="running-low"}`:                        9_000_000,
		`payple_transfer_remain_amount{merchant="bank-maintenance"}`:                   140_000_000,
		`payple_transfer_remain_amount{merchant="empty"}`:                              0,
		`payple_failure{merchant="key-refused",reason="auth"}`:                         1,
		`payple_merchant_info{cst_id="healthy",hub="demo",merchant="healthy"}`:         1,
		`payple_up{merchant="draining"}`:                                               1,
		`payple_merchant_info{cst_id="draining",hub="demo",merchant="draining"}`:       1,
		`payple_merchant_info{cst_id="key-refused",hub="demo",merchant="key-refused"}`: 1,
	} {
		if value, there := got[sample]; !there || value != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, value, there, want)
		}
	}
	if _, body := exporter.get(t, "/"); !strings.Contains(body, "DEMO") {
		t.Error("the page does not say that this is a demo")
	}
	if text := exporter.stderr.String(); !strings.Contains(text, "level=warn") || !strings.Contains(text, "DEMO") || !strings.Contains(text, exporter.url) && !strings.Contains(text, "page=") {
		t.Errorf("the log does not say that this is a demo, or where to look:\n%s", text)
	}
}

// What to do is logged in the language of the flag; the rest of the log is English for programs.
func TestServeLogsInTheLanguageOfItsFlag(t *testing.T) {
	t.Parallel()
	r := serveHere(t, "--demo", "--lang=ko")
	r.scrape(t)
	r.stderr.Await(t, `reason=auth .* action="cst_id와 custKey, 허브`)
}

// A reload over HTTP or by signal takes up a changed file and keeps what is
// known of the merchants that stay; a broken file changes nothing and says so.
func TestServeReloads(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	address, key := valueOf(flags[0]), valueOf(flags[2])
	good := "hub: " + address + "\nmerchants:\n  - {cst_id: store, cust_key_file: " + key + "}\n"
	file := harness.WriteFile(t, "merchants.yml", good)
	write := func(text string) {
		must.Write(t, file, text)
	}
	exporter := serveApart(t, nil, "--config.file="+file, "--web.enable-lifecycle")
	exporter.scrape(t)

	write(good + "  - {cst_id: store, name: second, hub: 'https://hub.invalid', cust_key_file: " + key + "}\n")
	exporter.Signal(syscall.SIGHUP)
	exporter.stderr.Await(t, `merchants=2`)
	got := exporter.scrape(t)
	if got[remainOfStore] != 9_944_000 || got[`payple_queries_total{merchant="store"}`] != 1 || sim.Requests("store", hub.EndpointRemain) != 1 {
		t.Errorf("the merchant that stays was forgotten: %v queries", got[`payple_queries_total{merchant="store"}`])
	}
	if got[`payple_merchant_info{cst_id="store",hub="hub.invalid",merchant="second"}`] != 1 {
		t.Error("the new merchant is not there")
	}

	write(good + "  - {cst_id: third}\n")
	status, body := exporter.post(t, "/-/reload")
	if status != http.StatusInternalServerError || !strings.Contains(body, file+":4:") {
		t.Errorf("a broken file answers %d: %s", status, body)
	}
	got = exporter.scrape(t)
	if got["payple_exporter_config_last_reload_successful"] != 0 || got[`payple_merchant_info{cst_id="store",hub="hub.invalid",merchant="second"}`] != 1 {
		t.Error("the last good configuration did not stay, or the failure is not shown")
	}

	write(good)
	if status, body := exporter.post(t, "/-/reload"); status != http.StatusOK {
		t.Errorf("a good file answers %d: %s", status, body)
	}
	got = exporter.scrape(t)
	if _, there := got[`payple_merchant_info{cst_id="store",hub="hub.invalid",merchant="second"}`]; there || got["payple_exporter_config_last_reload_successful"] != 1 {
		t.Error("a merchant that was taken out is still there, or the success is not shown")
	}
	if code := exporter.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Reload over HTTP is off unless it is asked for.
func TestServeReloadIsOffByDefault(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	if status, body := serveHere(t, flags...).post(t, "/-/reload"); status != http.StatusForbidden || !strings.Contains(body, "SIGHUP") {
		t.Errorf("answers %d: %s", status, body)
	}
}

// Without the exporter's own metrics, what alerts depend on stays.
func TestServeWithoutExporterMetrics(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	_, body := serveHere(t, append(flags, "--web.disable-exporter-metrics")...).get(t, "/metrics")
	for _, gone := range []string{"go_goroutines", "process_", "promhttp_"} {
		if strings.Contains(body, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, stays := range []string{"payple_exporter_build_info", "payple_hub_requests_total", remainOfStore} {
		if !strings.Contains(body, stays) {
			t.Errorf("%s is gone", stays)
		}
	}
}

// A ConfigMap that has changed is taken up with nothing done by hand: its files
// are links through a folder that is swapped.
func TestServeTakesUpASwappedFolder(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	dir := t.TempDir()
	swap := func(version, name string) {
		t.Helper()
		must.Write(t, filepath.Join(dir, version, "merchants.yml"), "merchants: [{name: "+name+", cst_id: store, cust_key_file: "+valueOf(flags[2])+"}]\n")
		must.Do(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		must.Do(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	swap("..2026_1", "before")
	must.Do(t, os.Symlink(filepath.Join("..data", "merchants.yml"), filepath.Join(dir, "merchants.yml")))
	exporter := serveHere(t, flags[0], "--config.file="+filepath.Join(dir, "merchants.yml"), "--config.auto-reload-interval=1s")
	swap("..2026_2", "after")
	programs.Eventually(t, "the new name is shown", func() bool {
		_, shown := exporter.scrape(t)[`payple_up{merchant="after"}`]
		return shown
	})
	must.Write(t, filepath.Join(dir, "..2026_2", "merchants.yml"), "merchants: nobody\n")
	exporter.stderr.Await(t, "configuration refused")
	if page := exporter.scrape(t); page["payple_exporter_config_last_reload_successful"] != 0 || page[`payple_up{merchant="after"}`] != 1 {
		t.Errorf("a refused file: %v", page)
	}
}

// Who reads the log may end: the exporter serves on, and stops in good order.
func TestServeOutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	reader, writer, err := os.Pipe()
	must.Do(t, err)
	address := programs.FreePort(t)
	exporter := exec.CommandContext(t.Context(), programs.Exporter(t), append(flags, "--web.listen-address="+address, "--log.level=debug")...)
	exporter.Stdout, exporter.Stderr = writer, writer
	must.Do(t, exporter.Start())
	must.Do(t, errors.Join(writer.Close(), reader.Close()))
	serving := &running{url: "http://" + address}
	programs.Eventually(t, "it serves", func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	})
	for range 3 { // each writes lines
		if got := serving.scrape(t)[remainOfStore]; got != 9_944_000 {
			t.Errorf("got %v", got)
		}
	}
	must.Do(t, exporter.Process.Signal(syscall.SIGTERM))
	if err := exporter.Wait(); err != nil {
		t.Errorf("it ends by %v", err)
	}
}
