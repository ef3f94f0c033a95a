package config_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/test/golden"
)

var update = flag.Bool("update", false, "write the golden file anew")

const secret = "sk-secret-value"

func environment(name string) string {
	return map[string]string{"SANDBOX_CUST_KEY": secret, "GOOD": secret, "TWO": secret + "\n" + secret, "QUOTED": "'" + secret + "'"}[name]
}

func defaults() config.Defaults {
	return config.Defaults{
		Hub: config.Hub{Label: "real", URL: hub.RealURL}, MinInterval: 30 * time.Second, Thresholds: config.DefaultLevels(),
	}
}

// The example file of the documentation is read as it is explained there.
func TestLoadExample(t *testing.T) {
	t.Parallel()
	got, err := config.Load("testdata/merchants.yml", defaults(), environment)
	if err != nil {
		t.Fatal(err)
	}
	if got.MinInterval != 25*time.Second || len(got.Merchants) != 2 {
		t.Fatalf("got %+v", got)
	}
	first, second := got.Merchants[0], got.Merchants[1]
	wantLevels := config.Levels{
		config.Warning:  {{Kind: config.Amount, Value: 5_000_000}, {Kind: config.Runway, Value: 86_400}},
		config.Critical: {{Kind: config.Amount, Value: 1_000_000}},
	}
	if first.Name != "main-store" || first.CstID != "partner1" || first.Hub.URL != hub.RealURL || !reflect.DeepEqual(first.Thresholds, wantLevels) {
		t.Errorf("first %+v", first)
	}
	if key, err := first.Key.Secret(); err != nil || key.Reveal() != "not-a-real-key" {
		t.Errorf("first key %v", err)
	}
	if second.Name != "sandbox" || second.Hub.Label != "test" || second.Hub.URL != hub.TestURL || !reflect.DeepEqual(second.Thresholds, config.DefaultLevels()) {
		t.Errorf("second %+v", second)
	}
	if key, err := second.Key.Secret(); err != nil || key.Reveal() != secret {
		t.Errorf("second key %v", err)
	}
}

// What a file leaves out comes from the flags.
func TestParseDefaults(t *testing.T) {
	t.Parallel()
	got, err := config.Parse("f.yml", []byte("merchants: [{cst_id: 0123, cust_key_env: GOOD}]"), defaults(), environment)
	if err != nil {
		t.Fatal(err)
	}
	m := got.Merchants[0]
	if got.MinInterval != 30*time.Second || m.Name != "0123" || m.CstID != "0123" || m.Hub.Label != "real" || !reflect.DeepEqual(m.Thresholds, config.DefaultLevels()) {
		t.Errorf("got %+v", got)
	}
}

func TestCheckMinInterval(t *testing.T) {
	t.Parallel()
	for interval, good := range map[time.Duration]bool{
		time.Second - 1: false, time.Second: true, 10 * time.Second: true, 5 * time.Minute: true, 5*time.Minute + 1: false, time.Hour: false, 0: false, -time.Minute: false,
	} {
		if err := config.CheckMinInterval(interval); (err == nil) != good {
			t.Errorf("%s: %v", interval, err)
		}
	}
}

// A key in the environment is read as one in a file: less one trailing newline,
// and refused where it is no text, without being shown.
func TestEnvKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"abcd": "abcd", "abcd\n": "abcd", "abcd\r\n": "abcd", " abcd ": " abcd ", "열쇠\n": "열쇠",
	} {
		key := hub.EnvKey("GOOD", func(string) string { return text })
		if got, err := key.Secret(); err != nil || got.Reveal() != want || key.Source().String() != "environment variable GOOD" {
			t.Errorf("%q gives %q, %v; want %q", text, got.Reveal(), err, want)
		}
	}
	for text, want := range map[string]string{
		"": "environment variable GOOD is empty", "\n": "environment variable GOOD is empty", "sk-\xff": "environment variable GOOD is not text in UTF-8: want the custKey alone, in one line of plain text",
		"abcd\n\n": "environment variable GOOD holds several lines: want the custKey alone, in one line of plain text",
	} {
		key := hub.EnvKey("GOOD", func(string) string { return text })
		if got, err := key.Secret(); err == nil || err.Error() != want || !got.Empty() {
			t.Errorf("%q gives a key of %d bytes, %v; want %q", text, len(got.Reveal()), err, want)
		}
	}
}

