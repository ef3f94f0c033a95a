// Package mixin_test evaluates the mixin as those who vendor it do.
package mixin_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-jsonnet"
	"go.yaml.in/yaml/v3"
)

// A rule or a dashboard that is in the repository and not in the mixin would be missed only when it was needed.
func TestTheMixinIsWhatTheFilesHold(t *testing.T) {
	t.Parallel()
	var rules struct{ Groups []map[string]any }
	decode(t, yaml.Unmarshal, read(t, "../alerts/payple.rules.yml"), &rules)
	alerts, records := 0, 0
	for _, group := range rules.Groups {
		for _, rule := range group["rules"].([]any) {
			if _, found := rule.(map[string]any)["alert"]; found {
				alerts++
			} else {
				records++
			}
		}
	}
	dashboards := map[string]any{}
	files, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(files) == 0 || alerts == 0 {
		t.Fatal(files, alerts, err)
	}
	for _, file := range files {
		var dashboard any
		decode(t, json.Unmarshal, read(t, file), &dashboard)
		dashboards[filepath.Base(file)] = dashboard
	}
	got := evaluated(t, "mixin.libsonnet")
	// The rules record nothing, so those that alert are whole groups.
	if records > 0 || !reflect.DeepEqual(got.Alerts.Groups, rules.Groups) || len(got.Rules.Groups) != 0 {
		t.Errorf("%d alerts and %d recorded series in the file are not what the mixin has: %v, %v", alerts, records, got.Alerts, got.Rules)
	}
	if !reflect.DeepEqual(got.Dashboards, dashboards) {
		t.Errorf("the dashboards are not those of %v: each file needs a line in mixin.libsonnet", files)
	}
}

// Another repository finds the mixin where README.md says, with the files that it imports.
func TestJsonnetBundlerBringsTheMixin(t *testing.T) {
	t.Parallel()
	const address = "https://git.example.com/example/payple_exporter.git"
	source, user := t.TempDir(), t.TempDir()
	run(t, "..", nil, "git", "clone", "--quiet", ".", source)
	run(t, source, nil, "git", "checkout", "--quiet", "-B", "main")
	jb := run(t, ".", nil, "go", "tool", "-n", "jb")
	redirected := append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://"+source+".insteadOf", "GIT_CONFIG_VALUE_0="+address)
	run(t, user, redirected, jb, "init")
	run(t, user, redirected, jb, "install", address+"@main")
	vendored := evaluated(t, filepath.Join(user, "vendor/git.example.com/example/payple_exporter/mixin/mixin.libsonnet"))
	if len(vendored.Alerts.Groups) == 0 || len(vendored.Dashboards) == 0 {
		t.Errorf("vendored, the mixin is %v", vendored)
	}
}

type mixin struct {
	Alerts, Rules struct{ Groups []map[string]any }
	Dashboards    map[string]any
}

// evaluated returns what a mixin has, in the fields where all mixins have it.
func evaluated(t *testing.T, path string) mixin {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsonnet.MakeVM().EvaluateAnonymousSnippet("user.jsonnet", `local mixin = import '`+path+`';
		{ Alerts: mixin.prometheusAlerts, Rules: mixin.prometheusRules, Dashboards: mixin.grafanaDashboards }`)
	if err != nil {
		t.Fatal(err)
	}
	var m mixin
	decode(t, json.Unmarshal, []byte(text), &m)
	return m
}

func decode(t *testing.T, unmarshal func([]byte, any) error, text []byte, into any) {
	t.Helper()
	if err := unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// run runs a program in a folder and returns what it prints.
func run(t *testing.T, dir string, environment []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir, command.Env = dir, environment
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command.Args, err, output)
	}
	return strings.TrimSpace(string(output))
}
