package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/collector"
	"payple_exporter/hub"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// README.md tells of every flag, every metric, every reason and every cause,
// and of no flag that there is not.
func TestReadmeIsComplete(t *testing.T) {
	t.Parallel()
	text := readme(t)
	var flags []string
	for _, command := range []string{"serve", "check", "simulate", "healthcheck"} {
		flags = append(flags, regexp.MustCompile(`--(?:\[no-\])?[a-z][a-z.-]+[a-z]`).FindAllString(help(t, command), -1)...)
	}
	known := make(map[string]bool)
	for _, flag := range flags {
		flag = strings.Replace(flag, "[no-]", "", 1)
		known[flag] = true
		if !strings.HasPrefix(flag, "--help") && flag != "--version" && !strings.Contains(text, "`"+flag) {
			t.Errorf("no word of %s", flag)
		}
	}
	for _, flag := range regexp.MustCompile("--[a-z]+[.][a-z.-]+[a-z]").FindAllString(text, -1) {
		if !known[flag] {
			t.Errorf("there is no %s", flag)
		}
	}
	names := []string{
		collector.NameBuildInfo, collector.NameConfigLoadSuccessful, collector.NameConfigLoadTime,
		collector.NameHubRequests, collector.NameHubRequestFailures, collector.NameHubRequestDuration, collector.NameHubResults,
	}
	for _, metric := range collector.Metrics() {
		names = append(names, metric.Name)
	}
	for _, reason := range hub.Reasons() {
		names = append(names, string(reason))
	}
	for _, cause := range collector.Causes() {
		names = append(names, cause.String())
	}
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("no word of %s", name)
		}
	}
}

func help(t *testing.T, name string) string {
	t.Helper()
	var out strings.Builder
	if code := run(t.Context(), []string{name, "--help"}, &out, io.Discard); code != exitOK {
		t.Fatalf("%s --help exits %d", name, code)
	}
	return out.String()
}

// The merchants file in README.md is the example that the tests load, but for
// the path of the key.
func TestReadmeExampleIsTheTestedOne(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("config/testdata/merchants.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, tested, _ := strings.Cut(string(example), "hub: real")
	tested = strings.Replace(tested, "testdata/partner1.custkey", "/run/secrets/partner1", 1)
	if !strings.Contains(readme(t), "hub: real"+tested) {
		t.Errorf("README.md does not hold\n%s", tested)
	}
}
