package config_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"payple_exporter/hub"
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

// By itself a configuration is taken up when it has changed, once; one that is
// refused is told of once, too, and what is mended is taken up, even if it is as
// before.
func TestWatchReloadsWhatHasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			mu      sync.Mutex // a timer of the bubble orders nothing that was written before it
			loaded  config.Config
			fault   error
			applied int
			text    bytes.Buffer
		)
		merchant := func(source string, warning hub.Won) config.Config {
			return config.Config{MinInterval: time.Second, Merchants: []config.Merchant{{
				Name: "store", CstID: "store", Key: hub.EnvKey(source, func(string) string { return "k" }),
				Thresholds: config.Levels{config.Warning: {{Kind: config.Amount, Value: float64(warning)}}},
			}}}
		}
		load := func() (config.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			return loaded, fault
		}
		apply := func(config.Config) {
			mu.Lock()
			defer mu.Unlock()
			applied++
		}
		logger := log.LoggerFunc(func(keyvals ...any) error {
			mu.Lock()
			defer mu.Unlock()
			return log.NewLogfmtLogger(&text).Log(keyvals...)
		})
		reloader := config.NewReloader(load, apply, logger, time.Now)
		loaded = merchant("A", 1)
		reloader.Start(loaded)
		go reloader.Watch(t.Context(), 30*time.Second)
		for _, step := range []struct {
			name    string
			next    config.Config
			fault   error
			applied int // times, so far
			errors  int
		}{
			{"nothing", merchant("A", 1), nil, 1, 0},
			{"a threshold", merchant("A", 2), nil, 2, 0},
			{"where a key comes from", merchant("B", 2), nil, 3, 0},
			{"a merchant more", config.Config{MinInterval: time.Second, Merchants: append(merchant("B", 2).Merchants, merchant("C", 3).Merchants...)}, nil, 4, 0},
			{"the interval", config.Config{MinInterval: time.Minute}, nil, 5, 0},
			{"authorities", config.Config{MinInterval: time.Minute, Roots: x509.NewCertPool()}, nil, 6, 0},
			{"a mistake", config.Config{}, errors.New("a mistake"), 6, 1},
			{"another", config.Config{}, errors.New("another"), 6, 2},
			{"mended", config.Config{MinInterval: time.Minute, Roots: x509.NewCertPool()}, nil, 7, 2},
		} {
			mu.Lock()
			loaded, fault = step.next, step.fault
			mu.Unlock()
			time.Sleep(5 * 30 * time.Second) // on the bubble's clock
			synctest.Wait()
			if told := strings.Count(text.String(), "level=error"); applied != step.applied || told != step.errors {
				t.Errorf("%s: applied %d times, want %d; %d errors are logged, want %d:\n%s", step.name, applied, step.applied, told, step.errors, text.String())
			}
		}
	})
}
