package config_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"payple_exporter/internal/config"
)

// A configuration that cannot be loaded changes nothing, and is told by the
// error, the log and a gauge; the time of the one in force stays.
func TestReloaderKeepsTheLastGoodConfiguration(t *testing.T) {
	t.Parallel()
	var (
		applied []time.Duration
		loaded  config.Config
		fault   error
		now     = time.Unix(1_700_000_000, 0)
		text    bytes.Buffer
	)
	reloader := config.NewReloader(
		func() (config.Config, error) { return loaded, fault },
		func(next config.Config) { applied = append(applied, next.MinInterval) },
		log.NewLogfmtLogger(&text), func() time.Time { return now })
	expect := func(step string, successful, at string, times int) {
		t.Helper()
		want := `
# HELP payple_exporter_config_last_reload_success_timestamp_seconds When the configuration in force was loaded, in seconds since the epoch.
# TYPE payple_exporter_config_last_reload_success_timestamp_seconds gauge
payple_exporter_config_last_reload_success_timestamp_seconds ` + at + `
# HELP payple_exporter_config_last_reload_successful 1 if the latest attempt to load the configuration succeeded, else 0.
# TYPE payple_exporter_config_last_reload_successful gauge
payple_exporter_config_last_reload_successful ` + successful + "\n"
		if err := testutil.CollectAndCompare(reloader, strings.NewReader(want)); err != nil {
			t.Errorf("%s: %v", step, err)
		}
		if len(applied) != times {
			t.Errorf("%s: applied %d times, want %d", step, len(applied), times)
		}
	}
	reloader.Start(config.Config{MinInterval: time.Second})
	expect("started", "1", "1.7e+09", 1)

	now, fault = now.Add(time.Hour), errors.New("merchants.yml:3: unknown key")
	if err := reloader.Reload(); !errors.Is(err, fault) {
		t.Errorf("the reason is lost: %v", err)
	}
	expect("refused", "0", "1.7e+09", 1)
	if !strings.Contains(text.String(), "merchants.yml:3: unknown key") {
		t.Errorf("the log does not tell why: %s", text.String())
	}

	loaded, fault = config.Config{MinInterval: time.Minute, Warnings: []string{"a key in quotes"}}, nil
	if err := reloader.Reload(); err != nil {
		t.Error(err)
	}
	expect("mended", "1", "1.7000036e+09", 2)
	if applied[1] != time.Minute {
		t.Errorf("applied %v", applied)
	}
	if !strings.Contains(text.String(), `level=warn msg="a key in quotes"`) {
		t.Errorf("the log does not warn: %s", text.String())
	}
	if problems, err := testutil.CollectAndLint(reloader); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}
