package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
)

// A mistake in usage or configuration is one clear line on what to do, and
// exit code 2; nothing runs.
func TestMistakesAreTold(t *testing.T) {
	t.Parallel()
	key := harness.WriteFile(t, "key", testKey)
	empty := harness.WriteFile(t, "empty", "\n")
	broken := harness.WriteFile(t, "drill.yml", "merchant: 1\nmerchants: [{cst_id: a, total: 1}]\n")
	web := harness.WriteFile(t, "web.yml", "tls_server_config: {cert_file: nowhere.pem, key_file: nowhere.key}\n")
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"nobody to ask":         {nil, "whom to ask? Set --payple.cst-id and --payple.cust-key-file, name a --config.file, or try --demo"},
		"unknown flag":          {[]string{"--nonsense"}, "unknown long flag '--nonsense', try --help"},
		"unknown command":       {[]string{"nonsense"}, "unexpected nonsense, try --help"},
		"no key":                {[]string{"--payple.cst-id=p"}, "no custKey: name a file with --payple.cust-key-file, or set the environment variable PAYPLE_CUST_KEY"},
		"key file missing":      {[]string{"--payple.cst-id=p", "--payple.cust-key-file=/nowhere/key"}, "no usable custKey: reading the key: open /nowhere/key: no such file or directory"},
		"key file empty":        {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + empty}, "no usable custKey: key file " + empty + " is empty"},
		"http to a remote hub":  {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.hub=http://hub.example"}, `--payple.hub "http://hub.example": http would show custKey to the network: use https (http only to 127.0.0.1, ::1 or localhost)`},
		"no such hub":           {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.hub=production"}, "--payple.hub: want real, test or an address such as https://hub.example"},
		"senseless threshold":   {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--threshold.warning=lots"}, `--threshold: warning: threshold "lots": want an amount in won (5000000), a share of the total (20%) or a runway (24h)`},
		"interval too short":    {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.min-interval=10ms"}, "--payple.min-interval: min interval 10ms: want from 1s to 5m0s"},
		"interval too long":     {[]string{"--payple.cst-id=p", "--payple.cust-key-file=" + key, "--payple.min-interval=5m1s"}, "--payple.min-interval: min interval 5m1s: want from 1s to 5m0s, since the alert rules measure the pace of payouts"},
		"interval no duration":  {[]string{"--payple.min-interval=10"}, `time: missing unit in duration "10", try --help`},
		"time-out zero":         {[]string{"--demo", "--payple.timeout=0s"}, "--payple.timeout 0s: want above 0 and up to 1m"},
		"max-age negative":      {[]string{"--demo", "--payple.max-age=-1s"}, "--payple.max-age -1s: want 0 or more"},
		"referer: line break":   {[]string{"--demo", "--payple.referer=https://shop.example\n"}, "--payple.referer: want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"},
		"referer: control":      {[]string{"check", "--payple.referer=https://shop.example\x00"}, "--payple.referer: want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"},
		"referer: no address":   {[]string{"--config.check", "--demo", "--payple.referer=shop.example"}, "--payple.referer: want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"},
		"referer: password":     {[]string{"--demo", "--payple.referer=https://u:p@shop.example"}, "--payple.referer: want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"},
		"no concurrency":        {[]string{"--demo", "--payple.max-concurrency=0"}, "--payple.max-concurrency 0: want at least 1"},
		"negative rate":         {[]string{"--demo", "--payple.max-requests-per-second=-1"}, "--payple.max-requests-per-second -1: want 0 or more"},
		"no requests":           {[]string{"--demo", "--web.max-requests=0"}, "--web.max-requests 0: want at least 1"},
		"offset negative":       {[]string{"--demo", "--web.timeout-offset=-10s"}, "--web.timeout-offset -10s: want 0 or more"},
		"address: no port":      {[]string{"--demo", "--web.listen-address=foo"}, `--web.listen-address "foo": want a port with or without a host, such as :10911, localhost:10911 or [::1]:10911, or vsock://:10911`},
		"address: second":       {[]string{"--demo", "--web.listen-address=:10911", "--web.listen-address=::1:10911"}, `--web.listen-address "::1:10911": want a port`},
		"path without slash":    {[]string{"--demo", "--web.telemetry-path=metrics"}, `--web.telemetry-path "metrics": want a path such as /metrics, without //, .. and characters such as % or :, and other than the exporter's own`},
		"path taken":            {[]string{"--demo", "--web.telemetry-path=/probe"}, `--web.telemetry-path "/probe": want a path such as /metrics, without //, .. and characters such as % or :, and other than the exporter's own`},
		"path in disguise":      {[]string{"--demo", "--web.telemetry-path=/%70robe"}, `--web.telemetry-path "/%70robe": want a path such as /metrics, without //, .. and characters such as % or :, and other than the exporter's own`},
		"path not clean":        {[]string{"--demo", "--web.telemetry-path=/a/../b"}, `--web.telemetry-path "/a/../b": want a path such as /metrics, without //, .. and characters such as % or :, and other than the exporter's own`},
		"external no host":      {[]string{"--demo", "--web.external-url=/payple"}, `--web.external-url "/payple": want an address such as https://exporter.example/payple, without ?, # and a name or password`},
		"external password":     {[]string{"--demo", "--web.external-url=https://u:p@exporter.example"}, `--web.external-url "https://u:p@exporter.example": want an address`},
		"external no target":    {[]string{"--demo", "--web.external-url=https://exporter.example:99999"}, `--web.external-url "https://exporter.example:99999": want a host that Prometheus can scrape`},
		"prefix in disguise":    {[]string{"--demo", "--web.route-prefix=/a//b"}, `--web.route-prefix "/a//b": want a path such as /payple, without //, .. and characters such as % or :; or / where the proxy takes it off`},
		"prefix of external":    {[]string{"--demo", "--web.external-url=https://exporter.example/a%20b"}, `--web.route-prefix "/a b": want a path such as /payple`},
		"sd address a URL":      {[]string{"--demo", "--web.sd-address=https://exporter.example"}, `--web.sd-address "https://exporter.example": want a host with or without a port, such as exporter.example:443`},
		"demo and real":         {[]string{"--demo", "--payple.cst-id=p"}, "--demo invents its merchants: take out --payple.cst-id, --payple.cust-key-file and --config.file"},
		"file and flags":        {[]string{"--config.file=x.yml", "--payple.cst-id=p"}, "--config.file lists the merchants: take out --payple.cst-id and --payple.cust-key-file (and PAYPLE_CST_ID, PAYPLE_CUST_KEY_FILE)"},
		"no such file":          {[]string{"--config.file=/nowhere.yml"}, "configuration file: open /nowhere.yml: no such file or directory"},
		"web configuration":     {[]string{"--demo", "--web.config.file=" + web}, "--web.config.file: "},
		"check: nobody to ask":  {[]string{"check"}, "whom to ask?"},
		"simulate: no fault":    {[]string{"simulate", "--simulate.fault=boredom"}, `--simulate.fault: no fault "boredom": want one of`},
		"simulate: no drill":    {[]string{"simulate", "--simulate.scenario=earthquake"}, `--simulate.scenario: no drill "earthquake": want one of hub-down, key-rotated, payout-batch, running-dry, or a file such as ./drill.yml`},
		"simulate: no file":     {[]string{"simulate", "--simulate.scenario=/nowhere.yml"}, "--simulate.scenario: scenario file: open /nowhere.yml: no such file or directory"},
		"simulate: bad file":    {[]string{"simulate", "--simulate.scenario=" + broken}, "--simulate.scenario: " + broken + `:1: unknown key "merchant": want one of about, about_ko, cust_key, merchants`},
		"simulate: bad speed":   {[]string{"simulate", "--simulate.speed=0"}, "--simulate.speed 0: want from 1 to 1000"},
		"simulate: no key":      {[]string{"simulate", "--simulate.cust-key-file=" + empty}, "--simulate.cust-key-file: key file " + empty + " is empty"},
		"export: nothing":       {[]string{"export"}, "required argument 'kind' not provided, try --help"},
		"export: no such thing": {[]string{"export", "grafana"}, "enum value must be one of rules,prometheusrule,alertmanager,dashboards,runbooks, got 'grafana', try --help"},
		"export: no address":    {[]string{"export", "rules", "--runbook-url=exporter.example"}, `--runbook-url "exporter.example": want an address such as https://exporter.example/payple, without ?, # and a name or password`},
		"check: no language":    {[]string{"--demo", "check", "--lang=de"}, "enum value must be one of en,ko, got 'de', try --help"},
		"simulate: no language": {[]string{"simulate", "--lang=de"}, "enum value must be one of en,ko, got 'de', try --help"},
		"config.check: nothing": {[]string{"--config.check"}, "whom to ask?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := harness.Command(t, test.args...)
			if code != app.ExitUsage || !strings.HasPrefix(stderr, "payple_exporter: error: "+test.says) || stdout != "" {
				t.Errorf("exit %d, said %q %q; want 2 and %q", code, stdout, stderr, test.says)
			}
			if strings.Count(stderr, "\n") != 1 {
				t.Errorf("not one line: %q", stderr)
			}
		})
	}
}

// Help and version are answers, not mistakes.
func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"--version"}, {"serve", "--help"}, {"check", "-h"}} {
		code, stdout, stderr := harness.Command(t, args...)
		if code != app.ExitOK || !strings.Contains(stdout, "payple_exporter") || stderr != "" {
			t.Errorf("%v exits %d, says %q %q", args, code, stdout, stderr)
		}
	}
}

