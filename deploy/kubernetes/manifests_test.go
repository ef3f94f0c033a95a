package kubernetes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringalpha "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// root is the top of the source tree, seen from here.
const root = "../.."

// overlays are the set-ups that a user may apply.
var overlays = []string{"base", "sharded", "sharded-probe"}

// object is a manifest as its API's own type.
type object interface {
	meta.Object
	runtime.Object
}

// types are the kinds that the manifests may be of.
var types = map[string]func() object{
	"v1/Namespace":                            func() object { return new(core.Namespace) },
	"v1/ServiceAccount":                       func() object { return new(core.ServiceAccount) },
	"v1/Service":                              func() object { return new(core.Service) },
	"v1/ConfigMap":                            func() object { return new(core.ConfigMap) },
	"v1/Secret":                               func() object { return new(core.Secret) },
	"apps/v1/Deployment":                      func() object { return new(apps.Deployment) },
	"apps/v1/StatefulSet":                     func() object { return new(apps.StatefulSet) },
	"policy/v1/PodDisruptionBudget":           func() object { return new(disruption.PodDisruptionBudget) },
	"networking.k8s.io/v1/NetworkPolicy":      func() object { return new(networking.NetworkPolicy) },
	"networking.k8s.io/v1/Ingress":            func() object { return new(networking.Ingress) },
	"external-secrets.io/v1/ExternalSecret":   func() object { return new(externalSecret) },
	"monitoring.coreos.com/v1/Probe":          func() object { return new(monitoring.Probe) },
	"monitoring.coreos.com/v1/PrometheusRule": func() object { return new(monitoring.PrometheusRule) },
	"monitoring.coreos.com/v1/ServiceMonitor": func() object { return new(monitoring.ServiceMonitor) },
	"monitoring.coreos.com/v1alpha1/ScrapeConfig": func() object {
		return new(monitoringalpha.ScrapeConfig)
	},
}

// decode reads a manifest as its API does in strict mode: an unknown field, or
// a value of the wrong type, is a fault.
func decode(t *testing.T, text []byte) object {
	t.Helper()
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		t.Fatal(err)
	}
	fresh, known := types[kind.APIVersion+"/"+kind.Kind]
	if !known {
		t.Fatalf("no test knows %s %s", kind.APIVersion, kind.Kind)
	}
	o := fresh()
	if err := yaml.UnmarshalStrict(text, o); err != nil {
		t.Fatalf("%s: %v", kind.Kind, err)
	}
	return o
}

// kustomize is `kustomize build`, with its default restrictions.
func kustomize(t *testing.T, overlay string) [][]byte {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", overlay, err)
	}
	var all [][]byte
	for _, resource := range built.Resources() {
		all = append(all, must(resource.AsYAML())(t))
	}
	return all
}

// build returns the objects of an overlay.
func build(t *testing.T, overlay string) []object {
	t.Helper()
	var all []object
	for _, text := range kustomize(t, overlay) {
		all = append(all, decode(t, text))
	}
	return all
}

// all returns the objects of a kind.
func all[T object](objects []object) []T {
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// one returns the only object of a kind.
func one[T object](t *testing.T, objects []object) T {
	t.Helper()
	found := all[T](objects)
	if len(found) != 1 {
		t.Fatalf("%d objects %T, want one", len(found), *new(T))
	}
	return found[0]
}

// pods returns the template of the exporter's pods, and how many there are.
func pods(t *testing.T, objects []object) (template core.PodTemplateSpec, selector *meta.LabelSelector, replicas int) {
	t.Helper()
	if sets := all[*apps.StatefulSet](objects); len(sets) == 1 {
		return sets[0].Spec.Template, sets[0].Spec.Selector, int(*sets[0].Spec.Replicas)
	}
	deployment := one[*apps.Deployment](t, objects)
	return deployment.Spec.Template, deployment.Spec.Selector, int(*deployment.Spec.Replicas)
}

func each(t *testing.T, test func(t *testing.T, objects []object)) {
	t.Helper()
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			test(t, build(t, overlay))
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	return must(os.ReadFile(path))(t)
}

// must gives the value of a call, or ends the test.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Every object lands in the one namespace, and none replaces a user's keys.
func TestEveryObjectIsOneThatItsAPIKnows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, objects []object) {
		if len(objects) < 12 {
			t.Errorf("%d objects", len(objects))
		}
		for _, o := range objects {
			switch o := o.(type) {
			case *core.Namespace:
				if o.Name != "payple" {
					t.Errorf("namespace %s", o.Name)
				}
				continue
			case *core.Secret:
				t.Errorf("Secret %s would overwrite that of whoever applies this", o.Name)
			}
			if o.GetNamespace() != "payple" {
				t.Errorf("%T %s is in namespace %q", o, o.GetName(), o.GetNamespace())
			}
		}
	})
}

