package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"payple_exporter/internal/app"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/links"
	"payple_exporter/internal/test/programs"
)

// startNginx and startHAProxy start a proxy at an address, which shows what the
// exporter has below a path, and passes that path on or not.
func startNginx(t *testing.T, address, path, exporter string, kept bool) {
	t.Helper()
	nginx, folder, to := programs.Tool(t, "NGINX", "nginx-light", "nginx", "/usr/sbin/nginx"), t.TempDir(), exporter+"/"
	if kept {
		to = exporter
	}
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s; ", kind, filepath.Join(folder, kind))
	}
	config := fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr;\nevents {}\nhttp { access_log off; %s\n  server { listen %s; location %s/ { proxy_pass http://%s; } }\n}\n",
		folder, &temporary, address, path, to)
	programs.Start(t, address, path+"/-/healthy", nginx, "-e", "stderr", "-c", harness.WriteFile(t, "nginx.conf", config))
}

func startHAProxy(t *testing.T, address, path, exporter string, kept bool) {
	t.Helper()
	haproxy, strip := programs.Tool(t, "HAPROXY", "haproxy", "haproxy", "/usr/sbin/haproxy"), "http-request set-path %[path,regsub(^"+path+"/,/)]"
	if kept {
		strip = ""
	}
	config := fmt.Sprintf("defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\nfrontend people\n  bind %s\n  %s\n  default_backend exporter\nbackend exporter\n  server one %s\n",
		address, strip, exporter)
	programs.Start(t, address, path+"/-/healthy", haproxy, "-db", "-f", harness.WriteFile(t, "haproxy.cfg", config))
}

// Behind a proxy that adds a path, taken off or not: every link answers, and
// Prometheus finds what /sd names.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	const path = "/some/where"
	for name, start := range map[string]func(*testing.T, string, string, string, bool){"nginx": startNginx, "haproxy": startHAProxy} {
		for _, kept := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/kept=%v", name, kept), func(t *testing.T) {
				t.Parallel()
				address := programs.FreePort(t)
				external := "http://" + address + path
				flags := []string{"--web.external-url=" + external + "/"}
				if !kept {
					flags = append(flags, "--web.route-prefix=/")
				}
				exporter := serveHere(t, append(flags, "--demo")...)
				start(t, address, path, hostOf(exporter.url), kept)
				for _, want := range []string{"page=" + external + "/ ", "metrics=" + external + "/metrics"} {
					if !strings.Contains(exporter.stderr.String(), want) {
						t.Errorf("the log does not say %s", want)
					}
				}
				reached := links.Follow(t, external+"/", func(address string) links.Reply { return follow(t, address) })
				if !reached["runbooks/PaypleTransferLimitLow"] || !reached["probe"] {
					t.Errorf("came only to %v", reached)
				}
				if reply := follow(t, external+"/runbooks"); !strings.Contains(reply.Body, "<title>Runbooks</title>") {
					t.Errorf("%s/runbooks answers %d", external, reply.Status)
				}
				if reply := follow(t, external+"/metrics"); !strings.Contains(reply.Body, fmt.Sprintf("payple_exporter_web_info{external_url=%q} 1\n", external)) {
					t.Errorf("no payple_exporter_web_info of %s", external)
				}
				expectRunbooks(t, external)
				expectScrapes(t, external)
				code, _, stderr := harness.Command(t, append([]string{"healthcheck", "--web.listen-address=" + hostOf(exporter.url)}, flags...)...)
				if code != app.ExitOK {
					t.Errorf("healthcheck exits %d: %s", code, stderr)
				}
			})
		}
	}
}

// expectRunbooks follows the links in /status.json.
func expectRunbooks(t *testing.T, external string) {
	t.Helper()
	var status struct {
		Merchants []struct{ Runbook string }
	}
	if err := json.Unmarshal([]byte(follow(t, external+"/status.json").Body), &status); err != nil {
		t.Fatal(err)
	}
	for _, merchant := range status.Merchants {
		if link := merchant.Runbook; link != "" && (!strings.HasPrefix(link, external+"/runbooks/") || follow(t, link).Status != http.StatusOK) {
			t.Errorf("/status.json links to %s", link)
		}
	}
}

// expectScrapes scrapes what /sd names, as Prometheus does.
func expectScrapes(t *testing.T, external string) {
	t.Helper()
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal([]byte(follow(t, external+"/sd").Body), &groups); err != nil || len(groups) < 2 {
		t.Fatal(err, groups)
	}
	for _, group := range groups {
		target := url.URL{
			Scheme: group.Labels["__scheme__"], Host: group.Targets[0], Path: group.Labels["__metrics_path__"],
			RawQuery: url.Values{"merchant": {group.Labels["__param_merchant"]}}.Encode(),
		}
		if reply := follow(t, target.String()); reply.Status != http.StatusOK || !strings.Contains(reply.Body, "payple_up{") {
			t.Errorf("%s answers %d", &target, reply.Status)
		}
	}
}

// follow gets an address, and where that leads.
func follow(t *testing.T, address string) links.Reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return links.Reply{Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: string(body)}
}
