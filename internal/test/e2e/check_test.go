package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/check"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/secrets"
)

var update = flag.Bool("update", false, "write generated documents and golden files anew")

// Scripts read the JSON of check: its shape, documented in docs/check.md, is
// that of the golden file, and the same in every language.
func TestCheckJSONShape(t *testing.T) {
	t.Parallel()
	sim, _ := simulated(t)
	url := startHub(t, sim)
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
	document, err := os.ReadFile("docs/check.md")
	if err != nil || !strings.Contains(string(document), first) {
		t.Errorf("docs/check.md does not hold the JSON of testdata/check.json: %v", err)
	}
}

// What is promised to scripts stays: these fields, of these kinds.
func TestCheckJSONKeepsItsFields(t *testing.T) {
	t.Parallel()
	_, flags := simulated(t)
	_, stdout, _ := harness.Command(t, append(flags, "check", "--json")...)
	var got struct {
		Merchants []struct {
			Merchant                      string
			OK                            bool
			Remain                        *int64     `json:"remain_amt"`
			Total                         *int64     `json:"total_account_amt"`
			Paid                          *int64     `json:"total_transfer_amt"`
			HubTime                       *time.Time `json:"hub_time"`
			Duration                      *float64   `json:"duration_seconds"`
			Reason, Result, Error, Action string
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Merchants) != 1 {
		t.Fatalf("%v:\n%s", err, stdout)
	}
	m := got.Merchants[0]
	if m.Merchant != "store" || !m.OK || m.Remain == nil || *m.Remain != 9_944_000 || *m.Total != 10_000_000 ||
		*m.Paid != 56_000 || m.HubTime == nil || m.Duration == nil || m.Reason+m.Result+m.Error+m.Action != "" {
		t.Errorf("got %+v", m)
	}
}

func hangul(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) })
}

