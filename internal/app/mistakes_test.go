package app

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/internal/config"
	"payple_exporter/internal/test/must"
)

// run runs a command line to its end, which must come by itself.
func run(t *testing.T, environ []string, args ...string) (code int, shown string) {
	t.Helper()
	var out bytes.Buffer
	code = Run(t.Context(), args, Options{Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Environ: func() []string { return environ }})
	return code, out.String()
}

// Somebody with ten mistakes learns of ten, not of one ten times.
func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	file := must.Write(t, filepath.Join(t.TempDir(), "merchants.yml"), "merchants: [{cst_id: p}, {cst_id: q, cust_key_env: NOT_SET, hub: 'http://hub.example'}]\n")
	code, shown := run(t, nil, "--nonsense", "--payple.timout=5s", "--payple.timeout=5", "--payple.max-age=-1s", "--payple.hub=production", "--threshold.warning=lots", "--threshold.critical=100ms",
		"--payple.min-interval=1h", "--web.listen-address=foo", "--web.max-requests=many", "--log.level=loud", "--demo=yes", "--config.file="+file)
	if code != ExitUsage {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"--nonsense: no such flag", "did you mean --payple.timeout?", `--payple.timeout (PAYPLE_EXPORTER_PAYPLE_TIMEOUT) "5": want a duration such as 5s`, "--payple.max-age (PAYPLE_EXPORTER_PAYPLE_MAX_AGE)",
		"--payple.hub (PAYPLE_HUB)", "--threshold.warning (", "--threshold.critical (", "--payple.min-interval (", "--web.listen-address (", "--web.max-requests (", "--log.level (", "--demo (",
		file + ":1: want either cust_key_file or cust_key_env", file + ":1: no usable custKey", file + `:1: hub "http://hub.example"`,
	} {
		if strings.Count(shown, want) != 1 {
			t.Errorf("%q is told %d times:\n%s", want, strings.Count(shown, want), shown)
		}
	}
	if lines := strings.Count(shown, "\n"); lines != 15 {
		t.Errorf("%d lines for 15 mistakes:\n%s", lines, shown)
	}
}

// misplaced is a key that stands where it does not belong.
const misplaced = "a7f3b291c2d8e4f60718"

func expectHidden(t *testing.T, where, shown string) {
	t.Helper()
	if strings.Contains(shown, misplaced) {
		t.Errorf("%s repeats the key:\n%s", where, shown)
	}
}

// A key that was put in the place of a flag's value, or beside it, is refused
// and not repeated. What is taken are names of things that can be called
// anything, as long as the program does not know the key.
func TestNoFlagRepeatsAKey(t *testing.T) {
	t.Parallel()
	taken := []string{"payple.cst-id", "web.sd-address", "web.route-prefix", "output-dir", "simulate.backfill", "simulate.config-dir"}
	flags := func(command string, flags []*kingpin.FlagModel) {
		for _, flag := range flags {
			if flag.Hidden || slices.Contains(taken, flag.Name) {
				continue
			}
			for _, args := range [][]string{{"--" + flag.Name + "=" + misplaced}, {"--" + flag.Name, misplaced}, {"--" + flag.Name + misplaced}, {"--" + misplaced + "=" + flag.Name}, {"--" + flag.Name + "=https://u:" + misplaced + "@host"}} {
				if flag.IsBoolFlag() && args[0] == "--"+flag.Name && command != commandExport {
					args = append(args, "--config.check")
				}
				args = append([]string{command}, args...)
				if command == commandExport {
					args = append(args, "rules")
				}
				code, shown := run(t, nil, args...)
				if command != commandHealthcheck && code != ExitUsage && flag.Name != "help" && flag.Name != "version" {
					t.Errorf("%v: exit %d", args, code)
				}
				expectHidden(t, strings.Join(args, " "), shown)
			}
		}
	}
	model := Model()
	for _, command := range model.Commands {
		flags(command.Name, command.Flags)
		for _, args := range [][]string{{command.Name, misplaced}, {misplaced, command.Name}, {command.Name, "-" + misplaced}} {
			_, shown := run(t, nil, args...)
			expectHidden(t, strings.Join(args, " "), shown)
		}
	}
	flags(commandServe, model.Flags)
}

