package compose_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// root is the top of the source tree, seen from here.
const root = "../.."

// service is as much of a service as the tests look at.
type service struct {
	Image   string   `yaml:"image"`
	Build   string   `yaml:"build"`
	Command []string `yaml:"command"`
	Volumes []string `yaml:"volumes"`
	Ports   []string `yaml:"ports"`
	Depends []string `yaml:"depends_on"`
}

type stack struct {
	Services map[string]service  `yaml:"services"`
	Volumes  map[string]struct{} `yaml:"volumes"`
}

func compose(t *testing.T) stack {
	t.Helper()
	var s stack
	must.Do(t, yaml.Unmarshal([]byte(must.Read(t, "compose.yaml")), &s))
	return s
}

// mount is a file or folder of ours within a container.
type mount struct{ host, container string }

// mounts returns what a service sees of the source tree, and the names of the
// volumes that it has besides.
func (s service) mounts() (files []mount, volumes []string) {
	for _, volume := range s.Volumes {
		host, rest, _ := strings.Cut(volume, ":")
		container, _, _ := strings.Cut(rest, ":")
		if strings.HasPrefix(host, ".") {
			files = append(files, mount{host, container})
		} else {
			volumes = append(volumes, host)
		}
	}
	return files, volumes
}

// Docker makes an empty folder of a file that is not there, and the program
// inside fails in its own words.
func TestEverythingMountedExists(t *testing.T) {
	t.Parallel()
	s := compose(t)
	seen := 0
	for name, service := range s.Services {
		files, volumes := service.mounts()
		for _, file := range files {
			seen++
			if _, err := os.Stat(file.host); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !path.IsAbs(file.container) {
				t.Errorf("%s: %s is mounted at %q", name, file.host, file.container)
			}
			if !slices.Contains(service.Volumes, file.host+":"+file.container+":ro") {
				t.Errorf("%s may write to %s", name, file.host)
			}
		}
		for _, volume := range volumes {
			if _, declared := s.Volumes[volume]; !declared {
				t.Errorf("%s: volume %s is not declared", name, volume)
			}
		}
	}
	if seen < 8 {
		t.Errorf("%d files are mounted: the dashboards, the rules and the configurations are more", seen)
	}
}

func TestEveryImageIsPinned(t *testing.T) {
	t.Parallel()
	for name, service := range compose(t).Services {
		if service.Build != "" {
			if _, err := os.Stat(filepath.Join(service.Build, "Dockerfile")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !regexp.MustCompile(`:v?\d+\.\d+\.\d+$`).MatchString(service.Image) {
			t.Errorf("%s: image %q", name, service.Image)
		}
	}
}

func TestEveryDashboardIsInGrafana(t *testing.T) {
	t.Parallel()
	grafana := compose(t).Services["grafana"]
	files, _ := grafana.mounts()
	dashboards, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("%v %v", dashboards, err)
	}
	var provider struct {
		Providers []struct{ Options struct{ Path string } }
	}
	if err := yaml.Unmarshal([]byte(must.Read(t, "grafana/dashboards/payple.yml")), &provider); err != nil || len(provider.Providers) != 1 {
		t.Fatalf("%+v %v", provider, err)
	}
	for _, dashboard := range dashboards {
		want := mount{filepath.ToSlash(dashboard), path.Join(provider.Providers[0].Options.Path, filepath.Base(dashboard))}
		if !slices.Contains(files, want) {
			t.Errorf("%s is not mounted at %s", want.host, want.container)
		}
	}
}

// Services find each other by name and port.
func TestEveryAddressIsThatOfAService(t *testing.T) {
	t.Parallel()
	s := compose(t)
	listens := map[string]bool{}
	for name, service := range s.Services {
		for _, port := range service.Ports {
			parts := strings.Split(port, ":")
			if len(parts) != 3 || parts[0] != "127.0.0.1" || parts[1] != parts[2] {
				t.Errorf("%s: port %q: want 127.0.0.1:N:N, which is what README.md says", name, port)
				continue
			}
			listens[name+":"+parts[2]] = true
			if !strings.Contains(must.Read(t, "README.md"), "http://localhost:"+parts[1]) {
				t.Errorf("README.md does not tell of %s", port)
			}
		}
		for _, other := range service.Depends {
			if _, exists := s.Services[other]; !exists {
				t.Errorf("%s depends on %s", name, other)
			}
		}
	}
	if !listens["exporter:"+exposed(t)] {
		t.Errorf("the image listens on %s, and the stack on %v", exposed(t), listens)
	}
	for _, file := range []string{"prometheus.yml", "grafana/datasources/prometheus.yml"} {
		found := regexp.MustCompile(`[a-z]+:\d{2,5}\b`).FindAllString(must.Read(t, file), -1)
		if len(found) == 0 {
			t.Errorf("%s names no address", file)
		}
		for _, address := range found {
			if !listens[address] {
				t.Errorf("%s: nothing listens at %s", file, address)
			}
		}
	}
}

// Grafana has no user whose password everybody knows, wherever its port is bound.
func TestGrafanaHasNoDefaultPassword(t *testing.T) {
	t.Parallel()
	if text := must.Read(t, "compose.yaml"); !strings.Contains(text, "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: \"true\"") {
		t.Error("Grafana makes a user admin with the password admin")
	}
}

// exposed returns the port that the exporter's image listens on.
func exposed(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^EXPOSE (\d+)$`).FindStringSubmatch(must.Read(t, root+"/Dockerfile"))
	if found == nil {
		t.Fatal("the Dockerfile exposes no port")
	}
	return found[1]
}

// Each program looks at its configuration as it will in its container: with
// the files that are mounted there and no others.
func TestThePrometheusProgramsAcceptTheirConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		service string
		tool    func(*testing.T) string
		check   []string
		says    string
	}{
		{"prometheus", programs.Promtool, []string{"check", "config"}, "rules found"},
		{"alertmanager", programs.Amtool, []string{"check-config"}, "SUCCESS"},
	}
	for _, test := range tests {
		t.Run(test.service, func(t *testing.T) {
			t.Parallel()
			tool := test.tool(t)
			service := compose(t).Services[test.service]
			inside := assembled(t, service)
			config := filepath.Join(inside, flag(t, service, "--config.file"))
			output, err := exec.CommandContext(t.Context(), tool, append(test.check, config)...).CombinedOutput()
			if err != nil || !bytes.Contains(output, []byte(test.says)) {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

// assembled copies a service's files to where they are in its container, below
// a folder.
func assembled(t *testing.T, s service) string {
	t.Helper()
	inside := t.TempDir()
	files, _ := s.mounts()
	for _, file := range files {
		must.Write(t, filepath.Join(inside, file.container), must.Read(t, file.host))
	}
	return inside
}

// flag returns the value of a flag of a service's command.
func flag(t *testing.T, s service, name string) string {
	t.Helper()
	for _, argument := range s.Command {
		if value, found := strings.CutPrefix(argument, name+"="); found {
			return value
		}
	}
	t.Fatalf("no %s in %v", name, s.Command)
	return ""
}
