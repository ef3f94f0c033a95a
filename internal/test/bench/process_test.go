// Package bench measures the program that is really built, from outside: how
// soon it answers, how large it is, and what queries and scrapes cost it.
package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/procfs"
)

// role makes the test binary another process of a benchmark: a hub that only
// answers, or an exporter that is nothing but promhttp.
const role = "PAYPLE_EXPORTER_BENCH_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "hub":
		serve(bareHub())
	case "exporter":
		serve(bareExporter())
	default:
		os.Exit(m.Run())
	}
}

// serve listens, says where, and never ends by itself.
func serve(handler http.Handler) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	panic(http.Serve(listener, handler))
}

// bareHub answers as documented, checks nothing, and counts remain requests.
func bareHub() http.Handler {
	mux := http.NewServeMux()
	var asked atomic.Int64
	type request struct {
		CstID string `json:"cst_id"`
		Code  string `json:"code"`
	}
	answer := func(w http.ResponseWriter, r *http.Request, format string, field func(request) string) {
		var got request
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, format, field(got))
	}
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, `{"result":"T0000","message":"처리 성공","code":%q,"access_token":"bench","token_type":"Bearer","expires_in":"60"}`,
			func(got request) string { return got.Code })
	})
	mux.HandleFunc("POST /account/remain", func(w http.ResponseWriter, r *http.Request) {
		// Money that moves with every request, or a history would be quicker to keep than it is.
		const total = 10_000_000
		paid := asked.Add(1) % total
		answer(w, r, fmt.Sprintf(`{"result":"A0000","message":"처리 성공","cst_id":%%q,"total_account_amt":"%d","total_transfer_amt":"%d",`+
			`"remain_amt":"%d","api_tran_dtm":"20211103090426239"}`, total, paid, total-paid), func(got request) string { return got.CstID })
	})
	mux.HandleFunc("GET /asked", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, asked.Load()) })
	return mux
}

// seriesOfOne is how many series a probe of one merchant shows.
const seriesOfOne = 19

func bareExporter() http.Handler {
	registry := prometheus.NewRegistry()
	for i := range seriesOfOne {
		gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: fmt.Sprintf("bench_transfer_remain_amount_%d", i), Help: "As many series as a probe of one merchant has, and nothing else.",
		}, []string{"merchant"})
		gauge.WithLabelValues("merchant-00001").Set(9_944_000)
		registry.MustRegister(gauge)
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// start runs this binary in a role and returns its address.
func start(b *testing.B, as string) string {
	b.Helper()
	return programs.Run(b, []string{role + "=" + as}, os.Args[0]).Await(b, `(http://\S+)\n`)[1]
}

// exporter is the program, running.
type exporter struct {
	*programs.Process

	url string
	// firstAnswer is what passed from its start to its first answer.
	firstAnswer time.Duration
}

func run(tb testing.TB, path string, args ...string) exporter {
	tb.Helper()
	address := programs.FreePort(tb)
	began := time.Now()
	e := exporter{url: "http://" + address, Process: programs.Run(tb, []string{"PAYPLE_CUST_KEY=bench-key"}, path,
		append([]string{"--web.listen-address=" + address}, args...)...)}
	for time.Since(began) < 20*time.Second {
		response, err := http.Get(e.url + "/-/healthy")
		if err != nil {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		response.Body.Close()
		e.firstAnswer = time.Since(began)
		return e
	}
	tb.Fatalf("no answer: %s", e)
	return e
}

// end ends it at once.
func (e exporter) end() {
	e.Signal(syscall.SIGKILL)
	e.Wait()
}

// merchants writes a configuration of so many and returns the flags for it.
func merchants(tb testing.TB, hub string, n int, minInterval string) []string {
	tb.Helper()
	dir := tb.TempDir()
	key := must.Write(tb, filepath.Join(dir, "key"), "bench-key")
	var text strings.Builder
	fmt.Fprintf(&text, "hub: %s\nmin_interval: %s\nmerchants:\n", hub, minInterval)
	for i := range n {
		fmt.Fprintf(&text, "  - {name: %s, cst_id: %s, cust_key_file: %s}\n", name(i), name(i), key)
	}
	return []string{"--config.file=" + must.Write(tb, filepath.Join(dir, "merchants.yml"), text.String())}
}

func name(i int) string { return fmt.Sprintf("merchant-%05d", i) }

// client keeps its connections, as Prometheus does.
func client(tb testing.TB) *http.Client {
	tb.Helper()
	transport := &http.Transport{DisableCompression: true}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(tb testing.TB, c *http.Client, url string) string {
	tb.Helper()
	request := must.Get(http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil))(tb)
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "60")
	return do(tb, c, request)
}