// Nor does a variable: by value or by name.
func TestNoVariableRepeatsAKey(t *testing.T) {
	for _, flag := range append(Model().Flags, Model().Commands[0].Flags...) {
		if flag.Hidden || flag.Envar == "" || slices.Contains([]string{"payple.cst-id", "web.sd-address", "web.route-prefix"}, flag.Name) {
			continue
		}
		t.Run(flag.Envar, func(t *testing.T) {
			t.Setenv(flag.Envar, misplaced)
			code, shown := run(t, []string{flag.Envar + "=" + misplaced, "PAYPLE_EXPORTER_" + misplaced + "=1", "PAYPLE_EXPORTER_KEY=" + misplaced}, "--config.check")
			if code != ExitUsage {
				t.Errorf("exit %d", code)
			}
			expectHidden(t, flag.Envar, shown)
		})
	}
	_, shown := run(t, []string{"PAYPLE_EXPORTER_" + misplaced + "=1", "PAYPLE_EXPORTER_KEY=" + misplaced}, "--config.check", "--demo")
	if expectHidden(t, "warnings", shown); !strings.Contains(shown, "PAYPLE_EXPORTER_KEY is none") {
		t.Errorf("no warning:\n%s", shown)
	}
}

// Nor does any field of a merchants file, of any form.
func TestNoFieldRepeatsAKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := must.Write(t, filepath.Join(dir, "key"), misplaced)
	for _, form := range []string{"X", "[X]", "{X: 1}", "{a: X}", "https://u:X@host", "https://host/?k=X", "'X'", "|\n    X", "*X", "!X"} {
		var texts []string
		value := strings.ReplaceAll(form, "X", misplaced)
		for _, field := range config.TopKeys() {
			texts = append(texts, field.Name+": "+value+"\n")
		}
		for _, field := range config.MerchantKeys() {
			merchant := "cst_id: p\n  cust_key_file: " + key
			if strings.Contains(merchant, field.Name+":") {
				merchant = map[string]string{"cst_id": "cust_key_file: " + key, "cust_key_file": "cst_id: p"}[field.Name]
			}
			texts = append(texts, "merchants:\n- "+merchant+"\n  "+field.Name+": "+value+"\n")
		}
		texts = append(texts, "merchants:\n- {cst_id: p, cust_key_file: "+key+", thresholds: {warning: "+value+"}}\n", "merchants:\n- {cst_id: p, cust_key_file: "+key+", thresholds: {"+misplaced+": 1}}\n")
		for _, text := range texts {
			code, shown := run(t, nil, "--config.check", "--config.file="+must.Write(t, filepath.Join(dir, "merchants.yml"), text))
			if code != ExitUsage {
				t.Errorf("taken:\n%s", text)
			}
			expectHidden(t, text, shown)
		}
	}
}

// Whatever takes any text, and shows it, does not take the key of a merchant.
func TestNoFlagTakesTheKeyOfAMerchant(t *testing.T) {
	t.Parallel()
	key := must.Write(t, filepath.Join(t.TempDir(), "key"), misplaced)
	for _, flag := range []string{"--payple.cst-id=" + misplaced, "--web.sd-address=" + misplaced, "--web.route-prefix=" + misplaced, "--web.telemetry-path=/" + misplaced, "--web.external-url=https://host/" + misplaced, "--payple.hub=https://" + misplaced + ".example", "--payple.referer=https://shop.example/" + misplaced} {
		args := []string{"--config.check", "--payple.cust-key-file=" + key, flag}
		if !strings.Contains(flag, "cst-id") {
			args = append(args, "--payple.cst-id=p")
		}
		code, shown := run(t, nil, args...)
		if name, _, _ := strings.Cut(flag, "="); code != ExitUsage || !strings.Contains(shown, name+" (") && !strings.Contains(shown, "the custKey itself") {
			t.Errorf("%s: exit %d: %s", flag, code, shown)
		}
		expectHidden(t, flag, shown)
	}
}
