package systemd_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

const (
	unit       = "payple_exporter.service"
	socketUnit = "payple_exporter.socket"
	dropIn     = "many-merchants.conf"
	program    = "/usr/local/bin/payple_exporter" // where the unit wants it
)

// settings returns what files say of a setting in a section, in their order;
// an empty value takes back what was said before, as in systemd.
func settings(t *testing.T, section, key string, files ...string) []string {
	t.Helper()
	var values []string
	for _, file := range files {
		in := ""
		for line := range strings.Lines(must.Read(t, file)) {
			line = strings.TrimSpace(line)
			name, value, _ := strings.Cut(line, "=")
			switch {
			case strings.HasPrefix(line, "["):
				in = strings.Trim(line, "[]")
			case in != section || name != key:
			case value == "":
				values = nil
			default:
				values = append(values, value)
			}
		}
	}
	return values
}

// installed lays out the units as README.md says and returns the service. The
// program is the one just built.
func installed(t *testing.T, withDropIn bool) string {
	t.Helper()
	dir := t.TempDir()
	service := strings.ReplaceAll(must.Read(t, unit), program, programs.Released(t))
	if !strings.Contains(service, programs.Released(t)) {
		t.Fatalf("%s does not start %s", unit, program)
	}
	must.Write(t, filepath.Join(dir, socketUnit), must.Read(t, socketUnit))
	if withDropIn {
		must.Write(t, filepath.Join(dir, unit+".d", dropIn), must.Read(t, dropIn))
	}
	return must.Write(t, filepath.Join(dir, unit), service)
}

func analyze(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	tool := programs.Tool(t, "SYSTEMD_ANALYZE", "systemd", "systemd-analyze")
	text, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	return string(text), err
}

// systemd skips what it does not understand, with a line in a log that nobody
// reads: any output is a mistake.
func TestSystemdUnderstandsEveryLine(t *testing.T) {
	t.Parallel()
	for _, withDropIn := range []bool{false, true} {
		service := installed(t, withDropIn)
		output, err := analyze(t, "verify", "--man=no", service, filepath.Join(filepath.Dir(service), socketUnit))
		if err != nil || strings.TrimSpace(output) != "" {
			t.Errorf("with the drop-in: %v: %v\n%s", withDropIn, err, output)
		}
	}
}

// A drop-in takes settings back as easily as it adds some, so the service is
// looked at with it as well.
func TestTheServiceIsConfined(t *testing.T) {
	t.Parallel()
	for _, withDropIn := range []bool{false, true} {
		output, err := analyze(t, "security", "--offline=true", "--no-pager", "--threshold=25", installed(t, withDropIn))
		if err != nil {
			t.Errorf("exposure above 2.5, with the drop-in: %v: %v\n%s", withDropIn, err, output)
		}
		t.Logf("with the drop-in: %v: %s", withDropIn, regexp.MustCompile(`Overall exposure.*`).FindString(output))
	}
}

// A filter that forbids what the exporter does would break it on its first
// machine, and no analyzer can know.
func TestTheFilterAllowsWhatTheExporterDoes(t *testing.T) {
	t.Parallel()
	strace := programs.Tool(t, "STRACE", "strace", "strace")
	allowed := allowedCalls(t)
	trace := filepath.Join(t.TempDir(), "trace")
	address := programs.FreePort(t)
	e := programs.Start(t, address, "/-/ready", strace, "--follow-forks", "--output="+trace,
		programs.Released(t), "--demo", "--web.listen-address="+address)
	for _, path := range []string{"/metrics", "/", "/sd", "/probe?merchant=healthy"} {
		e.Get(t, path)
	}
	stop(t, trace)
	made := map[string]bool{}
	for line := range strings.Lines(must.Read(t, trace)) {
		if call := regexp.MustCompile(`^\d+ +(?:<\.\.\. )?(\w+)`).FindStringSubmatch(line); call != nil {
			made[call[1]] = true
		}
	}
	if !made["accept4"] || !made["connect"] || len(made) < 20 {
		t.Fatalf("the trace is not one of the exporter at work: %v", made)
	}
	for call := range made {
		if !allowed[call] {
			t.Errorf("the exporter calls %s, and SystemCallFilter= refuses it", call)
		}
	}
}

// stop ends the program that is being traced, so that its end is in the trace
// as well: it would outlive its tracer.
func stop(t *testing.T, trace string) {
	t.Helper()
	first, _, _ := strings.Cut(must.Read(t, trace), " ")
	must.Do(t, syscall.Kill(must.Get(strconv.Atoi(first))(t), syscall.SIGTERM))
	programs.Eventually(t, "the traced exporter ends with 0", func() bool {
		return regexp.MustCompile(`(?m)^` + first + ` +\+\+\+ exited with 0 \+\+\+$`).MatchString(must.Read(t, trace))
	})
}

// allowedCalls returns what the unit's SystemCallFilter= allows.
func allowedCalls(t *testing.T) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, line := range settings(t, "Service", "SystemCallFilter", unit) {
		line, taken := strings.CutPrefix(line, "~")
		for name := range strings.FieldsSeq(line) {
			for _, call := range calls(t, name) {
				allowed[call] = !taken
			}
		}
	}
	if !allowed["read"] || allowed["mount"] {
		t.Fatalf("not a filter that was understood: %v", allowed)
	}
	return allowed
}

// calls expands a group of system calls.
func calls(t *testing.T, name string) []string {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	output, err := analyze(t, "--no-pager", "syscall-filter", name)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	var all []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && line != name && !strings.HasPrefix(line, "#") {
			all = append(all, calls(t, line)...)
		}
	}
	return all
}