// faultyFiles are files that must be refused, by what is wrong with them.
func faultyFiles() []struct{ name, text string } {
	one := "merchants:\n  - {cst_id: p, cust_key_env: GOOD}\n"
	return []struct{ name, text string }{
		{"empty file", ""},
		{"not YAML", "merchants: [\n"},
		{"tab", "merchants:\n\t- cst_id: p\n"},
		{"a text", "hello\n"},
		{"a list", "- cst_id: p\n"},
		{"two documents", one + "---\n" + one},
		{"a secret taken for an anchor", "merchants:\n  - {cst_id: p, cust_key_env: *" + secret + "}\n"},
		{"no merchants", "hub: real\n"},
		{"empty merchants", "merchants: []\n"},
		{"merchants no list", "merchants: {cst_id: p}\n"},
		{"unknown key at the top", "interval: 10s\n" + one},
		{"unknown key of a merchant", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, hup: test}\n"},
		{"duplicate key", "hub: real\nhub: test\n" + one},
		{"the key itself", "merchants:\n  - {cst_id: p, cust_key: " + secret + "}\n"},
		{"the key itself as Payple spells it", "merchants:\n  - {cst_id: p, custKey: " + secret + "}\n"},
		{"the key itself in place of its file", "merchants:\n  - {cst_id: p, cust_key_file: " + secret + "}\n"},
		{"the key itself in place of its variable", "merchants:\n  - {cst_id: p, cust_key_env: " + secret + "}\n"},
		{"the key itself behind an equals sign", "merchants:\n  - {cst_id: p, cust_key=" + secret + "}\n"},
		{"the key itself with nothing before it", "merchants:\n  - cst_id: p\n    " + secret + "\n"},
		{"the key itself and a colon", secret + "1: p\n"},
		{"the key itself in the address", "hub: https://hub.example/?custKey=" + secret + "\n" + one},
		{"the key itself as a tag", "merchants:\n  - {cst_id: p, cust_key_file: !" + secret + " key}\n"},
		{"the key itself as a tag's handle", "merchants:\n  - {cst_id: p, cust_key_file: !" + secret + "!x key}\n"},
		{"the key itself in a text with a wrong escape", "merchants:\n  - {cst_id: p, cust_key_file: \"\\q" + secret + "\"}\n"},
		{"the key itself in a text without an end", "merchants:\n  - {cst_id: p, cust_key_file: '" + secret + "\n"},
		{"no cst_id", "merchants:\n  - {name: store, cust_key_env: GOOD}\n"},
		{"empty cst_id", "merchants:\n  - {cst_id: '', cust_key_env: GOOD}\n"},
		{"cst_id a list", "merchants:\n  - {cst_id: [p], cust_key_env: GOOD}\n"},
		{"no key", "merchants:\n  - {cst_id: p}\n"},
		{"two keys", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, cust_key_file: x}\n"},
		{"key file missing", "merchants:\n  - {cst_id: p, cust_key_file: /nowhere/key}\n"},
		{"key variable not set", "merchants:\n  - {cst_id: p, cust_key_env: NOT_SET}\n"},
		{"key variable unprintable", "merchants:\n  - {cst_id: p, cust_key_env: \"A\\x7f\"}\n"},
		{"key file unprintable", "merchants:\n  - {cst_id: p, cust_key_file: \"a\\nb\"}\n"},
		{"duplicate name", one + "  - {cst_id: q, name: p, cust_key_env: GOOD}\n"},
		{"the same partner twice", one + "  - {cst_id: p, name: again, cust_key_env: GOOD}\n"},
		{"the same partner by another way", one + "  - {cst_id: p, name: again, cust_key_env: GOOD, hub: 'https://HUB.payple.kr/'}\n"},
		{"the same partner by the port that goes without saying", one + "  - {cst_id: p, name: again, cust_key_env: GOOD, hub: 'https://hub.payple.kr:443'}\n"},
		{"the same partner by a whole name", one + "  - {cst_id: p, name: again, cust_key_env: GOOD, hub: 'https://hub.payple.kr.'}\n"},
		{"the same partner by a path to nowhere", one + "  - {cst_id: p, name: again, cust_key_env: GOOD, hub: 'https://hub.payple.kr/./x/..//'}\n"},
		{"unprintable name", "merchants:\n  - {cst_id: \"a\\nb\", cust_key_env: GOOD}\n"},
		{"name of another reading direction", "merchants:\n  - {cst_id: \"a\\u202Eb\", cust_key_env: GOOD}\n"},
		{"name with a letter of no width", "merchants:\n  - {cst_id: \"a\\u200Bb\", cust_key_env: GOOD}\n"},
		{"name with a line separator", "merchants:\n  - {cst_id: \"a\\u2028b\", cust_key_env: GOOD}\n"},
		{"a partner id that nobody has filled in", "merchants:\n  - {cst_id: \"${CST}\", cust_key_env: GOOD}\n"},
		{"a partner id with a blank", "merchants:\n  - {cst_id: 'p ', cust_key_env: GOOD}\n"},
		{"a partner id in quotes", "merchants:\n  - {cst_id: '\"p\"', cust_key_env: GOOD}\n"},
		{"a partner id in quotes of an office program", "merchants:\n  - {cst_id: “p”, cust_key_env: GOOD}\n"},
		{"a name that cannot be seen", "merchants:\n  - {cst_id: p, name: \"\\u3164\", cust_key_env: GOOD}\n"},
		{"a name that differs in blanks", "merchants:\n  - {cst_id: p, name: main store, cust_key_env: GOOD}\n  - {cst_id: q, name: ' main  store ', cust_key_env: GOOD}\n"},
		{"a name that differs in how Hangul is written", "merchants:\n  - {cst_id: p, name: 가게, cust_key_env: GOOD}\n  - {cst_id: q, name: \u1100\u1161\u1100\u1166, cust_key_env: GOOD}\n"},
		{"a partner id that differs in how Hangul is written", "merchants:\n  - {cst_id: 가게, name: a, cust_key_env: GOOD}\n  - {cst_id: \u1100\u1161\u1100\u1166, name: b, cust_key_env: GOOD}\n"},
		{"key variable of several lines", "merchants:\n  - {cst_id: p, cust_key_env: TWO}\n"},
		{"long name", "merchants:\n  - {cst_id: " + strings.Repeat("x", 101) + ", cust_key_env: GOOD}\n"},
		{"http to a remote host", "hub: http://hub.example\n" + one},
		{"a password in the address", "hub: https://user:" + secret + "@hub.example\n" + one},
		{"a question without words in the address", "hub: https://hub.example?\n" + one},
		{"a percent sign in the address", "hub: https://hub.example/%2e\n" + one},
		{"a host that is none", "hub: https://hub..example\n" + one},
		{"a path that is none", "hub: https://hub.example/a b\n" + one},
		{"a port that is none", "hub: https://hub.example:99999\n" + one},
		{"hub of a merchant", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, hub: reel}\n"},
		{"interval no duration", "min_interval: 10\n" + one},
		{"interval too short", "min_interval: 1ms\n" + one},
		{"interval too long", "min_interval: 1h\n" + one},
		{"threshold senseless", "merchants:\n  - cst_id: p\n    cust_key_env: GOOD\n    thresholds: {warning: [lots, -5], critical: 0%}\n"},
		{"thresholds wrong way round", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, thresholds: {warning: 1000, critical: 2000}}\n"},
		{"two thresholds of one kind", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, thresholds: {warning: [10%, 20%]}}\n"},
		{"threshold of another severity", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, thresholds: {page: 1000}}\n"},
		{"empty list of thresholds", "merchants:\n  - {cst_id: p, cust_key_env: GOOD, thresholds: {warning: []}}\n"},
		{"several faults", "hub: reel\nmin_interval: x\nmerchants:\n  - {name: a}\n  - {cst_id: b}\n  - {cst_id: c, cust_key_env: GOOD, nonsense: 1}\n"},
	}
}

