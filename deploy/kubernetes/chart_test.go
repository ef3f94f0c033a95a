package kubernetes_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	yamlnode "go.yaml.in/yaml/v3"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var update = flag.Bool("update", false, "record what the chart renders, and write its README.md")

// chart is where people and `helm install` find it. Its rules and dashboards are links to the repository's files.
const chart = root + "/deploy/helm/payple-exporter"

// externalSecret is what the chart uses of the External Secrets operator's kind, whose Go types are in no module of their own.
type externalSecret struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`

	Spec struct {
		RefreshInterval string `json:"refreshInterval"`
		SecretStoreRef  struct {
			Name string `json:"name"`
			Kind string `json:"kind"`
		} `json:"secretStoreRef"`
		Target struct {
			Name string `json:"name"`
		} `json:"target"`
		Data []struct {
			SecretKey string `json:"secretKey"`
			RemoteRef struct {
				Key      string `json:"key"`
				Property string `json:"property"`
			} `json:"remoteRef"`
		} `json:"data"`
	} `json:"spec"`
}

func (e *externalSecret) DeepCopyObject() runtime.Object {
	c := *e
	c.Spec.Data = slices.Clone(e.Spec.Data)
	return &c
}

// helmProgram is Helm, built from this module's go.mod.
var helmProgram = sync.OnceValues(func() (string, error) {
	output, err := exec.Command("go", "tool", "-n", "helm").Output()
	return strings.TrimSpace(string(output)), err
})

// helm runs Helm without the user's own configuration, and returns what it prints.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), must(helmProgram())(t), args...)
	own := t.TempDir()
	command.Env = []string{"HELM_CACHE_HOME=" + own, "HELM_CONFIG_HOME=" + own, "HELM_DATA_HOME=" + own, "PATH=" + os.Getenv("PATH")}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s%s", err, output, stderr.String())
	}
	return string(output), err
}

// rendered returns the chart's manifests, in the order in which Helm brings them.
func rendered(t *testing.T, args ...string) [][]byte {
	t.Helper()
	output := must(helm(t, append([]string{"template", "payple", chart, "--namespace=payple", "--kube-version=1.27"}, args...)...))(t)
	var all [][]byte
	for _, text := range regexp.MustCompile(`(?m)^---\n`).Split(output, -1) {
		if strings.TrimSpace(text) != "" {
			all = append(all, []byte(text))
		}
	}
	return all
}

func decodeAll(t *testing.T, texts [][]byte) []object {
	t.Helper()
	var all []object
	for _, text := range texts {
		all = append(all, decode(t, text))
	}
	return all
}

// eachValues runs a test with each of the values in testdata/chart.
func eachValues(t *testing.T, test func(t *testing.T, values string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/chart/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			test(t, file)
		})
	}
}

func TestTheChartPassesHelmsLint(t *testing.T) {
	t.Parallel()
	eachValues(t, func(t *testing.T, values string) {
		if output, err := helm(t, "lint", "--strict", chart, "--values="+values); err != nil {
			t.Error(output, err)
		}
	})
}

// A change of a template shows as what it does to people's clusters. Rules and dashboards are compared with their files elsewhere.
func TestTheChartRendersAsRecorded(t *testing.T) {
	t.Parallel()
	eachValues(t, func(t *testing.T, values string) {
		var got []byte
		for _, text := range rendered(t, "--values="+values) {
			text = regexp.MustCompile(`(?ms)^(spec:)\n  # Generated.*|(?m)^(  payple-[a-z]+\.json: \|)\n(    .*\n?)*`).ReplaceAll(text, []byte("$1$2 # the repository's file\n"))
			got = append(append(got, "---\n"...), text...)
		}
		golden := strings.TrimSuffix(values, ".yaml") + ".golden"
		if *update {
			write(t, golden, string(got))
		}
		if want := read(t, golden); !bytes.Equal(got, want) {
			t.Errorf("not as in %s (go test -run %s -update):\n%s", golden, t.Name(), got)
		}
	})
}