func do(tb testing.TB, c *http.Client, request *http.Request) string {
	tb.Helper()
	response, err := c.Do(request)
	must.Do(tb, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		tb.Fatalf("%s: HTTP %d, %v", request.URL, response.StatusCode, err)
	}
	return string(text)
}

// BenchmarkQueryFromScrape measures a scrape that asks the hub, beside what it
// is made of at the least: a bare POST to the same hub, and a bare scrape of
// as many series; hub, exporter and bare exporter each in its own process. Run
// it with -benchtime 4000x or more: 4,000 merchants are asked in turn, so that
// each probe finds its gate open.
func BenchmarkQueryFromScrape(b *testing.B) {
	const fleet = 4000
	hub, bare := start(b, "hub"), start(b, "exporter")
	ours := run(b, programs.Released(b), merchants(b, hub, fleet, "1s")...)
	c := client(b)
	get(b, c, ours.url+"/metrics") // every merchant has a token now
	time.Sleep(time.Second)
	asked := count(b, c, hub)
	body := []byte(`{"cst_id":"merchant-00001","custKey":"bench-key"}`)
	var post, scrape, probe []time.Duration
	b.ResetTimer()
	for i := range b.N {
		post = append(post, took(func() {
			do(b, c, must.Get(http.NewRequestWithContext(context.Background(), http.MethodPost, hub+"/account/remain", bytes.NewReader(body)))(b))
		}))
		scrape = append(scrape, took(func() { get(b, c, bare+"/metrics") }))
		probe = append(probe, took(func() { get(b, c, ours.url+"/probe?merchant="+name(i%fleet)) }))
	}
	b.StopTimer()
	if got := count(b, c, hub) - asked - b.N; got != b.N {
		b.Fatalf("%d of %d probes asked the hub", got, b.N)
	}
	b.ReportMetric(median(post), "POST-p50-µs")
	b.ReportMetric(median(scrape), "scrape-p50-µs")
	b.ReportMetric(median(probe), "probe-p50-µs")
	b.ReportMetric(median(probe)-median(post)-median(scrape), "over-µs")
}

func count(b *testing.B, c *http.Client, hub string) int {
	b.Helper()
	return must.Get(strconv.Atoi(get(b, c, hub+"/asked")))(b)
}

func took(what func()) time.Duration {
	began := time.Now()
	what()
	return time.Since(began)
}

// median returns the median in microseconds.
func median(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Nanoseconds()) / 1000
}

// BenchmarkStart measures how soon the program answers, and how large it is,
// at rest, and when one merchant has been asked and scraped a few times; and
// the same of the floor beside it.
func BenchmarkStart(b *testing.B) {
	hub := start(b, "hub")
	ours := started{path: programs.Released(b), args: []string{"--payple.cst-id=merchant-00001", "--payple.hub=" + hub}}
	file := merchants(b, hub, 1, "1s")[0]
	floor := started{path: must.Get(programs.Build("payple_exporter/internal/test/bench/floor"))(b), args: []string{file, "--hub=" + hub + "/account/remain"}}
	for range b.N {
		ours.again(b)
		floor.again(b)
	}
	ours.report(b, "")
	floor.report(b, "floor-")
}

// started is a program and what was measured of its starts.
type started struct {
	path          string
	args          []string
	first         []time.Duration // until it answered
	idle, scraped uint64          // the most resident memory, in bytes
}

func (s *started) again(b *testing.B) {
	b.Helper()
	e := run(b, s.path, s.args...)
	s.first = append(s.first, e.firstAnswer)
	s.idle = max(s.idle, memory(b, e))
	c := client(b)
	for range 5 {
		get(b, c, e.url+"/metrics")
	}
	s.scraped = max(s.scraped, memory(b, e))
	e.end()
}

func (s *started) report(b *testing.B, prefix string) {
	b.Helper()
	b.ReportMetric(median(s.first)/1000, prefix+"first-answer-ms")
	b.ReportMetric(float64(s.idle)/(1<<20), prefix+"idle-MiB")
	b.ReportMetric(float64(s.scraped)/(1<<20), prefix+"scraped-MiB")
	b.ReportMetric(megabytes(b, s.path), prefix+"binary-MB")
}

func megabytes(b *testing.B, path string) float64 {
	b.Helper()
	return float64(must.Get(os.Stat(path))(b).Size()) / 1e6
}