// Every refusal is, word for word, that of the golden file: what is wrong,
// where, and what to do. No secret is in it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, file := range faultyFiles() {
		_, err := config.Parse("merchants.yml", []byte(file.text), defaults(), environment)
		if err == nil {
			t.Errorf("%s is taken", file.name)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the refusal shows the key: %v", file.name, err)
		}
		if !strings.HasPrefix(err.Error(), "merchants.yml:") {
			t.Errorf("%s: the refusal does not say where: %v", file.name, err)
		}
		fmt.Fprintf(&got, "## %s\n%v\n\n", file.name, err)
	}
	golden.Compare(t, filepath.Join("testdata", "refusals.golden"), got.String(), *update)
}

// A file that cannot be read, or is far too large, is refused.
func TestLoadRefusesFiles(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/nowhere.yml", "testdata", "/dev/zero"} {
		if _, err := config.Load(path, defaults(), environment); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// However an address is spelled, it is one hub, and Payple's own are called real
// and test.
func TestParseHub(t *testing.T) {
	t.Parallel()
	realHub, testHub := config.Hub{Label: "real", URL: "https://hub.payple.kr"}, config.Hub{Label: "test", URL: "https://demohub.payple.kr"}
	example, six := config.Hub{Label: "hub.example", URL: "https://hub.example"}, config.Hub{Label: "[2001:db8::1]", URL: "https://[2001:db8::1]"}
	for text, want := range map[string]config.Hub{
		"real": realHub, "https://hub.payple.kr": realHub, "https://HUB.Payple.kr": realHub, "HTTPS://hub.payple.kr/": realHub, "https://hub.payple.kr:443": realHub,
		"https://hub.payple.kr:": realHub, "https://hub.payple.kr:0443": realHub, "https://hub.payple.kr.": realHub, "https://HUB.payple.kr.:443//": realHub,
		"https://hub.payple.kr/.": realHub, "https://hub.payple.kr/x/../": realHub, "https://hub.payple.kr/../..": realHub,
		"test": testHub, "https://demohub.payple.kr.:443/": testHub,
		"https://hub.example": example, "https://hub.example:443": example,
		"https://hub.example:8443/": {Label: "hub.example:8443", URL: "https://hub.example:8443"}, "https://hub.example:80": {Label: "hub.example:80", URL: "https://hub.example:80"},
		"https://hub.example/a/./b//c/": {Label: "hub.example", URL: "https://hub.example/a/b/c"}, "https://hub.payple.kr/x": {Label: "hub.payple.kr", URL: "https://hub.payple.kr/x"},
		"https://my_hub-1.example": {Label: "my_hub-1.example", URL: "https://my_hub-1.example"},
		"https://[2001:db8::1]":    six, "https://[2001:DB8:0:0::1]:443": six, "https://192.0.2.1": {Label: "192.0.2.1", URL: "https://192.0.2.1"},
		"http://127.0.0.1:10912": {Label: "127.0.0.1:10912", URL: "http://127.0.0.1:10912"}, "http://[::1]:1": {Label: "[::1]:1", URL: "http://[::1]:1"},
		"http://[::ffff:127.0.0.1]:80": {Label: "127.0.0.1", URL: "http://127.0.0.1"}, "http://127.0.0.1:443": {Label: "127.0.0.1:443", URL: "http://127.0.0.1:443"},
		"http://localhost": {Label: "localhost", URL: "http://localhost"}, "http://LOCALHOST.:80": {Label: "localhost", URL: "http://localhost"},
	} {
		if got, err := config.ParseHub(text); err != nil || got != want {
			t.Errorf("ParseHub(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "Real", "hub.payple.kr", "ftp://hub.example", "http://10.0.0.1", "http://hub.example", "http://127.0.0.1.example", "https://", "https://:443", "https:hub.example", "http://127.1",
		"https://u@hub.example", "https://hub.example?x=1", "https://hub.example?", "https://hub.example#x", "https://hub.example#", "://", "https://hub example",
		"https://hub.example:0", "https://hub.example:65536", "https://hub.example:99999", "https://hub.example:-1", "https://hub.example:x", "https://hub.example:443:443",
		"https://.", "https://..", "https://hub..example", "https://.hub.example", "https://hub.example..", "https://hub.example/%61", "https://hub.example/a%2fb", "https://hub.example/a b", "https://hub.example/가",
		"https://허브.example", "https://ｈub.payple.kr", "https://hub.payple.kr。", "https://hub,example", "https://hub!example", "https://[fe80::1%25eth0]", "https://hub.%70ayple.kr", "https://hub.example/\\",
	} {
		if got, err := config.ParseHub(text); err == nil {
			t.Errorf("ParseHub(%q) = %+v, want an error", text, got)
		}
	}
}

// Whoever leaves keys unread gets a configuration without having one, and is
// still told of every other mistake.
func TestKeysUnread(t *testing.T) {
	t.Parallel()
	lenient := defaults()
	lenient.KeysUnread = true
	const text = "merchants: [{cst_id: a, cust_key_file: /nowhere/key}, {cst_id: b, cust_key_env: EMPTY}]"
	got, err := config.Parse("f.yml", []byte(text), lenient, environment)
	if err != nil || len(got.Merchants) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, merchant := range got.Merchants {
		if _, err := merchant.Key.Secret(); err == nil {
			t.Errorf("%s has a key out of nothing", merchant.Name)
		}
	}
	if _, err := config.Parse("f.yml", []byte(text), defaults(), environment); err == nil || strings.Count(err.Error(), "no usable custKey") != 2 {
		t.Errorf("read, they are no mistakes: %v", err)
	}
	if _, err := config.One("a", hub.FileKey("/nowhere/key"), lenient); err != nil {
		t.Errorf("one merchant: %v", err)
	}
	for _, wrong := range []string{"merchants: [{cst_id: a}]", "merchants: [{cst_id: a, cust_key_env: EMPTY, hub: nowhere}]", "merchants: []"} {
		if _, err := config.Parse("f.yml", []byte(wrong), lenient, environment); err == nil {
			t.Errorf("taken: %s", wrong)
		}
	}
}

// A key that may be meant as it stands is taken, and told of in one line that
// names where it is and does not show it.
func TestWarnings(t *testing.T) {
	t.Parallel()
	const want = "the custKey in environment variable QUOTED begins or ends with a blank or a quote: take it out there, unless it belongs to the key"
	file, err := config.Parse("f.yml", []byte("merchants: [{cst_id: a, cust_key_env: GOOD}, {cst_id: b, cust_key_env: QUOTED}]"), defaults(), environment)
	if err != nil || len(file.Warnings) != 1 || file.Warnings[0] != want {
		t.Errorf("%q, %v", file.Warnings, err)
	}
	one, err := config.One("a", hub.EnvKey("QUOTED", environment), defaults())
	if err != nil || len(one.Warnings) != 1 || one.Warnings[0] != want {
		t.Errorf("one merchant: %q, %v", one.Warnings, err)
	}
	for _, id := range []string{"p ", "${CST}", "p\u200b", "'p'"} {
		if _, err := config.One(id, hub.EnvKey("GOOD", environment), defaults()); err == nil || !strings.HasPrefix(err.Error(), "--payple.cst-id (PAYPLE_CST_ID): ") || strings.Contains(err.Error(), "p\u200b") {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// A contact is one line that fits a page and an alert, and no more.
func TestContacts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ contact, fault string }{
		{"finance on call, 02-555-0100", ""},
		{"정산팀 당직 02-555-0100 <b>", ""},
		{strings.Repeat("가", 120), ""},
		{strings.Repeat("가", 121), "contact: it is longer than 120 characters"},
		{" ", "contact: it is empty: say who can raise the limit, or take it out"},
		{`two\nlines`, "contact: a control or invisible character (U+000A) is in it"},
		{`hidden\u200b`, "contact: a control or invisible character (U+200B) is in it"},
	} {
		text := `merchants: [{cst_id: a, cust_key_env: KEY, contact: "` + test.contact + `"}]`
		got, err := config.Parse("merchants.yml", []byte(text), defaults(), func(string) string { return "k" })
		switch {
		case test.fault == "" && (err != nil || got.Merchants[0].Contact != test.contact):
			t.Errorf("%s: %+v, %v", test.contact, got.Merchants, err)
		case test.fault != "" && (err == nil || !strings.Contains(err.Error(), "merchants.yml:1: "+test.fault)):
			t.Errorf("%s: %v, want %q", test.contact, err, test.fault)
		}
	}
}