// As for the kustomizations: the cluster takes every object, pods are "restricted", and the exporter takes what is mounted.
func TestTheClusterAndTheExporterTakeTheChart(t *testing.T) {
	t.Parallel()
	evaluator := must(policy.NewEvaluator(policy.DefaultChecks(), nil))(t)
	eachValues(t, func(t *testing.T, values string) {
		texts := rendered(t, "--values="+values)
		for _, text := range texts {
			if !bytes.Contains(text, []byte("\n  namespace: ")) { // Helm says it beside the manifest
				text = bytes.Replace(text, []byte("\nmetadata:\n"), []byte("\nmetadata:\n  namespace: payple\n"), 1)
			}
			for _, why := range refusals(t, text) {
				t.Errorf("%v, in\n%s", why, text)
			}
		}
		objects := decodeAll(t, texts)
		template, selector, _ := pods(t, objects)
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		if service := one[*core.Service](t, objects); !finds(t, selector, template.Labels) || !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(template.Labels)) {
			t.Errorf("selectors %v and %v do not find the pods, which have %v", selector, service.Spec.Selector, template.Labels)
		}
		if got := len(effective(t, objects)); got == 0 {
			t.Error("no merchants")
		}
		prefix := ""
		if slices.Contains(template.Spec.Containers[0].Args, "--web.external-url=https://monitoring.example.com/payple/") {
			prefix = "/payple"
		}
		for _, path := range []string{template.Spec.Containers[0].LivenessProbe.HTTPGet.Path, template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path} {
			if !strings.HasPrefix(path, prefix+"/-/") {
				t.Errorf("%s is not below the prefix %q", path, prefix)
			}
		}
	})
}

// effective returns the merchants that the exporter says it would run with, less where their keys are.
func effective(t *testing.T, objects []object) []map[string]any {
	t.Helper()
	command := exec.CommandContext(t.Context(), exporter(t), append(arguments(t, objects), "--config.check")...)
	command.Env = []string{}
	output, err := command.CombinedOutput()
	var config struct {
		Merchants []map[string]any `json:"merchants"`
	}
	if err := errors.Join(err, yaml.Unmarshal(output, &config)); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, merchant := range config.Merchants {
		if merchant["cust_key"] != "<secret>" {
			t.Errorf("merchant %v has no key", merchant["name"])
		}
		maps.DeleteFunc(merchant, func(key string, _ any) bool { return strings.HasPrefix(key, "cust_key") })
	}
	return config.Merchants
}

// Each key file that the merchants file names is one that is mounted, and no other key is.
func TestEveryMerchantsKeyIsMounted(t *testing.T) {
	t.Parallel()
	eachValues(t, func(t *testing.T, values string) {
		objects := decodeAll(t, rendered(t, "--values="+values))
		template, _, _ := pods(t, objects)
		source := volume(t, template.Spec, "custkeys")
		if source.CSI != nil {
			return // the SecretProviderClass, which is the user's, names them
		}
		made := map[string]bool{}
		for _, external := range all[*externalSecret](objects) {
			for _, entry := range external.Spec.Data {
				made[external.Spec.Target.Name+"/"+entry.SecretKey] = true
			}
		}
		var mounted, named []string
		for _, projection := range source.Projected.Sources {
			for _, item := range projection.Secret.Items {
				mounted = append(mounted, item.Path)
				if len(made) > 0 && !made[projection.Secret.Name+"/"+item.Key] {
					t.Errorf("%s of Secret %s is mounted, the ExternalSecret makes %v", item.Key, projection.Secret.Name, made)
				}
			}
		}
		for _, config := range all[*core.ConfigMap](objects) {
			for _, found := range regexp.MustCompile(`cust_key_file: /run/secrets/payple/(\S+)`).FindAllStringSubmatch(config.Data["merchants.yml"], -1) {
				named = append(named, found[1])
			}
		}
		slices.Sort(mounted)
		slices.Sort(named)
		if !slices.Equal(mounted, named) {
			t.Errorf("mounted are %v, the merchants file names %v", mounted, named)
		}
	})
}

// What Kubernetes or the exporter would only refuse in the cluster is refused before anything is changed.
func TestTheChartRefusesMistakes(t *testing.T) {
	t.Parallel()
	const merchant = `merchants=[{"cst_id":"partner1"}]`
	for _, test := range []struct{ name, set, says string }{
		{"no merchants", `hub="real"`, "merchants"},
		{"an empty list", `merchants=[]`, "minItems"},
		{"no partner id", `merchants=[{"name":"main-store"}]`, "cst_id"},
		{"a shell's variable for a partner id", `merchants=[{"cst_id":"$ID"}]`, "cst_id"},
		{"a key in the values", `merchants=[{"cst_id":"partner1","cust_key":"k"}]`, "cust_key"},
		{"a name that is no file's", `merchants=[{"cst_id":"partner1","name":"본점"}]`, "give it a key"},
		{"a hub over plain HTTP", `hub="http://hub.example"`, "hub"},
		{"a hub of no kind", `hub="live"`, "hub"},
		{"an interval without a unit", `minInterval="10"`, "minInterval"},
		{"a threshold in words", `merchants=[{"cst_id":"p","thresholds":{"warning":"5 million"}}]`, "thresholds"},
		{"a severity that is none", `merchants=[{"cst_id":"p","thresholds":{"info":1}}]`, "info"},
		{"a mistyped value", `replica=2`, "replica"},
		{"a mistyped value below another", `serviceMonitor={"enable":true}`, "enable"},
		{"a string for a number", `replicas="two"`, "replicas"},
		{"a source of keys that is none", `keys={"from":"env"}`, "from"},
		{"no store", `keys={"from":"externalSecret"}`, "secretStoreRef"},
		{"no place in the store", `keys={"from":"externalSecret","externalSecret":{"secretStoreRef":{"name":"vault"}}}`, "give it a remoteRef"},
		{"no SecretProviderClass", `keys={"from":"csi"}`, "secretProviderClass"},
		{"a prefix without a slash", `routePrefix="payple"`, "routePrefix"},
		{"an ingress that leads nowhere", `ingress={"enabled":true}`, "give it a host"},
		{"a digest cut short", `image={"digest":"sha256:0123"}`, "digest"},
		{"a policy that lets in everybody", `networkPolicy={"from":[]}`, "from"},
		{"a word for a flag", `extraArgs=["check"]`, "extraArgs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"template", "payple", chart, "--kube-version=1.27", "--set-json", test.set}
			if !strings.HasPrefix(test.set, "merchants") && test.name != "no merchants" {
				args = append(args, "--set-json", merchant)
			}
			if output, err := helm(t, args...); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want one about %s\n%s", err, test.says, output)
			}
		})
	}
}

