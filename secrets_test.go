package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/hub"
	"payple_exporter/hub/hubtest"
)

// expectNoSecret fails if the test key or any token can be read in text.
func expectNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, form := range []string{
		testKey, hex.EncodeToString([]byte(testKey)), base64.StdEncoding.EncodeToString([]byte(testKey)), url.QueryEscape(testKey),
		testKey[5:],
	} {
		if strings.Contains(text, form) {
			t.Errorf("%s shows the key:\n%s", where, text)
		}
	}
	if token := regexp.MustCompile(`eyJ[0-9a-f]{6}`).FindString(text); token != "" {
		t.Errorf("%s shows a token, %s…:\n%s", where, token, text)
	}
}

// custKey and token are on no surface, whatever the hub does: not in the log
// at its most talkative, in metrics, on pages, in errors, in check and in
// --config.check. Some of the faults send both secrets back.
func TestSecretsAreOnNoSurface(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	faults := append(hubtest.Faults(), hubtest.Fault{Name: "none"})
	for _, fault := range faults {
		for _, format := range []string{"logfmt", "json"} {
			if format == "json" && fault.Reason != hub.ReasonNetwork && fault.Reason != hub.ReasonRejected {
				continue // the text of errors is the same: one of each kind will do
			}
			t.Run(fmt.Sprintf("%s/%s", fault.Name, format), func(t *testing.T) {
				t.Parallel()
				sim, flags := simulated(t)
				if err := sim.Apply("", "", fault.Name); err != nil {
					t.Fatal(err)
				}
				searchServe(t, append(flags, "--log.level=debug", "--log.format="+format, "--payple.timeout=100ms"))
				searchCheck(t, append(flags, "--payple.timeout=100ms"))
			})
		}
	}
	code, stdout, stderr := command(t, append(flags, "--config.check")...)
	if code != exitOK || !strings.Contains(stdout, "cust_key: <secret>") {
		t.Errorf("--config.check exits %d: %s%s", code, stdout, stderr)
	}
	expectNoSecret(t, "--config.check", stdout+stderr)
}

func searchServe(t *testing.T, flags []string) {
	t.Helper()
	exporter := serveHere(t, append(flags, "--web.enable-lifecycle")...)
	for _, path := range []string{"/metrics", "/", "/probe?merchant=store", "/sd", "/probe?merchant=" + testKey[:3], "/-/ready", "/nowhere"} {
		_, body := exporter.get(t, path)
		expectNoSecret(t, path, body)
	}
	_, body := exporter.post(t, "/-/reload")
	expectNoSecret(t, "/-/reload", body)
	exporter.stop()
	if text := exporter.stderr.String(); !strings.Contains(text, "asked the hub") {
		t.Errorf("the log is not at its most talkative:\n%s", text)
	}
	expectNoSecret(t, "the log", exporter.stderr.String())
}

func searchCheck(t *testing.T, flags []string) {
	t.Helper()
	for _, format := range [][]string{nil, {"--json"}} {
		_, stdout, stderr := command(t, append(append(flags, "check"), format...)...)
		expectNoSecret(t, fmt.Sprint("check ", format), stdout+stderr)
		if !strings.Contains(stdout, "store") {
			t.Errorf("check says nothing of the merchant: %s%s", stdout, stderr)
		}
	}
}

// The test above would find a key if there was one to find.
func TestSecretSearchFindsSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x " + testKey, "token eyJ0123456789abcdef", hex.EncodeToString([]byte(testKey))} {
		probe := &testing.T{}
		expectNoSecret(probe, "probe", text)
		if !probe.Failed() {
			t.Errorf("%q is not found", text)
		}
	}
}
