package e2e

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/secrets"
)

// oddKey is what is odd about a key, and how that is told.
const oddKey, saysOddKey = testKey + "\u200b\n", " holds a control or invisible character (U+200B): want the custKey alone, in one line of plain text"

// A key that cannot be right is refused at the start, by --config.check and at a
// reload, which leaves what is in force, and fails its merchant in check; each
// time in one line that names its file, without the key, and the hub is not asked.
func TestAnOddKeyIsRefused(t *testing.T) {
	t.Parallel()
	sim, flags := simulated(t)
	good, bad := strings.TrimPrefix(flags[2], "--payple.cust-key-file="), harness.WriteFile(t, "key", oddKey)
	flags[2] = "--payple.cust-key-file=" + bad
	said := "no usable custKey: key file " + bad + saysOddKey + "\n"
	for _, command := range [][]string{nil, {"--config.check"}} {
		code, stdout, stderr := harness.Command(t, append(command, flags...)...)
		if code != app.ExitUsage || stdout != "" || stderr != "payple_exporter: error: "+said {
			t.Errorf("%v: exit %d, says %q %q", command, code, stdout, stderr)
		}
	}
	for _, command := range [][]string{{"check"}, {"check", "--json"}} {
		code, stdout, stderr := harness.Command(t, append(command, flags...)...)
		if code != app.ExitFailure || stderr != "" || !strings.Contains(stdout, "key file "+bad+saysOddKey) {
			t.Errorf("%v: exit %d, says %q %q", command, code, stdout, stderr)
		}
		expectNoSecret(t, "check", stdout)
	}
	if n := requestsOf(sim); n != 0 {
		t.Errorf("the hub was asked %d times", n)
	}

	file := harness.WriteFile(t, "merchants.yml", "merchants: [{cst_id: store, cust_key_file: "+good+"}]\n")
	exporter := serveHere(t, flags[0], "--config.file="+file, "--web.enable-lifecycle")
	if err := os.WriteFile(file, []byte("merchants: [{cst_id: store, cust_key_file: "+bad+"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, body := exporter.post(t, "/-/reload"); status != http.StatusInternalServerError || !strings.Contains(body, file+":1: "+said) {
		t.Errorf("reload: %d %s", status, body)
	}
	expectUp(t, exporter)
	expectNoSecret(t, "the log", exporter.stderr.String())
}

// What may be meant is told of at the start and in check, and asked with.
func TestWhatIsHardlyMeantIsTold(t *testing.T) {
	_, flags := simulated(t)
	flags[2] = "--payple.cust-key-file=" + harness.WriteFile(t, "key", "'"+testKey+"'")
	t.Setenv("HTTPS_PROXY", "")
	t.Setenv("https_proxy", "")
	t.Setenv("ALL_PROXY", "socks5://user:pr0xy-passw0rd-71c2@127.0.0.1:1")
	proxy, key := "ALL_PROXY is set and not used", "begins or ends with a blank or a quote"
	exporter := serveHere(t, flags...)
	exporter.stderr.Await(t, "level=warn [^\n]*"+proxy)
	exporter.stderr.Await(t, "level=warn [^\n]*"+key)
	_, checked, onStderr := harness.Command(t, append(flags, "check")...)
	if !strings.Contains(onStderr, "payple_exporter: warning: "+proxy) || strings.Count(checked, key) != 2 { // of the step, and what to do
		t.Errorf("check: %s%s", onStderr, checked)
	}
	_, printed, warned := harness.Command(t, append(flags, "--config.check")...)
	if !strings.Contains(warned, proxy) || !strings.Contains(warned, key) || strings.Contains(printed, "payple_exporter: warning") {
		t.Errorf("--config.check: %s%s", warned, printed)
	}
	expectNoSecret(t, "warnings", exporter.stderr.String()+checked+onStderr+printed+warned)
	secrets.ExpectNone(t, "warnings", exporter.stderr.String()+checked+onStderr+printed+warned, "pr0xy-passw0rd-71c2")
}

// No key file keeps the start waiting, nor a file of authorities, and those that
// are none are refused.
func TestUnusableFilesAreRefused(t *testing.T) {
	_, flags := simulated(t)
	pipe, text := filepath.Join(t.TempDir(), "pipe"), harness.WriteFile(t, "text", "no certificate")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", "")
	t.Setenv("SSL_CERT_DIR", "")
	code, _, stderr := harness.Command(t, append(flags[:2:2], "--payple.cust-key-file="+pipe)...)
	if code != app.ExitUsage || !strings.Contains(stderr, pipe+": not a regular file") {
		t.Errorf("a pipe for a key: exit %d, %s", code, stderr)
	}
	for name, values := range map[string][]string{"SSL_CERT_FILE": {"/nowhere", text, pipe}, "SSL_CERT_DIR": {"/nowhere", t.TempDir()}} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Setenv(name, value)
				for _, command := range [][]string{nil, {"--config.check"}, {"check"}} {
					code, stdout, stderr := harness.Command(t, append(command, flags...)...)
					if code != app.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "payple_exporter: error: "+name+` "`+value) {
						t.Errorf("%v: exit %d, says %q %q", command, code, stdout, stderr)
					}
				}
			})
		}
	}
}

// The authorities that SSL_CERT_FILE names are read again by a reload: a hub that
// has moved to another is trusted then, and one of the old authority no more.
func TestReloadReadsAuthorities(t *testing.T) {
	t.Parallel()
	first, second := issue(t, "authority", nil), issue(t, "authority", nil)
	sim, flags := simulated(t)
	var current atomic.Pointer[tls.Config]
	current.Store(showing(issue(t, "hub", &first)))
	server, env := secureHub(t, sim, &current), trusting(t, first)
	exporter := serveApart(t, env, append(flags[1:], "--payple.hub="+server.URL, "--payple.min-interval=1s", "--web.enable-lifecycle")...)
	expectUp(t, exporter)
	reload := func(authority tls.Certificate) {
		t.Helper()
		next := trusting(t, authority)
		if err := os.Rename(strings.TrimPrefix(next[0], "SSL_CERT_FILE="), strings.TrimPrefix(env[0], "SSL_CERT_FILE=")); err != nil {
			t.Fatal(err)
		}
		if status, body := exporter.post(t, "/-/reload"); status != http.StatusOK {
			t.Fatalf("reload: %d %s", status, body)
		}
	}
	current.Store(showing(issue(t, "hub", &second)))
	expectOutage(t, exporter, hub.ReasonTLS, "unknown authority")
	reload(second)
	expectRecovery(t, exporter)
	reload(first)
	expectOutage(t, exporter, hub.ReasonTLS, "unknown authority")
}