// For what the kustomization says of its merchants the chart makes the same: there are two ways to the same exporters.
func TestChartAndKustomizationAgree(t *testing.T) {
	t.Parallel()
	var file struct {
		Hub         string           `json:"hub"`
		MinInterval string           `json:"min_interval"`
		Merchants   []map[string]any `json:"merchants"`
	}
	if err := yaml.Unmarshal(read(t, "base/merchants.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, merchant := range file.Merchants {
		delete(merchant, "cust_key_file")
	}
	values := filepath.Join(t.TempDir(), "values.yaml")
	write(t, values, asJSON(t, map[string]any{"hub": file.Hub, "minInterval": file.MinInterval, "merchants": file.Merchants}))
	chart, kustomization := matters(t, decodeAll(t, rendered(t, "--values="+values))), matters(t, build(t, "base"))
	for what, want := range kustomization {
		if got := chart[what]; asJSON(t, got) != asJSON(t, want) {
			t.Errorf("%s: the chart has\n%s\nthe kustomization\n%s", what, asJSON(t, got), asJSON(t, want))
		}
	}
	if len(chart) != len(kustomization) {
		t.Errorf("the chart has %v, the kustomization %v", slices.Sorted(maps.Keys(chart)), slices.Sorted(maps.Keys(kustomization)))
	}
}

// matters returns what two ways to the same exporters may not differ in: all but names, labels, where keys lie, and how pods are spread.
func matters(t *testing.T, objects []object) map[string]any {
	t.Helper()
	template, _, replicas := pods(t, objects)
	container := template.Spec.Containers[0]
	container.Image, container.ImagePullPolicy = "", ""
	policy := one[*networking.NetworkPolicy](t, objects).Spec
	policy.PodSelector = meta.LabelSelector{}
	monitor := one[*monitoring.ServiceMonitor](t, objects).Spec
	monitor.Selector = meta.LabelSelector{}
	dashboards := map[string]string{}
	for _, config := range all[*core.ConfigMap](objects) {
		if config.Labels["grafana_dashboard"] == "1" {
			maps.Copy(dashboards, config.Data)
		}
	}
	for name, dashboard := range dashboards { // a block in YAML ends its last line
		dashboards[name] = strings.TrimSpace(dashboard)
	}
	return map[string]any{
		"merchants":            effective(t, objects),
		"replicas":             replicas,
		"strategy":             one[*apps.Deployment](t, objects).Spec.Strategy,
		"container":            container,
		"pod's security":       template.Spec.SecurityContext,
		"token":                template.Spec.AutomountServiceAccountToken,
		"links":                template.Spec.EnableServiceLinks,
		"time to stop":         template.Spec.TerminationGracePeriodSeconds,
		"Service's ports":      one[*core.Service](t, objects).Spec.Ports,
		"ServiceMonitor":       monitor,
		"NetworkPolicy":        policy,
		"disruption":           one[*disruption.PodDisruptionBudget](t, objects).Spec.MaxUnavailable,
		"account's token":      one[*core.ServiceAccount](t, objects).AutomountServiceAccountToken,
		"rules":                one[*monitoring.PrometheusRule](t, objects).Spec,
		"dashboards, by files": dashboards,
	}
}

// In an upgrade old and new pods run side by side. Where they show other accounts under the same names, only the new ones are scraped.
func TestExportersOfOtherAccountsAreNeverScrapedTogether(t *testing.T) {
	t.Parallel()
	const before = `merchants=[{"name":"main-store","cst_id":"partner1"}]`
	deployed := decodeAll(t, rendered(t, "--set-json", before))
	old, oldSelector, _ := pods(t, deployed)
	for _, test := range []struct {
		name, set string
		together  bool
	}{
		{"nothing", before, true},
		{"thresholds", `merchants=[{"name":"main-store","cst_id":"partner1","thresholds":{"warning":"24h"}}]`, true},
		{"image", `image={"tag":"9.9.9"}`, true},
		{"flags", `extraArgs=["--log.level=debug"]`, true},
		{"partner id", `merchants=[{"name":"main-store","cst_id":"partner2"}]`, false},
		{"name", `merchants=[{"name":"second-store","cst_id":"partner1"}]`, false},
		{"key", `merchants=[{"name":"main-store","cst_id":"partner1","key":"other"}]`, false},
		{"Secret of a merchant", `merchants=[{"name":"main-store","cst_id":"partner1","secret":"other"}]`, false},
		{"Secret of all", `keys={"secret":"other"}`, false},
		{"hub", `hub="test"`, false},
		{"hub of a merchant", `merchants=[{"name":"main-store","cst_id":"partner1","hub":"test"}]`, false},
		{"source of keys", `keys={"from":"csi","csi":{"secretProviderClass":"payple"}}`, false},
		{"a merchant more", `merchants=[{"name":"main-store","cst_id":"partner1"},{"cst_id":"partner2"}]`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects := decodeAll(t, rendered(t, "--set-json", before, "--set-json", test.set))
			upgraded, selector, _ := pods(t, objects)
			service := labels.SelectorFromSet(one[*core.Service](t, objects).Spec.Selector)
			if got := service.Matches(labels.Set(old.Labels)); got != test.together || !service.Matches(labels.Set(upgraded.Labels)) {
				t.Errorf("old pods are scraped beside new ones: %v, want %v", got, test.together)
			}
			if asJSON(t, selector) != asJSON(t, oldSelector) {
				t.Errorf("the Deployment's selector would change, which Kubernetes refuses: %v", selector)
			}
			was, is := volume(t, old.Spec, "merchants").ConfigMap.Name, volume(t, upgraded.Spec, "merchants").ConfigMap.Name
			if one[*apps.Deployment](t, deployed).Name != one[*apps.Deployment](t, objects).Name || !test.together && test.name != "source of keys" && was == is &&
				asJSON(t, old.Spec) == asJSON(t, upgraded.Spec) {
				t.Error("nothing rolls out")
			}
		})
	}
}

