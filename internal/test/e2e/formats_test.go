package e2e

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"

	dto "github.com/prometheus/client_model/go"
)

// metricsFormats are what Prometheus asks for, as Accept headers: text,
// OpenMetrics and protocol buffers.
func metricsFormats() []string {
	return []string{
		"text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0",
		"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
	}
}

// labelsOf returns every value of a label in an exposition, which must parse to
// its end.
func labelsOf(t *testing.T, exporter *running, path, accept, name string) map[string]bool {
	t.Helper()
	status, body := exporter.get(t, path, "Accept", accept)
	if status != http.StatusOK {
		t.Fatalf("%s as %s answers %d: %s", path, accept, status, body)
	}
	values := make(map[string]bool)
	for _, family := range families(t, accept, body) {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == name {
					values[label.GetValue()] = true
				}
			}
		}
	}
	return values
}

// families parses an exposition, which must be whole.
func families(t *testing.T, accept, body string) []*dto.MetricFamily {
	t.Helper()
	decoder := expfmt.NewDecoder(strings.NewReader(body), expfmt.Format(accept))
	var all []*dto.MetricFamily
	for {
		family := &dto.MetricFamily{}
		switch err := decoder.Decode(family); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("%s does not parse: %v", accept, err)
		}
		all = append(all, family)
	}
}
