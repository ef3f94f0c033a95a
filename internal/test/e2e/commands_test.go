package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
)

// simulate runs until it is told to stop, and what it prints works.
func TestSimulate(t *testing.T) {
	t.Parallel()
	sim := serveSimulator(t, "--simulate.fault=status=503")
	key := harness.WriteFile(t, "key", simulator.DemoKey)
	flags := []string{"--payple.hub=" + sim.url, "--payple.cst-id=draining", "--payple.cust-key-file=" + key, "check"}
	if code, stdout, _ := harness.Command(t, flags...); code != app.ExitFailure || !strings.Contains(stdout, "http_status") {
		t.Errorf("with the fault: exit %d:\n%s", code, stdout)
	}
	if status, body := sim.post(t, "/simulator/fault?cst_id=draining&fault=none"); status != http.StatusOK {
		t.Errorf("mending answers %d: %s", status, body)
	}
	if code, stdout, _ := harness.Command(t, flags...); code != app.ExitOK {
		t.Errorf("mended: exit %d:\n%s", code, stdout)
	}
	if status, body := sim.post(t, "/simulator/fault?cst_id=nobody&fault=hang"); status != http.StatusBadRequest {
		t.Errorf("nobody answers %d: %s", status, body)
	}
	if _, body := sim.get(t, "/simulator/"); !strings.Contains(body, `"cst_id": "draining"`) || !strings.Contains(body, `"remain_amt": 36`) && !strings.Contains(body, `"remain_amt": 35`) {
		t.Errorf("the state is %s", body)
	}
	if code := sim.stop(); code != app.ExitOK {
		t.Errorf("exit %d:\n%s", code, sim.stderr)
	}
}

// healthcheck says 0 of an exporter that is well, behind TLS and a password
// too, and 1 of anything else.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	plain := serveHere(t, flags...)
	_, locked, _ := serveLocked(t, withPassword)
	_, mutual, _ := serveLocked(t, withCertificate)
	_, mutual12, _ := serveLocked(t, withCertificate+"  max_version: TLS12\n")
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