// The profile "restricted" of Kubernetes' own admission, newest version.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	evaluator := must(policy.NewEvaluator(policy.DefaultChecks(), nil))(t)
	each(t, func(t *testing.T, objects []object) {
		template, _, _ := pods(t, objects)
		level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		for _, result := range evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		container := template.Spec.Containers[0]
		if !*container.SecurityContext.ReadOnlyRootFilesystem {
			t.Error("the pod may write to its root")
		}
		if *template.Spec.AutomountServiceAccountToken || *one[*core.ServiceAccount](t, objects).AutomountServiceAccountToken {
			t.Error("the pod is given a token of the cluster's API")
		}
		if got := one[*core.Namespace](t, objects).Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
			t.Errorf("the namespace enforces %q", got)
		}
	})
}

// The pod gets what the image was proved with, and time to finish scrapes.
func TestThePodFitsTheProgram(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, objects []object) {
		template, _, _ := pods(t, objects)
		container := template.Spec.Containers[0]
		if limit := container.Resources.Limits.Memory().Value(); limit != 64<<20 {
			t.Errorf("memory limit %d: the image is proved with 64 MiB", limit)
		}
		if !slices.Contains(container.Env, core.EnvVar{Name: "GOMEMLIMIT", Value: "56MiB"}) {
			t.Errorf("GOMEMLIMIT is not a little under the limit: %v", container.Env)
		}
		for what, probe := range map[string]*core.Probe{"liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
			if probe.HTTPGet.Port != intstr.FromString(container.Ports[0].Name) {
				t.Errorf("the %s probe asks port %s, which no container has", what, probe.HTTPGet.Port.String())
			}
		}
		if grace := *template.Spec.TerminationGracePeriodSeconds; grace <= 30 {
			t.Errorf("%d s to stop: scrapes under way may take 30", grace)
		}
		dockerfile := string(read(t, root+"/Dockerfile"))
		for _, line := range []string{
			fmt.Sprintf("\nUSER %d:%d\n", *template.Spec.SecurityContext.RunAsUser, *template.Spec.SecurityContext.RunAsGroup),
			fmt.Sprintf("\nEXPOSE %d\n", container.Ports[0].ContainerPort),
		} {
			if !strings.Contains(dockerfile, line) {
				t.Errorf("the Dockerfile does not say%s", line)
			}
		}
	})
}

// A selector that matches nothing is no error to Kubernetes.
func TestEverySelectorFindsItsObject(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, objects []object) {
		template, own, replicas := pods(t, objects)
		anti := template.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector
		budget := one[*disruption.PodDisruptionBudget](t, objects)
		for what, selector := range map[string]*meta.LabelSelector{
			"the workload": own, "the anti-affinity": anti, "the disruption budget": budget.Spec.Selector,
			"the network policy": &one[*networking.NetworkPolicy](t, objects).Spec.PodSelector,
		} {
			if !finds(t, selector, template.Labels) {
				t.Errorf("%s does not select the exporter's pods", what)
			}
		}
		if missing := budget.Spec.MaxUnavailable; *missing != intstr.FromInt32(1) || replicas < 2 {
			t.Errorf("of %d pods %v may be missing", replicas, missing)
		}
		monitor, monitored := one[*monitoring.ServiceMonitor](t, objects), 0
		for _, service := range all[*core.Service](objects) {
			if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(template.Labels)) {
				t.Errorf("Service %s does not select the exporter's pods", service.Name)
			}
			if port := service.Spec.Ports[0]; port.TargetPort.StrVal != template.Spec.Containers[0].Ports[0].Name {
				t.Errorf("Service %s leads to port %v", service.Name, port.TargetPort)
			}
			if finds(t, &monitor.Spec.Selector, service.Labels) {
				monitored++
				if monitor.Spec.Endpoints[0].Port != service.Spec.Ports[0].Name {
					t.Errorf("the ServiceMonitor scrapes port %s of Service %s", monitor.Spec.Endpoints[0].Port, service.Name)
				}
			}
		}
		if monitored != 1 {
			t.Errorf("the ServiceMonitor finds every exporter %d times", monitored)
		}
	})
}