// Flags can stand in the environment, under the names of the contract.
func TestEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"PAYPLE_CST_ID": "store", "PAYPLE_CUST_KEY": testKey, "PAYPLE_HUB": "test",
		"PAYPLE_EXPORTER_PAYPLE_MIN_INTERVAL": "17s", "PAYPLE_EXPORTER_THRESHOLD_WARNING": "5000000\n24h",
	} {
		t.Setenv(name, value)
	}
	code, stdout, stderr := harness.Command(t, "--config.check")
	for _, want := range []string{"min_interval: 17s", "cst_id: store", "hub_url: https://demohub.payple.kr", "- '5000000'", "- 1d", "cust_key_from: environment variable PAYPLE_CUST_KEY"} {
		if code != app.ExitOK || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in:\n%s%s", code, want, stdout, stderr)
		}
	}
	t.Setenv("PAYPLE_CUST_KEY", "sk-\xff")
	if code, _, stderr := harness.Command(t, "--config.check"); code != app.ExitUsage || stderr != "payple_exporter: error: no usable custKey: environment variable PAYPLE_CUST_KEY is not text in UTF-8\n" {
		t.Errorf("a key that is no text: exit %d, %s", code, stderr)
	}
	t.Setenv("PAYPLE_CUST_KEY_FILE", "/also/a/file")
	if code, _, stderr := harness.Command(t, "--config.check"); code != app.ExitUsage || !strings.Contains(stderr, "two keys") {
		t.Errorf("two keys: exit %d, %s", code, stderr)
	}
}

