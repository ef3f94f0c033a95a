package config_test

import (
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
)

// misplaced is a key that somebody wrote into the file itself.
const misplaced = "sk-misplaced-16180339"

// faultLine is the form of each line of a refusal.
var faultLine = regexp.MustCompile(`^f\.yml:([0-9]+): .`)

// No file makes the parser panic or hang. What it takes is usable as it
// stands. What it refuses, it refuses line by line, with where the fault is,
// and without a key, be it one of the environment or one that stands in the
// file where no key belongs.
func FuzzParse(f *testing.F) {
	for _, file := range faultyFiles() {
		f.Add([]byte(file.text))
	}
	for _, text := range []string{
		"merchants: &a [*a]", "merchants: [&a {cst_id: *a}]", "merchants:\n- &a {cst_id: p, cust_key_env: GOOD}\n- {<<: *a, cst_id: q}\n",
		"merchants: [{cst_id: p, cust_key_env: GOOD, thresholds: {warning: [5000000, 24h]}}]",
		"hub: test\nmin_interval: 1m\nmerchants: [{cst_id: p, cust_key_env: GOOD}, {name: 가게, cst_id: q, cust_key_env: GOOD, hub: 'http://[::1]:8080/x'}]",
		"merchants: [{cst_id: !!binary aGk=, cust_key_env: GOOD}]", "%YAML 1.2\n---\nmerchants: []\n...\n", "merchants:\n  - |\n    p\n", "? [a]\n: b\n", "\ufeffhub: real",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "cust_key_file") || strings.Contains(string(text), `"cust`) {
			return // would read whatever file the fuzzer thinks of
		}
		got, err := config.Parse("f.yml", text, defaults(), environment)
		again, err2 := config.Parse("f.yml", text, defaults(), environment)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() || !same(got, again) {
			t.Fatalf("the same file is %+v, %v and then %+v, %v", got, err, again, err2)
		}
		if err != nil {
			mustBePlain(t, text, err)
			if !strings.Contains(string(text), secret) && strings.Contains(err.Error(), secret) {
				t.Fatalf("a key out of the environment is shown: %v", err)
			}
		} else {
			mustBeUsable(t, got)
		}
		mustHideMisplaced(t, text)
	})
}

// same compares configurations but for their keys, which hold functions.
func same(a, b config.Config) bool {
	if a.MinInterval != b.MinInterval || len(a.Merchants) != len(b.Merchants) {
		return false
	}
	for i, m := range a.Merchants {
		n := b.Merchants[i]
		if m.Name != n.Name || m.CstID != n.CstID || m.Hub != n.Hub || !reflect.DeepEqual(m.Thresholds, n.Thresholds) {
			return false
		}
	}
	return true
}

// mustBePlain fails the test if a refusal is not lines that can be shown and
// that say where in the file the fault is.
func mustBePlain(t *testing.T, text []byte, err error) {
	t.Helper()
	if !utf8.ValidString(err.Error()) {
		t.Fatalf("no text: %q", err)
	}
	// YAML knows more line ends than one.
	ends := strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	// The end of a file that lacks something counts as a line of its own.
	last := strings.Count(ends.Replace(string(text)), "\n") + 2
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		at := faultLine.FindStringSubmatch(line)
		if at == nil || strings.ContainsFunc(line, unicode.IsControl) {
			t.Fatalf("not one plain line with file and line: %q of %q", line, err)
		}
		if n, err := strconv.Atoi(at[1]); err != nil || n < 1 || n > last {
			t.Fatalf("the file has %d lines: %q", last, line)
		}
	}
}

// mustBeUsable fails the test if a configuration is not what its types promise.
func mustBeUsable(t *testing.T, got config.Config) {
	t.Helper()
	if len(got.Merchants) == 0 || config.CheckMinInterval(got.MinInterval) != nil {
		t.Fatalf("taken: %+v", got)
	}
	names, partners := make(map[string]bool), make(map[string]bool)
	for _, m := range got.Merchants {
		if key, err := m.Key.Secret(); err != nil || key.Empty() {
			t.Fatalf("taken without a key: %+v", m)
		}
		for _, label := range []string{m.Name, m.CstID} {
			if label == "" || !utf8.ValidString(label) || len(label) > 100 || !config.Printable(label) {
				t.Fatalf("taken for a label: %q", label)
			}
		}
		if strings.ContainsAny(m.CstID, "$ '\"`") {
			t.Fatalf("taken for a partner id: %q", m.CstID)
		}
		partner := m.Hub.URL + " " + m.CstID
		if names[m.Name] || partners[partner] {
			t.Fatalf("taken twice: %+v", m)
		}
		names[m.Name], partners[partner] = true, true
		mustBeAHub(t, m.Hub)
		texts := make(map[config.Severity][]string)
		for _, severity := range config.Severities() {
			for _, level := range m.Thresholds[severity] {
				texts[severity] = append(texts[severity], level.String())
			}
		}
		if _, err := config.ParseLevels(texts[config.Warning], texts[config.Critical], nil); err != nil {
			t.Fatalf("taken: thresholds %v: %v", m.Thresholds, err)
		}
	}
}

// mustBeAHub fails the test if custKey would be sent where it can be read on
// its way, or to an address that shows something it should not.
func mustBeAHub(t *testing.T, address config.Hub) {
	t.Helper()
	u, err := url.Parse(address.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || address.Label == "" {
		t.Fatalf("taken for a hub: %+v", address)
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "::1" || strings.HasPrefix(u.Hostname(), "127.")
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		t.Fatalf("custKey would go to %s", address.URL)
	}
	if (address.Label == "real") != (address.URL == hub.RealURL) || (address.Label == "test") != (address.URL == hub.TestURL) {
		t.Fatalf("%s is called %s", address.URL, address.Label)
	}
}

// What is taken for a hub is one, and in the spelling that stays as it is.
func FuzzParseHub(f *testing.F) {
	for _, seed := range []string{
		"real", "https://hub.payple.kr:443", "https://hub.payple.kr.", "https://HUB.example:0443/a/../b//", "http://[::ffff:127.0.0.1]:80", "http://localhost.", "https://[2001:DB8::1]",
		"https://hub.example?", "https://hub.example:99999", "https://hub.example/%2e", "https://hub.example/.../", "https://1.2.3.4.", "https://01.2.3.4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := config.ParseHub(text)
		if err != nil {
			return
		}
		mustBeAHub(t, got)
		if again, err := config.ParseHub(got.URL); err != nil || again != got {
			t.Fatalf("%q is %+v, and that is %+v, %v", text, got, again, err)
		}
	})
}

// mustHideMisplaced puts a key into the file, where none belongs, and fails
// the test if the file is taken or the refusal shows the key.
func mustHideMisplaced(t *testing.T, text []byte) {
	t.Helper()
	for _, file := range []string{
		"custKey: " + misplaced + "\n" + string(text),
		string(text) + "\ncust_key: " + misplaced + "\n",
		"merchants:\n  - cst_id: p\n    custKey: " + misplaced + "\n" + string(text),
		"merchants:\n  - cst_id: p\n    cust_key_env: GOOD\n    password: '" + misplaced + "'\n" + string(text),
	} {
		_, err := config.Parse("f.yml", []byte(file), defaults(), environment)
		if err == nil {
			t.Fatalf("taken with a key in it: %q", file)
		}
		if strings.Contains(err.Error(), misplaced) {
			t.Fatalf("the key is shown: %v\nof %q", err, file)
		}
	}
}
