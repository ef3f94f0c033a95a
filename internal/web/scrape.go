package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

const (
	// timeoutHeader is how Prometheus says when it will stop waiting.
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	// defaultTimeout holds where the header is missing: Prometheus' own default.
	defaultTimeout = 10 * time.Second
	// maxTimeout keeps an answer below the server's write time-out.
	maxTimeout = 100 * time.Second
)

// scrapeTimeout returns how long a scrape may take: what its header says, less
// offset, or half of it where the offset would leave nothing.
func scrapeTimeout(header string, offset time.Duration) time.Duration {
	timeout := defaultTimeout
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 && !math.IsInf(seconds, 1) {
		timeout = time.Duration(min(seconds, maxTimeout.Seconds()) * float64(time.Second))
	}
	return max(timeout-offset, timeout/2)
}

// scrapeContext returns a context that ends when the scrape must be answered.
func (s *server) scrapeContext(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), scrapeTimeout(r.Header.Get(timeoutHeader), s.options.TimeoutOffset))
}

// collectExporter is the one value of the parameter collect[]: the exporter's
// own metrics alone. Where merchants are probed one by one, it gives these
// without asking the hub for all merchants.
const collectExporter = "exporter"

// metrics answers a scrape of all merchants, with the exporter's own metrics.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.scrapeContext(r)
	defer cancel()
	own := prometheus.ToTransactionalGatherer(s.options.Own)
	switch parts := r.URL.Query()["collect[]"]; {
	case len(parts) == 0:
		s.rhythm.note(r, "", s.options.Collector.MinInterval())
		s.expose(w, r, s.options.Collector.Bind(ctx), own)
	case len(parts) == 1 && parts[0] == collectExporter:
		s.expose(w, r, own)
	default:
		http.Error(w, "collect[] wants "+collectExporter+": the exporter's own metrics, without the merchants", http.StatusBadRequest)
	}
}

// probe answers a scrape of one merchant alone.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["merchant"]
	if len(names) != 1 || names[0] == "" {
		http.Error(w, "want one merchant: /probe?merchant=NAME; /sd lists the names", http.StatusBadRequest)
		return
	}
	ctx, cancel := s.scrapeContext(r)
	defer cancel()
	one, found := s.options.Collector.BindOne(ctx, names[0])
	if !found {
		http.Error(w, fmt.Sprintf("no merchant %q is configured; /sd lists the names", names[0]), http.StatusNotFound)
		return
	}
	s.rhythm.note(r, names[0], s.options.Collector.MinInterval())
	s.expose(w, r, one)
}

// expose writes what the gatherers give.
//
// Gathers are not coalesced, because each is bound to its scrape's deadline: one
// with much time would get only what one with little time could wait for. The
// gates share the queries.
func (s *server) expose(w http.ResponseWriter, r *http.Request, gatherers ...prometheus.TransactionalGatherer) {
	to := &client{ResponseWriter: w, logger: s.options.Logger}
	promhttp.HandlerForTransactional(distinctGatherers(gatherers), promhttp.HandlerOpts{
		ErrorLog: to,
		// One collector that fails must not hide the others.
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
		// Those that this program can write: promhttp takes a wish for another
		// for an error.
		OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
	}).ServeHTTP(to, r)
}

// distinctGatherers are gatherers of metrics with different names, which need no
// search for duplicates as prometheus.Gatherers makes it.
type distinctGatherers []prometheus.TransactionalGatherer

// Gather implements [prometheus.TransactionalGatherer].
func (d distinctGatherers) Gather() (all []*dto.MetricFamily, done func(), err error) {
	done = func() {}
	for _, gatherer := range d {
		families, read, fault := gatherer.Gather()
		all, err = append(all, families...), errors.Join(err, fault)
		before := done
		done = func() { before(); read() }
	}
	// In OpenMetrics it would be a second family of the name of
	// go_memstats_alloc_bytes_total; go_memstats_heap_alloc_bytes is the same.
	all = slices.DeleteFunc(all, func(f *dto.MetricFamily) bool { return f.GetName() == "go_memstats_alloc_bytes" })
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, done, err
}

// client is whom a scrape is answered, and what is logged of that. Once it has
// left, promhttp goes on, and finds an error in each family.
type client struct {
	http.ResponseWriter

	logger log.Logger
	gone   bool
}

// Write implements [http.ResponseWriter].
func (c *client) Write(text []byte) (int, error) {
	n, err := c.ResponseWriter.Write(text)
	if err != nil && !c.gone {
		c.gone = true
		_ = level.Debug(c.logger).Log("msg", "the client left before it had its answer", "err", err)
	}
	return n, err //nolint:wrapcheck // as an http.ResponseWriter does
}

// Unwrap lets others find what the connection can do.
func (c *client) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Println implements [promhttp.Logger].
func (c *client) Println(v ...any) {
	text, log := strings.TrimSpace(fmt.Sprintln(v...)), level.Error(c.logger)
	switch {
	case c.gone:
		return
	case strings.HasPrefix(text, "error getting writer"): // for a client that refuses all that there is, and is answered all the same
		log = level.Debug(c.logger)
	}
	_ = log.Log("msg", "gathering metrics", "err", text)
}