// People are told in their own language: the one of the flag, else the
// terminal's.
func TestCheckSpeaksTheLanguageOfTheTerminal(t *testing.T) {
	sim, flags := simulated(t)
	sim.Break("store", hub.EndpointToken, simulator.Result("T0310", hub.ReasonIPNotAllowed))
	for _, test := range []struct {
		locale, flag string
		korean       bool
	}{
		{"ko_KR.UTF-8", "", true}, {"C", "", false}, {"", "", false}, {"ko_KR.UTF-8", "en", false}, {"en_US.UTF-8", "ko", true},
	} {
		t.Setenv("LC_ALL", test.locale)
		t.Setenv("LC_MESSAGES", "")
		t.Setenv("LANG", "")
		args := append(flags, "check")
		if test.flag != "" {
			args = append(args, "--lang="+test.flag)
		}
		_, stdout, _ := harness.Command(t, args...)
		if hangul(stdout) != test.korean {
			t.Errorf("LC_ALL=%s --lang=%s: %s", test.locale, test.flag, stdout)
		}
		if test.korean && (!strings.Contains(stdout, "White IP 목록에 없음 (T0310)") || !strings.Contains(stdout, "조치 방법")) {
			t.Errorf("LC_ALL=%s --lang=%s does not tell what to do: %s", test.locale, test.flag, stdout)
		}
	}
	t.Setenv("PAYPLE_EXPORTER_LANG", "ko")
	if _, stdout, _ := harness.Command(t, append(flags, "check")...); !hangul(stdout) {
		t.Errorf("PAYPLE_EXPORTER_LANG=ko: %s", stdout)
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
	side, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	check := exec.CommandContext(t.Context(), programs.Exporter(t), "--config.file="+file, "check")
	check.Stdout, check.Stderr = &stdout, side
	if err := check.Run(); err != nil {
		t.Fatal(err)
	}
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
	if err := unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return near, fmt.Sprintf("/dev/pts/%d", number)
}

// check names the proxy that it goes through and where it comes from, without
// its password.
func TestCheckNamesTheProxy(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(simulator.NewTunnel("127.0.0.1:1"))
	t.Cleanup(refusing.Close)
	proxy := strings.Replace(refusing.URL, "http://", "http://user:pass-word@", 1)
	text, code := checkThroughProxy(t, proxy, "en")
	if code != app.ExitFailure {
		t.Errorf("exit %d", code)
	}
	if !regexp.MustCompile(`proxy +failed +<?[0-9.]+ ms +`+regexp.QuoteMeta(refusing.URL)+` \(HTTPS_PROXY\)`).MatchString(text) ||
		!strings.Contains(text, "the proxy answered HTTP 502") || strings.Contains(text, "pass-word") {
		t.Errorf("got:\n%s", text)
	}
	expectNoSecret(t, "check", text)
}

// checkThroughProxy runs check as a process of its own, as the environment of a
// process is read once.
func checkThroughProxy(t *testing.T, proxy, language string) (stdout string, code int) {
	t.Helper()
	var out bytes.Buffer
	check := exec.CommandContext(t.Context(), programs.Exporter(t), "--payple.hub=https://hub.example", "--payple.cst-id=store",
		"--payple.cust-key-file="+harness.WriteFile(t, "key", testKey), "check", "--lang="+language)
	check.Env = append(os.Environ(), "HTTPS_PROXY="+proxy, "NO_PROXY=")
	check.Stdout = &out
	_ = check.Run() // the exit code tells
	return out.String(), check.ProcessState.ExitCode()
}

// troubled is a merchants file of three, of which two have no key that can be
// read.
func troubled(t *testing.T) (sim *simulator.Hub, file, empty string) {
	t.Helper()
	sim = simulator.New(simulator.Options{}, simulator.Partner{
		CstID: "store", CustKey: testKey, Plan: simulator.Plan{Start: simulator.Figures{Total: 10_000_000, Transferred: 56_000}},
	})
	empty = harness.WriteFile(t, "empty", "\n")
	return sim, harness.WriteFile(t, "merchants.yml", "hub: "+startHub(t, sim)+"\nmerchants:\n"+
		"  - {cst_id: gone, cust_key_file: /nowhere/key}\n"+
		"  - {cst_id: store, cust_key_file: "+harness.WriteFile(t, "key", testKey)+"}\n"+
		"  - {cst_id: blank, cust_key_file: "+empty+"}\n"), empty
}

// A key that cannot be read is told of at its step, in the reader's language,
// and keeps no other merchant from being asked.
func TestCheckAsksTheOthersWhereAKeyIsMissing(t *testing.T) {
	t.Parallel()
	_, file, empty := troubled(t)
	for language, wants := range map[string][]string{
		"en": {
			"gone, asked at ", "key +failed +[<0-9.]+ ms +file /nowhere/key\n", "the key file does not exist\n", "name the file by its right path",
			"key +failed +[<0-9.]+ ms +file " + regexp.QuoteMeta(empty) + "\n", "there is no key where it should be\n", "₩9,944,000", "1 of 3 answered\\.",
		},
		"ko": {
			`gone \(조회 주소: `, "키 읽기 +실패 +[<0-9.]+ ms +파일 /nowhere/key\n", "키 파일이 없음\n", "키 파일의 경로",
			"키 읽기 +실패 +[<0-9.]+ ms +파일 " + regexp.QuoteMeta(empty) + "\n", "키가 비어 있음\n", `실패 \(config\)`, "₩9,944,000", "3곳 중 1곳 조회 성공",
		},
	} {
		code, stdout, stderr := harness.Command(t, "--config.file="+file, "check", "--lang="+language)
		if code != app.ExitFailure || stderr != "" {
			t.Errorf("exit %d: %s", code, stderr)
		}
		for _, want := range wants {
			if !regexp.MustCompile(want).MatchString(stdout) {
				t.Errorf("--lang=%s: no %q in:\n%s", language, want, stdout)
			}
		}
	}
}

// Scripts are told the same: the step, the reason, and what to do.
func TestCheckJSONOfAMissingKey(t *testing.T) {
	t.Parallel()
	_, file, _ := troubled(t)
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

// Only check goes on without a key: what would serve, or says that it could,
// refuses. And what is wrong with the configuration itself, check refuses too.
func TestOnlyCheckGoesOnWithoutAKey(t *testing.T) {
	t.Parallel()
	_, file, _ := troubled(t)
	for _, args := range [][]string{{}, {"--config.check"}} {
		code, stdout, stderr := harness.Command(t, append([]string{"--config.file=" + file}, args...)...)
		if code != app.ExitUsage || stdout != "" || strings.Count(stderr, "no usable custKey") != 2 {
			t.Errorf("%v: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
	nowhere := harness.WriteFile(t, "merchants.yml", "merchants: [{cst_id: a, cust_key_file: /nowhere/key}, {cst_id: b}]\n")
	code, stdout, stderr := harness.Command(t, "--config.file="+nowhere, "check")
	if code != app.ExitUsage || stdout != "" || !strings.Contains(stderr, "where is this merchant's custKey?") || strings.Contains(stderr, "/nowhere/key") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// A key that stands where the name of its source belongs is shown nowhere.
func TestCheckDoesNotRepeatAMisplacedKey(t *testing.T) {
	t.Parallel()
	const misplaced = "a7f3b291c2d8e4f60718"
	for _, source := range []string{"cust_key_file", "cust_key_env"} {
		file := harness.WriteFile(t, "merchants.yml", "merchants: [{cst_id: p, "+source+": "+misplaced+"}]\n")
		for _, form := range []string{"--json", "--lang=en", "--lang=ko"} {
			code, stdout, stderr := harness.Command(t, "--config.file="+file, "check", form)
			if code != app.ExitFailure || !strings.Contains(stdout, "config") {
				t.Errorf("%s %s: exit %d: %s%s", source, form, code, stdout, stderr)
			}
			secrets.ExpectNone(t, source+" "+form, stdout+stderr, misplaced)
		}
	}
}

// The demo's key is called so in both languages.
func TestCheckNamesTheDemosKey(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{"en": "the demo's\n", "ko": "데모용 키\n"} {
		if _, stdout, _ := harness.Command(t, "--demo", "check", "--lang="+language); !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}

// The proxy, too, is told in both languages as what it is.
func TestCheckTellsOfADeadProxy(t *testing.T) {
	t.Parallel()
	for language, wants := range map[string][]string{
		"en": {"connection  not needed  -", "through the proxy\n", "Problem     the proxy http://127.0.0.1:1 does not answer\n"},
		"ko": {"프록시를 통해 연결하므로 필요 없음\n", "문제         프록시 http://127.0.0.1:1에서 응답이 없음\n"},
	} {
		stdout, code := checkThroughProxy(t, "http://user:pass-word@127.0.0.1:1", language)
		if code != app.ExitFailure || strings.Contains(stdout, "pass-word") {
			t.Errorf("exit %d:\n%s", code, stdout)
		}
		for _, want := range wants {
			if !strings.Contains(stdout, want) {
				t.Errorf("no %q in:\n%s", want, stdout)
			}
		}
	}
}

// A line before a batch of payouts goes on only where every merchant answered
// and has enough: what is unknown, and what a script left empty, never passes.
func TestCheckIsAGateBeforeABatch(t *testing.T) {
	t.Parallel()
	sim, _ := simulated(t) // each has 9,944,000 won
	url := startHub(t, sim)
	key := harness.WriteFile(t, "key", testKey)
	known := "hub: " + url + "\nmerchants:\n  - {name: main-store, cst_id: store, cust_key_file: " + key + "}\n"
	for _, tt := range []struct {
		minRemain, merchants string
		code                 int
		shows                []string
	}{
		{"9944000", known, app.ExitOK, []string{"1 of 1 answered.\n"}},
		{"9,944,001", known, app.ExitLow, []string{"below ₩9,944,001\n", "1 of 1 answered.\n1 with less than ₩9,944,001.\n"}},
		{"9944001", known + "  - {cst_id: stranger, cust_key_file: " + key + "}\n", app.ExitFailure, []string{"1 of 2 answered.\n1 with less"}},
		{"0", known, app.ExitOK, nil},
		{"", known, app.ExitUsage, []string{`--min-remain "": want an amount in won`}},
		{"-1", known, app.ExitUsage, []string{`--min-remain "-1": want an amount in won`}},
		{"50m", known, app.ExitUsage, []string{`--min-remain "50m": want an amount in won`}},
	} {
		code, stdout, stderr := harness.Command(t, "--config.file="+harness.WriteFile(t, "merchants.yml", tt.merchants), "check", "--min-remain="+tt.minRemain, "--lang=en")
		if code != tt.code {
			t.Errorf("--min-remain=%s: exit %d, want %d\n%s%s", tt.minRemain, code, tt.code, stdout, stderr)
		}
		for _, want := range tt.shows {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("--min-remain=%s does not say %q:\n%s%s", tt.minRemain, want, stdout, stderr)
			}
		}
		if code == app.ExitOK && strings.Contains(stdout, "less than") {
			t.Errorf("--min-remain=%s: enough, and\n%s", tt.minRemain, stdout)
		}
	}
	_, stdout, _ := harness.Command(t, "--config.file="+harness.WriteFile(t, "merchants.yml", known), "check", "--json", "--min-remain=10000000")
	if !strings.Contains(stdout, `"below_min_remain": 10000000`) {
		t.Errorf("JSON does not say that less remains:\n%s", stdout)
	}
}