func finds(t *testing.T, selector *meta.LabelSelector, of map[string]string) bool {
	t.Helper()
	compiled := must(meta.LabelSelectorAsSelector(selector))(t)
	return !compiled.Empty() && compiled.Matches(labels.Set(of))
}

// In come scrapes from Prometheus' namespace alone; out go names to the
// cluster's own servers, and HTTPS to all but nodes' metadata services. A peer
// more, or an exception less, opens what nothing else would notice: so this is
// the whole of it.
func TestTheNetworkPolicyAllowsNoMore(t *testing.T) {
	t.Parallel()
	selecting := func(label, value string) *meta.LabelSelector {
		return &meta.LabelSelector{MatchLabels: map[string]string{label: value}}
	}
	port := func(protocol core.Protocol, number intstr.IntOrString) networking.NetworkPolicyPort {
		return networking.NetworkPolicyPort{Protocol: &protocol, Port: &number}
	}
	want := networking.NetworkPolicySpec{
		PodSelector: *selecting("app.kubernetes.io/name", "payple-exporter"),
		PolicyTypes: []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress},
		Ingress: []networking.NetworkPolicyIngressRule{{
			From:  []networking.NetworkPolicyPeer{{NamespaceSelector: selecting("kubernetes.io/metadata.name", "monitoring")}},
			Ports: []networking.NetworkPolicyPort{port(core.ProtocolTCP, intstr.FromString("http"))},
		}},
		Egress: []networking.NetworkPolicyEgressRule{{
			To: []networking.NetworkPolicyPeer{{
				NamespaceSelector: selecting("kubernetes.io/metadata.name", "kube-system"),
				PodSelector:       selecting("k8s-app", "kube-dns"),
			}},
			Ports: []networking.NetworkPolicyPort{port(core.ProtocolUDP, intstr.FromInt32(53)), port(core.ProtocolTCP, intstr.FromInt32(53))},
		}, {
			To: []networking.NetworkPolicyPeer{
				{IPBlock: &networking.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"169.254.0.0/16"}}},
				{IPBlock: &networking.IPBlock{CIDR: "::/0", Except: []string{"fe80::/10", "fd00:ec2::254/128"}}},
			},
			Ports: []networking.NetworkPolicyPort{port(core.ProtocolTCP, intstr.FromInt32(443))},
		}},
	}
	each(t, func(t *testing.T, objects []object) {
		if got := one[*networking.NetworkPolicy](t, objects).Spec; asJSON(t, got) != asJSON(t, want) {
			t.Errorf("the policy allows\n%s\nwant\n%s", asJSON(t, got), asJSON(t, want))
		}
	})
}

// The rules are those of the rules file, to the last annotation.
func TestRulesAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	var want monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(read(t, root+"/alerts/payple.rules.yml"), &want); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, objects []object) {
		got := one[*monitoring.PrometheusRule](t, objects).Spec
		if len(got.Groups) == 0 || asJSON(t, got) != asJSON(t, want) {
			t.Errorf("the PrometheusRule differs from alerts/payple.rules.yml:\n%s\n%s", asJSON(t, got), asJSON(t, want))
		}
	})
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	return string(must(json.Marshal(value))(t))
}

// lastApplied is the size of the annotation in which kubectl apply keeps an
// object, at most.
const lastApplied = 256 << 10