// README.md says of each value what the schema says, with the default that is in force.
func TestTheChartsReadmeIsItsSchema(t *testing.T) {
	t.Parallel()
	var schema, values yamlnode.Node
	if err := errors.Join(yamlnode.Unmarshal(read(t, chart+"/values.schema.json"), &schema), yamlnode.Unmarshal(read(t, chart+"/values.yaml"), &values)); err != nil {
		t.Fatal(err)
	}
	table := "| value | default | meaning |\n|---|---|---|\n" + rows(t, "", schema.Content[0], values.Content[0])
	readme := string(read(t, chart+"/README.md"))
	start, end := "<!-- generated from values.schema.json: go test -C deploy/kubernetes -run Readme -update . -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(readme, start)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("no place for the table")
	}
	want := before + start + table + end + after
	if *update {
		write(t, chart+"/README.md", want)
	} else if readme != want {
		t.Errorf("the table is not that of the schema (go test -run %s -update):\n%s", t.Name(), table)
	}
}

// under returns what a mapping has under a key, or nil.
func under(node *yamlnode.Node, key string) *yamlnode.Node {
	for i := 0; node != nil && node.Kind == yamlnode.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// rows returns a line for each value below a path, in the schema's order.
func rows(t *testing.T, path string, schema, values *yamlnode.Node) string {
	t.Helper()
	text := ""
	for i, properties := 0, under(schema, "properties"); properties != nil && i+1 < len(properties.Content); i += 2 {
		name, property := properties.Content[i].Value, properties.Content[i+1]
		said, value := under(property, "description"), under(values, name)
		switch {
		case said != nil:
			standard := ""
			if !strings.Contains(path, "[]") {
				if value == nil {
					t.Fatalf("values.yaml has no %s%s", path, name)
				}
				standard = "`" + strings.TrimSpace(asJSON(t, plain(t, value))) + "`"
			}
			text += fmt.Sprintf("| `%s%s` | %s | %s |\n", path, name, standard, said.Value)
		case under(property, "properties") == nil && name != "global":
			t.Errorf("%s%s has no description", path, name)
		}
		if items := under(property, "items"); under(items, "properties") != nil {
			text += rows(t, path+name+"[].", items, nil)
		} else if said == nil {
			text += rows(t, path+name+".", property, value)
		}
	}
	return text
}

func plain(t *testing.T, node *yamlnode.Node) any {
	t.Helper()
	var value any
	if err := node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
