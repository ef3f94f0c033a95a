package kubernetes_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringalpha "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// built is the exporter of this source tree.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "payple_exporter")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "payple_exporter")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = root
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func exporter(t *testing.T) string { t.Helper(); return must(built())(t) }

// arguments returns the container's arguments, with what is mounted laid out
// in a folder of the test: the merchants file, and a key for every merchant.
func arguments(t *testing.T, objects []object) []string {
	t.Helper()
	template, _, _ := pods(t, objects)
	container := template.Spec.Containers[0]
	dir := t.TempDir()
	merchants := volume(t, template.Spec, "merchants").ConfigMap
	content := ""
	for _, config := range all[*core.ConfigMap](objects) {
		if config.Name == merchants.Name {
			content = config.Data["merchants.yml"]
		}
	}
	keys := mountPath(t, container, "custkeys")
	for _, found := range regexp.MustCompile(`(?m)cust_key_file: `+regexp.QuoteMeta(keys)+`/(\S+)$`).FindAllStringSubmatch(content, -1) {
		write(t, filepath.Join(dir, found[1]), "a-key-of-no-partner\n")
	}
	write(t, filepath.Join(dir, "merchants.yml"), strings.ReplaceAll(content, keys, dir))
	var args []string
	for _, arg := range container.Args {
		args = append(args, strings.ReplaceAll(arg, mountPath(t, container, "merchants"), dir))
	}
	return args
}

func mountPath(t *testing.T, container core.Container, name string) string {
	t.Helper()
	for _, mount := range container.VolumeMounts {
		if mount.Name == name {
			if !mount.ReadOnly || mount.SubPath != "" {
				t.Errorf("%s is mounted so that it can be written to, or does not follow changes: %+v", name, mount)
			}
			return mount.MountPath
		}
	}
	t.Fatalf("%s is not mounted", name)
	return ""
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// The exporter takes its arguments and the file that is mounted, and finds a
// key where each merchant's is to be.
func TestTheExporterTakesItsConfiguration(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, objects []object) {
		command := exec.CommandContext(t.Context(), exporter(t), append(arguments(t, objects), "--config.check")...)
		command.Env = []string{}
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		var effective struct {
			MinInterval string           `json:"min_interval"`
			Merchants   []map[string]any `json:"merchants"`
		}
		if err := yaml.Unmarshal(output, &effective); err != nil || len(effective.Merchants) < 2 {
			t.Fatalf("%v\n%s", err, output)
		}
		for _, merchant := range effective.Merchants {
			if merchant["cust_key"] != "<secret>" {
				t.Errorf("merchant %v has no key", merchant["name"])
			}
		}
		interval := must(time.ParseDuration(effective.MinInterval))(t)
		for what, scrapes := range intervals(objects) {
			if every, err := time.ParseDuration(string(scrapes)); err != nil || every <= interval {
				t.Errorf("%s scrapes every %s, a merchant is asked every %s: every other scrape would show old figures", what, scrapes, interval)
			}
		}
	})
}

// intervals returns how often each object has Prometheus scrape.
func intervals(objects []object) map[string]monitoring.Duration {
	found := map[string]monitoring.Duration{}
	for _, monitor := range all[*monitoring.ServiceMonitor](objects) {
		found["the ServiceMonitor"] = monitor.Spec.Endpoints[0].Interval
	}
	for _, probe := range all[*monitoring.Probe](objects) {
		found["the Probe"] = probe.Spec.Interval
	}
	for _, config := range all[*monitoringalpha.ScrapeConfig](objects) {
		found["the ScrapeConfig"] = *config.Spec.ScrapeInterval
	}
	return found
}

// serving runs the exporter of an overlay and returns its address.
func serving(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), exporter(t), append(args, "--web.listen-address=127.0.0.1:0")...)
	command.Env = []string{}
	stderr := must(command.StderrPipe())(t)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	address, log := regexp.MustCompile(`msg="Listening on" address=(\S+)`), ""
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		log += lines.Text() + "\n"
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			go func() {
				for lines.Scan() {
				}
			}()
			return found[1]
		}
	}
	t.Fatalf("the exporter does not listen:\n%s", log)
	return ""
}

