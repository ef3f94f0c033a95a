package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/check"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

var update = flag.Bool("update", false, "write generated documents and golden files anew")

// Scripts read the JSON of check: its shape, documented in docs/check.md, is
// that of the golden file, and the same in every language.
func TestCheckJSONShape(t *testing.T) {
	t.Parallel()
	sim, _ := simulated(t)
	url := stand.ServeHub(t, sim).URL
	key := harness.WriteFile(t, "key", testKey)
	file := harness.WriteFile(t, "merchants.yml", "hub: "+url+"\nmerchants:\n  - {name: main-store, cst_id: store, cust_key_file: "+key+
		"}\n  - {cst_id: stranger, cust_key_file: "+key+"}\n")
	var first string
	for _, language := range []string{"en", "ko"} {
		code, stdout, _ := harness.Command(t, "--config.file="+file, "--payple.max-concurrency=1", "check", "--json", "--lang="+language)
		if code != app.ExitFailure {
			t.Errorf("exit %d", code)
		}
		got := strings.NewReplacer(strings.TrimPrefix(url, "http://"), "127.0.0.1:10912", key, "/home/ops/payple.key").Replace(stdout)
		for pattern, fixed := range map[string]string{
			`"duration_seconds": [0-9.e-]+`: `"duration_seconds": 0.012`, `"hub_time": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+09:00"`: `"hub_time": "2026-11-23T09:00:00.123+09:00"`,
		} {
			got = regexp.MustCompile(pattern).ReplaceAllString(got, fixed)
		}
		if first == "" {
			first = got
			golden.Compare(t, "internal/test/e2e/testdata/check.json", got, *update)
		} else if got != first {
			t.Errorf("--lang=%s changes the JSON:\n%s", language, got)
		}
	}
	document := must.Read(t, "docs/check.md")
	if firstStep, _, _ := strings.Cut(first, "        },\n"); !strings.Contains(document, "```json\n"+firstStep) {
		t.Error("docs/check.md does not show how the JSON of testdata/check.json begins")
	}
	for _, field := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(first, -1) {
		if !strings.Contains(document, "`"+field[1]+"`") {
			t.Errorf("docs/check.md does not tell of %s", field[1])
		}
	}
}

// However many merchants there are, those that went the same way are told of
// together, and the answer can be read.
func TestCheckOfManyMerchants(t *testing.T) {
	t.Parallel()
	const n = 60
	sim, file := manyMerchants(t, n)
	sim.Break("m07", hub.EndpointRemain, simulator.Result("A0009", hub.ReasonRejected))
	code, stdout, stderr := harness.Command(t, "--config.file="+file, "check", "--lang=en")
	if code != app.ExitFailure || stderr != "" {
		t.Errorf("exit %d, progress where there is no terminal: %q", code, stderr)
	}
	for _, want := range []string{
		"m00, m01, m02, m03, m04 and 54 more, asked at http://127.0.0.1:", "\nm07, asked at ", "remain      failed", "A0009",
		"What to do  wait, then call Payple", "59 of 60 answered.",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
	if lines := strings.Count(stdout, "\n"); lines > n+35 {
		t.Errorf("%d lines for %d merchants", lines, n)
	}
}

// check keeps within the bound on requests that serving keeps within.
func TestCheckKeepsToTheRate(t *testing.T) {
	t.Parallel()
	_, file := manyMerchants(t, 5)
	began := time.Now()
	code, stdout, _ := harness.Command(t, "--config.file="+file, "--payple.max-requests-per-second=4", "check")
	// Four at once, six more at four a second.
	if took := time.Since(began); code != app.ExitOK || took < 1400*time.Millisecond {
		t.Errorf("exit %d after %s:\n%s", code, took, stdout)
	}
}

// A terminal is told how far check has come, and the line is wiped in the end.
func TestCheckShowsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	_, file := manyMerchants(t, 12)
	terminal, name := openTerminal(t)
	side := must.Get(os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0))(t)
	var stdout bytes.Buffer
	check := exec.CommandContext(t.Context(), programs.Exporter(t), "--config.file="+file, "check")
	check.Stdout, check.Stderr = &stdout, side
	must.Do(t, check.Run())
	_ = side.Close()
	shown, _ := io.ReadAll(terminal) // ends with an error: nobody is at the other side any more
	if text := string(shown); !strings.Contains(text, "\r1/12") || !strings.HasSuffix(text, "\r12/12\r\x1b[K") {
		t.Errorf("the terminal shows %q", text)
	}
	if strings.Contains(stdout.String(), "12/12") || !strings.Contains(stdout.String(), "12 of 12 answered.") {
		t.Errorf("stdout is %q", stdout.String())
	}
}

// openTerminal returns the near side of a new terminal, and the name of its
// far side.
func openTerminal(t *testing.T) (*os.File, string) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = near.Close() })
	must.Do(t, unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0))
	number := must.Get(unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN))(t)
	return near, fmt.Sprintf("/dev/pts/%d", number)
}

// Scripts are told the same: the step, the reason, and what to do.
func TestCheckJSONOfAMissingKey(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	file := harness.WriteFile(t, "merchants.yml", "hub: "+valueOf(flags[0])+"\nmerchants: [{cst_id: gone, cust_key_file: /nowhere/key}, {cst_id: store, cust_key_file: "+
		valueOf(flags[2])+"}, {cst_id: blank, cust_key_file: "+harness.WriteFile(t, "empty", "\n")+"}]\n")
	code, stdout, _ := harness.Command(t, "--config.file="+file, "check", "--json")
	var got struct{ Merchants []check.Finding }
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != app.ExitFailure || len(got.Merchants) != 3 {
		t.Fatalf("exit %d, %v:\n%s", code, err, stdout)
	}
	gone, store := got.Merchants[0], got.Merchants[1]
	if gone.OK || gone.Reason != hub.ReasonConfig || gone.Steps[0].State != check.StepFailed || gone.Steps[5].State != check.StepNotTried ||
		!strings.Contains(gone.Error, "open /nowhere/key: no such file") || !strings.HasPrefix(gone.Action, "name the file") {
		t.Errorf("got %+v", gone)
	}
	if !store.OK || store.Remain == nil || *store.Remain != 9_944_000 {
		t.Errorf("got %+v", store)
	}
}