// BenchmarkFleet measures what the process of so many merchants spends: for
// each that the hub is asked for, token in hand, and for each in a scrape from
// memory. The model in docs/development.md is made from two of the sizes and
// held against the others. Run it with -benchtime 1x: a round takes a second.
func BenchmarkFleet(b *testing.B) {
	path := programs.Released(b)
	for _, n := range []int{1, 100, 1000, 3000, 10_000} {
		b.Run(fmt.Sprintf("merchants=%d", n), func(b *testing.B) {
			measure(b, path, 1, n)
		})
	}
}

// BenchmarkFullHistories measures what ten thousand merchants take in memory at
// the most: asked every second, figures that are never the same twice, and
// scrapes until every history has been full and thinned. It takes minutes: run
// it with -benchtime 1x.
func BenchmarkFullHistories(b *testing.B) {
	const scrapes = 150 // a history is full with 120
	e := run(b, programs.Released(b), merchants(b, start(b, "hub"), 10_000, "1s")...)
	c := client(b)
	var most uint64
	for range b.N * scrapes {
		get(b, c, e.url+"/metrics")
		most = max(most, memory(b, e))
		time.Sleep(1100 * time.Millisecond)
	}
	b.ReportMetric(float64(most)/(1<<20), "most-resident-MiB")
}

// BenchmarkShards measures the same of three processes with a thousand
// merchants each, which are scraped one after the other as shards are.
func BenchmarkShards(b *testing.B) { measure(b, programs.Released(b), 3, 1000) }

// measure scrapes so many exporters with so many merchants each, when all
// merchants have to be asked, and when none has.
func measure(b *testing.B, path string, shards, each int) {
	b.Helper()
	const rounds = 15
	hub, c := start(b, "hub"), client(b)
	var asking, remembering time.Duration
	var resident uint64
	memoryScrapes := max(5, 2000/each)
	for range b.N {
		exporters := runShards(b, path, shards, merchants(b, hub, each, "1s"))
		asking += spent(b, c, exporters, rounds, 1100*time.Millisecond)
		resident = 0
		for _, e := range exporters {
			resident += memory(b, e)
			e.end()
		}
		// Their own processes, with an interval that does not end meanwhile.
		exporters = runShards(b, path, shards, merchants(b, hub, each, "5m"))
		remembering += spent(b, c, exporters, memoryScrapes, 0)
		for _, e := range exporters {
			e.end()
		}
	}
	n := float64(b.N)
	b.ReportMetric(asking.Seconds()*1e3/n/rounds, "cpu-ms/asking-scrape")
	b.ReportMetric(remembering.Seconds()*1e3/n/float64(memoryScrapes), "cpu-ms/remembering-scrape")
	b.ReportMetric(float64(resident)/(1<<20), "resident-MiB")
}

func runShards(b *testing.B, path string, shards int, args []string) []exporter {
	b.Helper()
	var all []exporter
	for range shards {
		all = append(all, run(b, path, args...))
	}
	return all
}

// spent returns the processor time of so many scrapes of each exporter, once
// every merchant has a token.
func spent(b *testing.B, c *http.Client, exporters []exporter, scrapes int, pause time.Duration) time.Duration {
	b.Helper()
	scrape := func() {
		for _, e := range exporters {
			get(b, c, e.url+"/metrics")
		}
	}
	scrape()
	before := cpu(b, exporters)
	for range scrapes {
		time.Sleep(pause)
		scrape()
	}
	return cpu(b, exporters) - before
}

// memory returns the process's resident memory, in bytes.
func memory(b *testing.B, e exporter) uint64 {
	b.Helper()
	process, err := procfs.NewProc(e.PID())
	if err != nil {
		b.Skipf("no /proc: %v", err)
	}
	stat := must.Get(process.Stat())(b)
	return uint64(stat.ResidentMemory())
}

// cpu returns the processor time of all threads of the processes so far. The
// scheduler counts nanoseconds; what /proc/PID/stat has are ticks of 10 ms.
func cpu(b *testing.B, exporters []exporter) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, e := range exporters {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", e.PID()))
		if err != nil || len(threads) == 0 {
			b.Skipf("no schedstat: %v", err)
		}
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err != nil {
				continue // a thread that has just ended
			}
			var ns int64
			if _, err := fmt.Sscan(string(text), &ns); err != nil {
				b.Fatalf("%s: %v", thread, err)
			}
			sum += time.Duration(ns)
		}
	}
	return sum
}
