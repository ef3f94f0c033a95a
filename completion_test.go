package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	if err := os.Symlink(absolute(t, os.Args[0]), filepath.Join(folder, appName)); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"ch":                              "check",
		"":                                "help serve check simulate healthcheck",
		"check --js":                      "--json",
		"check --lang k":                  "ko",
		"simulate --lang k":               "ko",
		"simulate --simulate.sc":          "--simulate.scenario",
		"--payple.cst-id=a --payple.cust": "--payple.cust-key-file",
		"--web.listen":                    "--web.listen-address",
	} {
		words := strings.Split(line, " ")
		script := `eval "$(payple_exporter --completion-script-bash)"
COMP_WORDS=(payple_exporter "$@"); COMP_CWORD=$#; _payple_exporter_bash_autocomplete; echo "${COMPREPLY[@]}"`
		command := exec.CommandContext(t.Context(), bash, append([]string{"--norc", "-c", script, "bash"}, words...)...)
		command.Env = append(os.Environ(), asProgram+"=1", "PATH="+folder+":"+os.Getenv("PATH"))
		output, err := command.CombinedOutput()
		if got := strings.TrimSpace(string(output)); err != nil || got != want {
			t.Errorf("%q is completed to %q, want %q (%v)", line, got, want, err)
		}
	}
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
	command := exec.CommandContext(t.Context(), os.Args[0], "--completion-script-zsh")
	command.Env = append(os.Environ(), asProgram+"=1")
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