// What is no setting has no variable in the environment: a deployment that
// notes there which version it deploys does not keep the exporter from
// starting, nor have it print help.
func TestEnvironmentAsksForNoHelp(t *testing.T) {
	names := []string{"HELP", "HELP_LONG", "HELP_MAN", "COMPLETION_BASH", "COMPLETION_SCRIPT_BASH", "COMPLETION_SCRIPT_ZSH", "VERSION"}
	for _, value := range []string{"1.2.3", "true"} {
		for _, name := range names {
			t.Setenv("PAYPLE_EXPORTER_"+name, value)
		}
		if code, stdout, stderr := harness.Command(t, "--demo", "--config.check"); code != app.ExitOK || !strings.HasPrefix(stdout, "min_interval: 10s\n") || stderr != "" {
			t.Errorf("%s: exit %d, says %q %q", value, code, stdout, stderr)
		}
	}
	if _, stdout, _ := harness.Command(t, "--help"); strings.Contains(stdout, "PAYPLE_EXPORTER_HELP") || strings.Contains(stdout, "PAYPLE_EXPORTER_VERSION") {
		t.Errorf("help names such variables:\n%s", stdout)
	}
}

// check prints what the hub says of each merchant, for people and for scripts,
// and fails if one of them does.
func TestCheck(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	code, stdout, stderr := harness.Command(t, append(flags, "check")...)
	row := regexp.MustCompile(`store +127\.0\.0\.1:\d+ +₩9,944,000 +₩56,000 +₩10,000,000 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +ok\n`)
	if code != app.ExitOK || !row.MatchString(stdout) || stderr != "" {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
	sim.Break("store", hub.EndpointToken, simulator.Result("T0310", hub.ReasonIPNotAllowed))
	code, stdout, _ = harness.Command(t, append(flags, "check")...)
	if code != app.ExitFailure || !strings.Contains(stdout, "failed, ip_not_allowed") || strings.Contains(stdout, "₩") ||
		!strings.Contains(stdout, "the hub answered T0310") || !strings.Contains(stdout, "What to do  have Payple register") {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
	code, stdout, _ = harness.Command(t, append(flags, "check", "--json")...)
	var failed struct{ Merchants []map[string]any }
	if err := json.Unmarshal([]byte(stdout), &failed); err != nil || code != app.ExitFailure || len(failed.Merchants) != 1 {
		t.Fatalf("exit %d, %v:\n%s", code, err, stdout)
	}
	got := failed.Merchants[0]
	if _, invented := got["remain_amt"]; invented || got["ok"] != false || got["reason"] != "ip_not_allowed" || got["result"] != "T0310" {
		t.Errorf("got %v", got)
	}
	sim.Mend("store")
	code, stdout, _ = harness.Command(t, append(flags, "check", "--json")...)
	if code != app.ExitOK || !strings.Contains(stdout, `"remain_amt": 9944000,`) || !strings.Contains(stdout, `"hub_time": "`) {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
}

// The demo can be checked too.
func TestCheckDemo(t *testing.T) {
	t.Parallel()
	code, stdout, _ := harness.Command(t, "--demo", "check")
	if code != app.ExitFailure || !strings.Contains(stdout, "₩444,000,000") || !strings.Contains(stdout, "In full     token request: the hub answered T0300") {
		t.Errorf("exit %d:\n%s", code, stdout)
	}
}

// simulate runs until it is told to stop, and what it prints works.
func TestSimulate(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, exit := newOutput(), make(chan int, 1)
	go func() {
		exit <- run(ctx, []string{"simulate", "--simulate.listen-address=127.0.0.1:0", "--simulate.fault=status=503"}, out, out)
	}()
	url := out.await(t, `listens on (http://127\.0\.0\.1:\d+)\.`)[1]
	key := harness.WriteFile(t, "key", simulator.DemoKey)
	flags := []string{"--payple.hub=" + url, "--payple.cst-id=draining", "--payple.cust-key-file=" + key, "check"}
	if code, stdout, _ := harness.Command(t, flags...); code != app.ExitFailure || !strings.Contains(stdout, "http_status") {
		t.Errorf("with the fault: exit %d:\n%s", code, stdout)
	}
	simulator := &running{url: url}
	if status, body := simulator.post(t, "/simulator/fault?cst_id=draining&fault=none"); status != http.StatusOK {
		t.Errorf("mending answers %d: %s", status, body)
	}
	if code, stdout, _ := harness.Command(t, flags...); code != app.ExitOK {
		t.Errorf("mended: exit %d:\n%s", code, stdout)
	}
	if status, body := simulator.post(t, "/simulator/fault?cst_id=nobody&fault=hang"); status != http.StatusBadRequest {
		t.Errorf("nobody answers %d: %s", status, body)
	}
	if _, body := simulator.get(t, "/simulator/"); !strings.Contains(body, `"cst_id": "draining"`) || !strings.Contains(body, `"remain_amt": 36`) && !strings.Contains(body, `"remain_amt": 35`) {
		t.Errorf("the state is %s", body)
	}
	stop()
	if code := <-exit; code != app.ExitOK {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// healthcheck says 0 of an exporter that is well, behind TLS and a password
// too, and 1 of anything else.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	plain := serveHere(t, flags...)
	locked := serveHere(t, append(flags, "--web.config.file="+newLock(t).config(t, withPassword))...)
	mutual := serveHere(t, append(flags, "--web.config.file="+newLock(t).config(t, withCertificate))...)
	mutual12 := serveHere(t, append(flags, "--web.config.file="+newLock(t).config(t, withCertificate+"  max_version: TLS12\n"))...)
	flooded := serveHere(t, append(flags, "--web.config.file="+harness.WriteFile(t, "web.yml", "rate_limit: {interval: 1h, burst: 1}\n"))...)
	flooded.get(t, "/-/healthy")
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer sick.Close()
	for name, test := range map[string]struct {
		url  string
		want int
	}{
		"plain": {plain.url, app.ExitOK}, "TLS and basic auth": {locked.url, app.ExitOK}, "mutual TLS": {mutual.url, app.ExitOK}, "mutual TLS 1.2": {mutual12.url, app.ExitOK},
		"rate limit used up": {flooded.url, app.ExitOK}, "hangs after asking for a certificate": {deafTLS(t), app.ExitFailure}, "sick": {sick.URL, app.ExitFailure}, "nobody there": {"http://127.0.0.1:1", app.ExitFailure},
	} {
		code, _, stderr := harness.Command(t, "healthcheck", "--web.listen-address="+strings.TrimPrefix(test.url, "http://"))
		if code != test.want || (code != 0) != strings.Contains(stderr, "healthcheck: ") {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
	}
}

// healthcheck exits with 0 or 1, whatever is wrong: what asks for it, such as
// Docker, takes 2 for something else.
func TestHealthcheckMistakes(t *testing.T) {
	for _, args := range [][]string{
		{"healthcheck", "--nonsense"},
		{"--nonsense", "healthcheck"},
		{"healthcheck", "nonsense"},
		{"healthcheck", "--log.level=loud"},
		{"healthcheck", "--web.listen-address=foo:bar"},
		{"healthcheck", "--web.listen-address="},
		{"healthcheck", "--web.listen-address=vsock://:1"},
	} {
		code, stdout, stderr := harness.Command(t, args...)
		if code != app.ExitFailure || !strings.HasPrefix(stderr, "payple_exporter: error: ") || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: exit %d, says %q %q", args, code, stdout, stderr)
		}
	}
	t.Setenv("PAYPLE_EXPORTER_LOG_FORMAT", "prose")
	if code, _, stderr := harness.Command(t, "healthcheck"); code != app.ExitFailure || !strings.Contains(stderr, "try --help") {
		t.Errorf("the environment: exit %d, says %q", code, stderr)
	}
	if code, _, _ := harness.Command(t, "check"); code != app.ExitUsage {
		t.Errorf("check: exit %d", code)
	}
}

// Of several addresses in the environment the first is asked: the exporter and
// its health check share one setting.
func TestHealthcheckOfSeveralAddresses(t *testing.T) {
	_, flags := simulated(t)
	exporter := serveHere(t, flags...)
	t.Setenv("PAYPLE_EXPORTER_WEB_LISTEN_ADDRESS", hostOf(exporter.url)+"\n127.0.0.1:1")
	if code, _, stderr := harness.Command(t, "healthcheck"); code != app.ExitOK {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// What can be a Referer is taken.
func TestReferer(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "https://shop.example", "http://shop.example:8080/", "https://shop.example/pay?from=1", "http://localhost:80"} {
		if code, _, stderr := harness.Command(t, "--demo", "--config.check", "--payple.referer="+good); code != app.ExitOK {
			t.Errorf("%q: exit %d, %s", good, code, stderr)
		}
	}
}

// An address that nobody can listen on is found before anything runs; one that
// the web toolkit takes is taken.
func TestListenAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{
		":10911": app.ExitOK, "127.0.0.1:10911": app.ExitOK, "[::1]:10911": app.ExitOK, "[fe80::1%eth0]:10911": app.ExitOK, "exporter.example:10911": app.ExitOK,
		":0": app.ExitOK, "localhost:": app.ExitOK, ":http": app.ExitOK, "vsock://:10911": app.ExitOK, "vsock://2:4294967295": app.ExitOK,
		"": app.ExitUsage, "foo": app.ExitUsage, "10911": app.ExitUsage, "::1": app.ExitUsage, "::1:10911": app.ExitUsage, "127.0.0.1": app.ExitUsage, ":65536": app.ExitUsage, ":-1": app.ExitUsage,
		":no-such-service": app.ExitUsage, "http://localhost:10911": app.ExitUsage, "vsock://": app.ExitUsage, "vsock://10911": app.ExitUsage, "vsock://:http": app.ExitUsage, "vsock://:4294967296": app.ExitUsage, "vsock://%": app.ExitUsage,
	} {
		code, stdout, stderr := harness.Command(t, "--demo", "--config.check", "--web.listen-address="+address)
		if code != want || (code == app.ExitOK) != (stderr == "") || (code == app.ExitOK) == (stdout == "") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%q: exit %d, says %q %q", address, code, stdout, stderr)
		}
	}
	// With systemd's sockets, addresses are not used.
	if code, _, stderr := harness.Command(t, "--demo", "--config.check", "--web.systemd-socket", "--web.listen-address=foo"); code != app.ExitOK {
		t.Errorf("systemd: exit %d, %s", code, stderr)
	}
}
