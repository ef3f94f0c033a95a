package kubernetes_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/pod"
	serverapps "k8s.io/kubernetes/pkg/apis/apps"
	serverappsv1 "k8s.io/kubernetes/pkg/apis/apps/v1"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	servercore "k8s.io/kubernetes/pkg/apis/core"
	servercorev1 "k8s.io/kubernetes/pkg/apis/core/v1"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	servernetworking "k8s.io/kubernetes/pkg/apis/networking"
	servernetworkingv1 "k8s.io/kubernetes/pkg/apis/networking/v1"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	serverpolicy "k8s.io/kubernetes/pkg/apis/policy"
	serverpolicyv1 "k8s.io/kubernetes/pkg/apis/policy/v1"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// What the manifests' types allow and a cluster does not: values of a closed
// set, names, patterns, and what must fit together within one object.
func TestTheClusterTakesEveryObject(t *testing.T) {
	t.Parallel()
	manifests := map[string][][]byte{"secret.example.yaml": {read(t, "secret.example.yaml")}}
	for _, overlay := range overlays {
		manifests[overlay] = kustomize(t, overlay)
	}
	for name, texts := range manifests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range texts {
				for _, why := range refusals(t, text) {
					t.Errorf("%v, in\n%s", why, text)
				}
			}
		})
	}
}

// A check that let everything pass would look the same as one that finds
// nothing: one mistake of each sort, and where it must be found.
func TestTheClusterRefusesMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, right, wrong, field string }{
		{"namespace", "name: payple", "name: Payple", "metadata.name:"},
		{"namespace", "enforce: restricted", "enforce: re/stricted", "metadata.labels"},
		{"serviceaccount", "name: payple-exporter", "name: payple_exporter", "metadata.name:"},
		{"service", "port: 10911", "port: 109110", "spec.ports[0].port"},
		{"service", "targetPort: http", "targetPort: ht_tp", "spec.ports[0].targetPort"},
		{"service", "  ports:", "  sessionAffinity: Client\n  ports:", "spec.sessionAffinity"},
		{"deployment", "replicas: 2", "replicas: -2", "spec.replicas"},
		{"deployment", "type: RollingUpdate", "type: RollingUpdat", "spec.strategy"},
		{"deployment", "      app.kubernetes.io/name: payple-exporter\n  strategy", "      app.kubernetes.io/name: exporter\n  strategy", "spec.template.metadata.labels"},
		{"deployment", "image: payple_exporter", "image: payple_exporter\n          imagePullPolicy: Sometimes", "containers[0].imagePullPolicy"},
		{"deployment", "type: RuntimeDefault", "type: Default", "seccompProfile"},
		{"deployment", "weight: 100", "weight: 101", "[0].weight"},
		{"deployment", "path: /-/healthy, port: http", "path: /-/healthy, port: ''", "livenessProbe.httpGet.port"},
		{"deployment", "periodSeconds: 5", "periodSeconds: -5", "readinessProbe.periodSeconds"},
		{"deployment", "memory: 32Mi", "memory: 32Gi", "resources.requests"},
		{"deployment", "cpu: 10m", "cpus: 10m", "resources.requests[cpus]"},
		{"deployment", "name: merchants, mountPath", "name: merchant, mountPath", "volumeMounts[0].name"},
		{"deployment", "mountPath: /run/secrets/payple", "mountPath: /etc/payple_exporter", "volumeMounts[1].mountPath"},
		{"deployment", "defaultMode: 0440", "defaultMode: 1440", "secret.defaultMode"},
		{"poddisruptionbudget", "maxUnavailable: 1", "maxUnavailable: 1\n  minAvailable: 1", "spec"},
		{"poddisruptionbudget", "maxUnavailable: 1", "maxUnavailable: one", "spec.maxUnavailable"},
		{"networkpolicy", "[Ingress, Egress]", "[Ingress, Outgress]", "spec.policyTypes[1]"},
		{"networkpolicy", "protocol: UDP", "protocol: UPD", "ports[0].protocol"},
		{"networkpolicy", "169.254.0.0/16", "169.254.0.0", "ipBlock.except[0]"},
		{"servicemonitor", "interval: 30s", "interval: 30", "spec.endpoints[0].interval"},
		{"servicemonitor", "interval: 30s", "interval: 30s\n      scheme: gopher", "spec.endpoints[0].scheme"},
		{"servicemonitor", "  endpoints:", "  endpoint:", "spec.endpoints"},
		{"../sharded-probe/probe", "action: hashmod", "action: hashmodule", "relabelingConfigs[2].action"},
		{"../sharded-probe/probe", "scrapeTimeout: 10s", "scrapeTimeout: ten", "spec.scrapeTimeout"},
		{"../sharded/scrapeconfig", "action: hashmod", "action: hash", "spec.relabelings[0].action"},
		{"../sharded/scrapeconfig", "refreshInterval: 1m", "refreshInterval: 1 m", "spec.httpSDConfigs[0].refreshInterval"},
		{"../sharded/scrapeconfig", "url: http:", "url: gopher:", "spec.httpSDConfigs[0].url"},
		{"../../../alerts/prometheusrule", "for: 1m", "for: 1minute", "for"},
	} {
		t.Run(test.wrong, func(t *testing.T) {
			t.Parallel()
			text := read(t, "base/"+test.file+".yaml")
			mistaken := bytes.Replace(text, []byte(test.right), []byte(test.wrong), 1)
			if bytes.Equal(mistaken, text) {
				t.Fatalf("%s does not hold %q", test.file, test.right)
			}
			// Where the kustomization puts all that can be in one.
			mistaken = bytes.Replace(mistaken, []byte("\nmetadata:\n"), []byte("\nmetadata:\n  namespace: payple\n"), 1)
			why := refusals(t, mistaken)
			if !slices.ContainsFunc(why, func(err error) bool { return strings.Contains(err.Error(), test.field) }) {
				t.Errorf("refused for %v, want one about %s", why, test.field)
			}
		})
	}
}

