package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

// Files of the web configuration that break are one error for each thing that
// is wrong with them, however many connections they cost, and none once they
// are whole again.
func TestABrokenWebConfigurationIsLoggedOnceAChange(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "web.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var text bytes.Buffer
	fault := &webFault{file: file, logger: log.NewLogfmtLogger(&text)}
	output := serverLog{logFlags{level: "info"}.loggers(&text).slog, fault}
	for _, step := range []struct {
		config, wrong string
		lines         int // so far
	}{
		{"http_server_config: {http2: true}", "", 0},
		{"tls_server_config: {cert_file: /nowhere/cert, key_file: /nowhere/key}", "/nowhere/cert", 1},
		{"basic_auth_users: {someone: no-hash}", "hash", 2},
		{"basic_auth_users: hunter2", "(not shown)", 3},
		{"", "", 3},
		{"basic_auth_users: {someone: no-hash}", "hash", 4},
	} {
		write(step.config)
		for range 3 {
			_, _ = output.Write([]byte("http: TLS handshake error from 192.0.2.1:4242: some reason\n"))
			_, _ = output.Write([]byte("http: something else\n"))
		}
		if err := fault.check(); (err == nil) != (step.wrong == "") || err != nil && !strings.Contains(err.Error(), step.wrong) {
			t.Errorf("%s: %v, want %q", step.config, err, step.wrong)
		}
		if strings.Contains(text.String(), "hunter2") {
			t.Errorf("a password is logged:\n%s", text.String())
		}
		if lines := strings.Count(text.String(), "level=error"); lines != step.lines || strings.Count(text.String(), "\n") != lines {
			t.Errorf("%s: %d errors, want %d:\n%s", step.config, lines, step.lines, text.String())
		}
	}
}

// Somebody who reads the log as JSON can read why nothing was served, too,
// wherever on the command line the mistake stands. A person at another command
// gets a line of text.
func TestWhyServeDidNotStartIsJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		env  string
		json bool
	}{
		{args: []string{"--log.format=json", "--payple.max-age=-1s"}, json: true},
		{args: []string{"--no-such-flag", "--log.format=json"}, json: true},
		{args: []string{"serve", "--log.format", "json", "--payple.timeout=5"}, json: true},
		{args: []string{"--log.format=json", "--config.file=/nowhere"}, json: true},
		{args: []string{"--payple.max-age=-1s"}, env: "json", json: true},
		{args: []string{"--payple.max-age=-1s", "--log.format=logfmt"}, env: "json"},
		{args: []string{"--payple.max-age=-1s"}},
		{args: []string{"check", "--log.format=json", "--payple.max-age=-1s"}},
		{args: []string{"export", "rules", "--log.format=json", "--runbook-url=nowhere"}},
		{args: []string{"--config.check", "--log.format=json", "--payple.max-age=-1s"}},
	} {
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), tt.args, Options{Stdout: &stdout, Stderr: &stderr, Getenv: func(name string) string {
			if name == "PAYPLE_EXPORTER_LOG_FORMAT" {
				return tt.env
			}
			return ""
		}})
		var line struct{ Level, Err, Msg string }
		isJSON := json.Unmarshal(stderr.Bytes(), &line) == nil && line.Level == "error" && line.Err != "" && line.Msg != ""
		if code != ExitUsage || stdout.Len() > 0 || isJSON != tt.json || !tt.json && !strings.HasPrefix(stderr.String(), "payple_exporter: error: ") {
			t.Errorf("%v: exit %d, JSON is %v, want %v:\n%s%s", tt.args, code, isJSON, tt.json, stdout.String(), stderr.String())
		}
	}
}
