// Command floor is the least that an exporter with this project's libraries can
// be: flags, log, TLS on its port, a metric, a POST to a hub, a configuration
// file, and nothing else. Its size, and how soon it answers, is what no work on
// the exporter's own code can go below.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	slgk "github.com/tjhop/slog-gokit"
	"go.yaml.in/yaml/v4"
)

func main() {
	app := kingpin.New("floor", "An exporter that does nothing.")
	app.Version(version.Print("floor"))
	hub := app.Flag("hub", "Whom to ask.").String()
	file := app.Flag("config.file", "What to read.").String()
	flags := kingpinflag.AddFlags(app, ":10911")
	kingpin.MustParse(app.Parse(os.Args[1:]))
	logger := log.NewLogfmtLogger(os.Stderr)

	var config map[string]any
	text, err := os.ReadFile(*file)
	if err != nil {
		app.Fatalf("%v", err)
	}
	if err := yaml.Load(text, &config); err != nil {
		app.Fatalf("%v", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(versioncollector.NewCollector("floor"), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "floor_status", Help: "Status of the hub's answer."}, func() float64 { return status(*hub) }))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/-/healthy", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	if err := web.ListenAndServe(server, flags, slog.New(slgk.NewGoKitHandler(logger, slog.LevelInfo))); err != nil {
		app.Fatalf("%v", err)
	}
}

// status asks the hub.
func status(hub string) float64 {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, hub, strings.NewReader("{}"))
	if err != nil {
		return 0
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read
	return float64(response.StatusCode)
}