// refusals tells why a cluster with the Prometheus operator would not take a
// manifest.
func refusals(t *testing.T, text []byte) []error {
	t.Helper()
	if bytes.Contains(text, []byte("apiVersion: monitoring.coreos.com/")) {
		return operatorRefusals(t, text)
	}
	o := decode(t, text)
	if _, external := o.(*externalSecret); external {
		return nil // its own controller looks closer
	}
	var why []error
	for _, err := range serverRefusals(t, o) {
		why = append(why, err)
	}
	return why
}

// server is the API server's knowledge of its kinds: what it takes a field
// that is left out for, its own form of each, and the checks that are declared
// beside the fields.
var server = sync.OnceValues(func() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	var faults []error
	for _, add := range []func(*runtime.Scheme) error{
		servercore.AddToScheme, servercorev1.AddToScheme, servercorev1.RegisterValidations,
		serverapps.AddToScheme, serverappsv1.AddToScheme, serverappsv1.RegisterValidations,
		servernetworking.AddToScheme, servernetworkingv1.AddToScheme, servernetworkingv1.RegisterValidations,
		serverpolicy.AddToScheme, serverpolicyv1.AddToScheme, serverpolicyv1.RegisterValidations,
	} {
		faults = append(faults, add(scheme))
	}
	return scheme, errors.Join(faults...)
})

// serverRefusals asks the API server's own code, as it is asked when an object
// is created: first its declared checks, then those of its kind.
func serverRefusals(t *testing.T, o object) field.ErrorList {
	t.Helper()
	scheme := must(server())(t)
	scheme.Default(o)
	declared := scheme.Validate(t.Context(), nil, o)
	switch o := o.(type) {
	case *core.Namespace:
		return append(declared, corevalidation.ValidateNamespace(converted(t, scheme, o, &servercore.Namespace{}))...)
	case *core.ServiceAccount:
		return append(declared, corevalidation.ValidateServiceAccount(converted(t, scheme, o, &servercore.ServiceAccount{}))...)
	case *core.Service:
		service := converted(t, scheme, o, &servercore.Service{})
		if service.Spec.ClusterIP != "" { // the server does so before it looks
			service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
		}
		return append(declared, corevalidation.ValidateServiceCreate(service)...)
	case *core.ConfigMap:
		return append(declared, corevalidation.ValidateConfigMap(converted(t, scheme, o, &servercore.ConfigMap{}))...)
	case *core.Secret:
		return append(declared, corevalidation.ValidateSecret(converted(t, scheme, o, &servercore.Secret{}))...)
	case *apps.Deployment:
		deployment := converted(t, scheme, o, &serverapps.Deployment{})
		options := pod.GetValidationOptionsFromPodTemplate(&deployment.Spec.Template, nil)
		return append(declared, appsvalidation.ValidateDeployment(deployment, options)...)
	case *apps.StatefulSet:
		set := converted(t, scheme, o, &serverapps.StatefulSet{})
		options := pod.GetValidationOptionsFromPodTemplate(&set.Spec.Template, nil)
		return append(declared, appsvalidation.ValidateStatefulSet(set, appsvalidation.StatefulSetValidationOptions{}, options)...)
	case *disruption.PodDisruptionBudget:
		budget := converted(t, scheme, o, &serverpolicy.PodDisruptionBudget{})
		return append(declared, policyvalidation.ValidatePodDisruptionBudget(budget, policyvalidation.PodDisruptionBudgetValidationOptions{})...)
	case *networking.NetworkPolicy:
		rules := converted(t, scheme, o, &servernetworking.NetworkPolicy{})
		return append(declared, networkingvalidation.ValidateNetworkPolicy(rules, networkingvalidation.NetworkPolicyValidationOptions{})...)
	case *networking.Ingress:
		return append(declared, networkingvalidation.ValidateIngressCreate(converted(t, scheme, o, &servernetworking.Ingress{}))...)
	}
	t.Fatalf("nothing checks a %T", o)
	return nil
}

// converted returns an object in the API server's own form.
func converted[T runtime.Object](t *testing.T, scheme *runtime.Scheme, o object, internal T) T {
	t.Helper()
	if err := scheme.Convert(o, internal, nil); err != nil {
		t.Fatal(err)
	}
	return internal
}