// What the unit, the variables' file and the drop-in say together is a
// configuration that the exporter takes, with keys where systemd puts them.
func TestTheExporterTakesItsConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		files     []string
		variables bool
		keys      []string
		says      []string
	}{
		{"one merchant", []string{unit}, true, []string{"custkey"}, []string{"cst_id: your-partner-id", "/custkey", "hub: real"}},
		{"many merchants", []string{unit, dropIn}, false, []string{"keys_main-store", "keys_second-store"}, []string{"name: main-store", "name: second-store"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			credentials := t.TempDir()
			for _, key := range test.keys {
				must.Write(t, filepath.Join(credentials, key), "a-key-of-no-partner\n")
			}
			merchants := strings.ReplaceAll(must.Read(t, "merchants.yml"), "/run/credentials/"+unit, credentials)
			merchantsFile := must.Write(t, filepath.Join(t.TempDir(), "merchants.yml"), merchants)
			var environment []string
			for _, variable := range settings(t, "Service", "Environment", test.files...) {
				variable = strings.ReplaceAll(variable, "%d", credentials)
				environment = append(environment, strings.ReplaceAll(variable, "/etc/payple_exporter/merchants.yml", merchantsFile))
			}
			if test.variables {
				environment = append(environment, variables(t, false)...)
			}
			output, err := check(t, environment)
			for _, want := range append(test.says, "cust_key: <secret>") {
				if err != nil || !strings.Contains(output, want) {
					t.Fatalf("%v: %s is not in\n%s", err, want, output)
				}
			}
		})
	}
}

// Every variable that is only suggested is one that the exporter knows: an
// unknown one would be ignored without a word.
func TestEverySuggestedVariableIsKnown(t *testing.T) {
	t.Parallel()
	help := must.Get(exec.CommandContext(t.Context(), programs.Released(t), "serve", "--help").CombinedOutput())(t)
	for _, variable := range variables(t, true) {
		name, _, _ := strings.Cut(variable, "=")
		if !regexp.MustCompile(`\$`+name+`\b`).Match(help) && name != "HTTPS_PROXY" {
			t.Errorf("%s is no variable of the exporter", name)
		}
	}
}

// variables returns the lines of the variables' file, with those that are
// suggested in comments or without.
func variables(t *testing.T, suggested bool) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(must.Read(t, "payple_exporter.env")) {
		line = strings.TrimSpace(line)
		if suggested {
			line = strings.TrimPrefix(line, "#")
		}
		if regexp.MustCompile(`^[A-Z_]+=`).MatchString(line) {
			all = append(all, line)
		}
	}
	if len(all) == 0 {
		t.Fatal("no variables")
	}
	return all
}

// check runs the exporter's own check of its configuration.
func check(t *testing.T, environment []string) (output string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Released(t), "--config.check")
	command.Env = environment
	text, err := command.CombinedOutput()
	return string(text), err
}

// systemd listens, on TCP or on a socket in the file system, and the exporter
// answers on what it was handed, and tells where.
func TestTheExporterServesOnSystemdsSocket(t *testing.T) {
	t.Parallel()
	activate := programs.Tool(t, "SYSTEMD_SOCKET_ACTIVATE", "systemd", "systemd-socket-activate")
	_, variable, found := strings.Cut(must.Read(t, socketUnit), "Wants ")
	variable, _, cut := strings.Cut(variable, " in ")
	if !found || !cut || !slices.Contains(variables(t, true), variable) {
		t.Fatalf("%s says that it wants %q, which is not in the variables' file", socketUnit, variable)
	}
	address := programs.FreePort(t)
	programs.Start(t, address, "/-/healthy", activate, "--listen="+address, "--setenv="+variable, programs.Released(t), "--demo")

	socket := filepath.Join(t.TempDir(), "socket")
	served := programs.Run(t, nil, activate, "--listen="+socket, "--setenv="+variable, programs.Released(t), "--demo")
	programs.Eventually(t, "healthcheck asks the socket", func() bool {
		return exec.CommandContext(t.Context(), programs.Released(t), "healthcheck", "--web.listen-address=unix:"+socket).Run() == nil
	})
	served.Await(t, "page=unix:"+regexp.QuoteMeta(socket))
}

// A panic of a Go program ends with 2, as does a wrong configuration: an
// exporter that were not started again after that would stay silent.
func TestTheServiceIsAlwaysStartedAgain(t *testing.T) {
	t.Parallel()
	for _, want := range [][3]string{
		{"Service", "Restart", "always"},
		{"Unit", "StartLimitIntervalSec", "0"},
		{"Service", "ExecReload", "/bin/sh -c 'kill -HUP $MAINPID'"},
	} {
		if got := settings(t, want[0], want[1], unit); !slices.Equal(got, want[2:]) {
			t.Errorf("%s is %q, want %q", want[1], got, want[2])
		}
	}
	if prevents := settings(t, "Service", "RestartPreventExitStatus", unit); prevents != nil {
		t.Errorf("not started again after %v", prevents)
	}
}

// SIGTERM is what systemctl stop sends: the exporter ends in time, with 0.
func TestStoppingIsClean(t *testing.T) {
	t.Parallel()
	p := programs.Run(t, nil, programs.Released(t), "--demo", "--web.listen-address=127.0.0.1:0")
	p.Await(t, programs.Listening)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The steps of the instructions name files that are here.
func TestInstructionsNameEveryFile(t *testing.T) {
	t.Parallel()
	readme := must.Read(t, "README.md")
	for _, file := range []string{unit, socketUnit, dropIn, "payple_exporter.env", "merchants.yml"} {
		if !strings.Contains(readme, file) {
			t.Errorf("README.md does not tell what to do with %s", file)
		}
	}
}
