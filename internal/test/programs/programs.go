// Package programs runs the real programs that the exporter works with, for tests:
// Prometheus, Alertmanager and their tools, on loopback and until the test
// ends. Only tests import it.
package programs

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"payple_exporter/internal/test/must"
)

// Patience is how long a test waits for another program at the most.
const Patience = 60 * time.Second

// Tool returns the path of a program: the one that the environment variable
// names, else the first of names that is installed. Without one the test is
// skipped, and says which package has it; with PAYPLE_EXPORTER_E2E=required it
// fails, since then a skip would hide something.
func Tool(t *testing.T, variable, install string, names ...string) string {
	t.Helper()
	if named := os.Getenv(variable); named != "" {
		names = []string{named}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	complain := t.Skipf
	if os.Getenv("PAYPLE_EXPORTER_E2E") == "required" {
		complain = t.Fatalf
	}
	complain("%s is missing: install it (Debian: apt-get install %s) or name it in %s", names[0], install, variable)
	return ""
}

// Promtool returns the path of promtool.
func Promtool(t *testing.T) string {
	t.Helper()
	return Tool(t, "PROMTOOL", "prometheus", "promtool")
}

// Amtool returns the path of amtool.
func Amtool(t *testing.T) string {
	t.Helper()
	return Tool(t, "AMTOOL", "prometheus-alertmanager", "amtool")
}

// Eventually waits until something has happened in another program, and fails
// the test if it does not.
func Eventually(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	if !Happens(happened) {
		tb.Fatalf("waited %s in vain: %s", Patience, what)
	}
}

// Happens waits until something has happened in another program, and reports
// whether it has.
func Happens(happened func() bool) bool {
	for deadline := time.Now().Add(Patience); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// FreePort returns a loopback address that nobody listens on.
func FreePort(tb testing.TB) string {
	tb.Helper()
	var listen net.ListenConfig
	listener := must.Get(listen.Listen(tb.Context(), "tcp", "127.0.0.1:0"))(tb)
	defer listener.Close() //nolint:errcheck // only the port matters
	return listener.Addr().String()
}

// Server is a program that serves HTTP on loopback.
type Server struct {
	*Process

	// URL is its address, without a slash at the end.
	URL string
}

// Start runs a program that serves at address, and waits until ready answers.
// The program ends with the test.
func Start(t *testing.T, address, ready, path string, args ...string) *Server {
	t.Helper()
	s := &Server{Run(t, nil, path, args...), "http://" + address}
	Eventually(t, filepath.Base(path)+" is ready", func() bool {
		status, _, err := s.get(t, ready)
		return err == nil && status == http.StatusOK
	})
	return s
}

// Prometheus runs a Prometheus with this configuration. Its rule files and the
// like are named by absolute paths.
func Prometheus(t *testing.T, config string) *Server {
	t.Helper()
	return PrometheusOver(t, t.TempDir(), config)
}

// PrometheusOver runs one over data that are there already, with other flags
// besides.
func PrometheusOver(t *testing.T, data, config string, flags ...string) *Server {
	t.Helper()
	path := Tool(t, "PROMETHEUS", "prometheus", "prometheus")
	address := FreePort(t)
	file := must.Write(t, filepath.Join(t.TempDir(), "prometheus.yml"), config)
	return Start(t, address, "/-/ready", path,
		// Targets are scraped at once, not after the usual five seconds: no rule of a test in a hurry may miss them.
		append(flags, "--scrape.discovery-reload-interval=100ms", "--config.file="+file, "--storage.tsdb.path="+data, "--web.listen-address="+address)...)
}

// Alertmanager runs an Alertmanager with this configuration, alone.
func Alertmanager(t *testing.T, config string) *Server {
	t.Helper()
	path := Tool(t, "ALERTMANAGER", "prometheus-alertmanager", "alertmanager", "prometheus-alertmanager")
	dir, address := t.TempDir(), FreePort(t)
	file := must.Write(t, filepath.Join(dir, "alertmanager.yml"), config)
	return Start(t, address, "/-/ready", path, "--config.file="+file, "--storage.path="+filepath.Join(dir, "data"),
		"--cluster.listen-address=", "--web.listen-address="+address)
}

// Sample is one element of the answer to an instant query.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query asks a Prometheus now.
func (s *Server) Query(t *testing.T, expression string) []Sample {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	s.GetJSON(t, "/api/v1/query?query="+url.QueryEscape(expression), &answer)
	if answer.Status != "success" {
		t.Fatalf("query %s: %s", expression, answer.Error)
	}
	samples := make([]Sample, 0, len(answer.Data.Result))
	for _, result := range answer.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(result.Value[1]), 64)
		if err != nil {
			t.Fatalf("query %s: %v", expression, err)
		}
		samples = append(samples, Sample{result.Metric, value})
	}
	return samples
}

// GetJSON reads what a path answers into value.
func (s *Server) GetJSON(t *testing.T, path string, value any) {
	t.Helper()
	if err := json.Unmarshal(s.Get(t, path), value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Get returns what a path answers, which must be with 200.
func (s *Server) Get(t *testing.T, path string) []byte {
	t.Helper()
	status, body, err := s.get(t, path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s answers %d: %s (%v)", path, status, body, err)
	}
	return body
}

// get asks for a path on a connection of its own: the server may die.
func (s *Server) get(t *testing.T, path string) (status int, body []byte, _ error) {
	t.Helper()
	request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, http.NoBody))(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: Patience}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}