// Every path that a manifest names is one that the exporter answers.
func TestEveryPathIsTheExporters(t *testing.T) {
	t.Parallel()
	address := serving(t, "--demo")
	each(t, func(t *testing.T, objects []object) {
		template, _, _ := pods(t, objects)
		container := template.Spec.Containers[0]
		paths := []string{container.LivenessProbe.HTTPGet.Path, container.ReadinessProbe.HTTPGet.Path}
		for _, monitor := range all[*monitoring.ServiceMonitor](objects) {
			query := url.Values{}
			maps.Copy(query, monitor.Spec.Endpoints[0].Params)
			paths = append(paths, monitor.Spec.Endpoints[0].Path+"?"+query.Encode())
		}
		for _, probe := range all[*monitoring.Probe](objects) {
			paths = append(paths, probe.Spec.ProberSpec.Path+"?target=healthy&merchant=healthy")
		}
		for _, path := range paths {
			response, err := http.Get("http://" + address + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s: HTTP %d", path, response.StatusCode)
			}
		}
	})
}

// Prometheus itself says which exporter each merchant is asked of, from the
// configuration that the operator makes of the manifest.
func TestEachMerchantHasOneExporter(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("PAYPLE_EXPORTER_E2E") == "required" {
			t.Fatal(err)
		}
		t.Skip("promtool is missing: install it (Debian: apt-get install prometheus)")
	}
	for _, overlay := range []string{"sharded", "sharded-probe"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			objects := build(t, overlay)
			config := filepath.Join(t.TempDir(), "prometheus.yml")
			write(t, config, operators(t, objects))
			output, err := exec.CommandContext(t.Context(), promtool, "check", "service-discovery", "--timeout=3s", config, "payple").Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			var targets []struct{ Labels map[string]string }
			if err := json.Unmarshal(output, &targets); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			var merchants []string
			for _, target := range targets {
				merchants = append(merchants, target.Labels["merchant"])
				valid := regexp.MustCompile(`^payple-exporter-[012]\.payple-exporter-shards\.payple\.svc:10911$`)
				if l := target.Labels; l["__metrics_path__"] != "/probe" || l["__param_merchant"] != l["merchant"] || !valid.MatchString(l["__address__"]) ||
					l["instance"] != l["__address__"] || l["job"] != "payple" {
					t.Errorf("target %v", l)
				}
			}
			slices.Sort(merchants)
			if want := []string{"main-store", "second-store"}; !slices.Equal(merchants, want) {
				t.Errorf("scraped: %v, want %v", merchants, want)
			}
		})
	}
}

// operators returns the configuration that the Prometheus operator makes of a
// ScrapeConfig or a Probe: its own rules, then those of the manifest.
func operators(t *testing.T, objects []object) string {
	t.Helper()
	job := map[string]any{"job_name": "payple"}
	var rules []map[string]any
	if probes := all[*monitoring.Probe](objects); len(probes) == 1 {
		spec := probes[0].Spec
		job["metrics_path"] = spec.ProberSpec.Path
		job["static_configs"] = []any{map[string]any{"targets": spec.Targets.StaticConfig.Targets}}
		rules = append(rules,
			map[string]any{"source_labels": []string{"__address__"}, "target_label": "__param_target"},
			map[string]any{"source_labels": []string{"__param_target"}, "target_label": "instance"},
			map[string]any{"target_label": "__address__", "replacement": spec.ProberSpec.URL})
	} else {
		address := serving(t, arguments(t, objects)...)
		job["http_sd_configs"] = []any{map[string]any{"url": "http://" + address + "/sd"}}
	}
	for _, rule := range relabelings(t, objects) {
		made := map[string]any{"action": strings.ToLower(rule.Action), "target_label": rule.TargetLabel}
		if rule.SourceLabels != nil {
			made["source_labels"] = rule.SourceLabels
		}
		if rule.Modulus != 0 {
			made["modulus"] = rule.Modulus
		}
		if rule.Replacement != nil {
			made["replacement"] = *rule.Replacement
		}
		rules = append(rules, made)
	}
	job["relabel_configs"] = rules
	return string(must(yaml.Marshal(map[string]any{"scrape_configs": []any{job}}))(t))
}

// The ScrapeConfig asks for the merchants where the exporter lists them, by
// the Service that is there.
func TestDiscoveryAsksTheService(t *testing.T) {
	t.Parallel()
	objects := build(t, "sharded")
	services := map[string]bool{}
	for _, service := range all[*core.Service](objects) {
		services[fmt.Sprintf("http://%s.%s.svc:%d/sd", service.Name, service.Namespace, service.Spec.Ports[0].Port)] = true
	}
	for _, discovery := range one[*monitoringalpha.ScrapeConfig](t, objects).Spec.HTTPSDConfigs {
		if !services[string(discovery.URL)] {
			t.Errorf("%s is none of %v", discovery.URL, services)
		}
	}
}
