package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"payple_exporter/internal/test/programs"
)

// The completion script of the documentation completes commands, flags and
// the values of flags, in a real bash.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	folder := t.TempDir()
	if err := os.Symlink(absolute(t, programs.Exporter(t)), filepath.Join(folder, "payple_exporter")); err != nil {
		t.Fatal(err)
	}
	// bash is told the function once: each start of a race-checked program takes a second.
	functions := runBash(t, bash, folder, "payple_exporter --completion-script-bash")
	for line, want := range map[string]string{
		"ch":                              "check",
		"":                                "help serve check export simulate healthcheck",
		"export da":                       "dashboards",
		"check --js":                      "--json",
		"check --lang k":                  "ko",
		"simulate --lang k":               "ko",
		"simulate --simulate.sc":          "--simulate.scenario",
		"--payple.cst-id=a --payple.cust": "--payple.cust-key-file",
		"--web.listen":                    "--web.listen-address",
	} {
		words := strings.Split(line, " ")
		got := runBash(t, bash, folder, functions+`
COMP_WORDS=(payple_exporter "$@"); COMP_CWORD=$#; _payple_exporter_bash_autocomplete; echo "${COMPREPLY[@]}"`, words...)
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%q is completed to %q, want %q", line, got, want)
		}
	}
}

// runBash runs a script that finds the program in a folder, and returns what it
// prints.
func runBash(t *testing.T, bash, folder, script string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "-c", script, "bash"}, args...)...)
	command.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return string(output)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// The script for zsh registers itself for the program.
func TestZshScript(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), programs.Exporter(t), "--completion-script-zsh")
	script, err := command.Output()
	if err != nil || !strings.HasPrefix(string(script), "#compdef payple_exporter\n") {
		t.Errorf("%v: %s", err, script)
	}
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		return
	}
	check := exec.CommandContext(t.Context(), zsh, "-n")
	check.Stdin = strings.NewReader(string(script))
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}