func TestEveryDashboardIsAConfigMap(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	each(t, func(t *testing.T, objects []object) {
		found := map[string]bool{}
		for _, config := range all[*core.ConfigMap](objects) {
			if config.Labels["grafana_dashboard"] != "1" {
				continue
			}
			for name, content := range config.Data {
				found[name] = content == string(read(t, root+"/dashboards/"+name))
			}
			if size := len(asJSON(t, config)); size >= lastApplied {
				t.Errorf("ConfigMap %s is %d bytes: kubectl apply refuses it", config.Name, size)
			}
		}
		for _, file := range files {
			if !found[filepath.Base(file)] {
				t.Errorf("%s is in no ConfigMap as it is", file)
			}
		}
		if len(found) != len(files) {
			t.Errorf("dashboards: %v", found)
		}
	})
}

// The example is a Secret, holds no key, and names those that the merchants
// file wants.
func TestTheExampleSecretIsOne(t *testing.T) {
	t.Parallel()
	secret, ok := decode(t, read(t, "secret.example.yaml")).(*core.Secret)
	if !ok {
		t.Fatal("not a Secret")
	}
	template, _, _ := pods(t, build(t, "base"))
	if mounted := volume(t, template.Spec, "custkeys").Secret.SecretName; mounted != secret.Name {
		t.Errorf("the pod mounts Secret %s, the example is called %s", mounted, secret.Name)
	}
	for name, value := range secret.StringData {
		if value != "PUT-THE-CUSTKEY-HERE" {
			t.Errorf("%s: not the placeholder", name)
		}
		if !bytes.Contains(read(t, "base/merchants.yml"), []byte("/run/secrets/payple/"+name+"\n")) {
			t.Errorf("no merchant has the key %s", name)
		}
	}
}

// volume returns where a volume comes from.
func volume(t *testing.T, pod core.PodSpec, name string) core.VolumeSource {
	t.Helper()
	for _, v := range pod.Volumes {
		if v.Name == name {
			return v.VolumeSource
		}
	}
	t.Fatalf("no volume %s", name)
	return core.VolumeSource{}
}

// Each shard has an exporter: the modulus is the number of replicas, and the
// address is one that the StatefulSet and its Service give.
func TestShardsAreTheReplicas(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"sharded", "sharded-probe"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			objects := build(t, overlay)
			set := one[*apps.StatefulSet](t, objects)
			headless := false
			for _, service := range all[*core.Service](objects) {
				headless = headless || service.Name == set.Spec.ServiceName && service.Spec.ClusterIP == core.ClusterIPNone
			}
			if !headless {
				t.Errorf("no headless Service %s gives the exporters their addresses", set.Spec.ServiceName)
			}
			address := fmt.Sprintf("%s-$1.%s.%s.svc:%d", set.Name, set.Spec.ServiceName, set.Namespace, set.Spec.Template.Spec.Containers[0].Ports[0].ContainerPort)
			modulus, addresses := 0, []string{}
			for _, rule := range relabelings(t, objects) {
				if rule.Modulus != 0 {
					modulus = int(rule.Modulus)
				}
				if rule.TargetLabel == "__address__" {
					addresses = append(addresses, *rule.Replacement)
				}
			}
			if modulus != int(*set.Spec.Replicas) || !slices.Equal(addresses, []string{address}) {
				t.Errorf("modulus %d and addresses %v, for %s replicas at %s", modulus, addresses, strconv.Itoa(int(*set.Spec.Replicas)), address)
			}
			if got := one[*monitoring.ServiceMonitor](t, objects).Spec.Endpoints[0].Params["collect[]"]; !slices.Equal(got, []string{"exporter"}) {
				t.Errorf("a scrape of an exporter's own metrics has collect[]=%v: it would ask the hub for all merchants", got)
			}
		})
	}
}

// relabelings returns the rules of whatever names the merchants.
func relabelings(t *testing.T, objects []object) []monitoring.RelabelConfig {
	t.Helper()
	if probes := all[*monitoring.Probe](objects); len(probes) == 1 {
		return probes[0].Spec.Targets.StaticConfig.RelabelConfigs
	}
	return one[*monitoringalpha.ScrapeConfig](t, objects).Spec.RelabelConfigs
}
