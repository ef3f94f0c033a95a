package e2e

import (
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/exposition"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

var updateMatrix = flag.Bool("update-matrix", false, "write testdata/matrix.md, the table of the fault matrix, anew")

// victim is the merchant that meets the fault.
const victim = "store"

// The settings of all cells, which are the product's defaults.
const (
	matrixInterval = 10 * time.Second
	matrixMaxAge   = 5 * time.Minute
	tokenAlive     = 20 * time.Second // after which a token still is
	tokenDead      = 2 * time.Minute  // after which it is not, and figures may still be shown
	tokenLife      = 55 * time.Second // the hub's minute, less the margin
)

// cell is one fault at one step of a query, one state in which the exporter
// meets it, and so many scrapers at once.
type cell struct {
	fault    simulator.Fault
	endpoint hub.Endpoint
	state    string
	scrapers int
}

// The states in which a fault is met.
const (
	stateCold       = "cold"       // nothing is known yet
	stateWarm       = "warm"       // figures are known, the token has expired
	stateRemembered = "remembered" // figures and a token are known; for a fault of the token step the hub has ended it early
	stateMany       = "many"       // as warm, among five merchants whom the hub answers
	stateWorn       = "worn"       // as remembered, and only the connections that are there fail so; for a fault of the token step the token has expired
)

func (c cell) String() string {
	return fmt.Sprintf("%s/%s/%s/%d", c.fault.Name, c.endpoint, c.state, c.scrapers)
}

// timesOut reports whether a query that meets the fault takes all its time.
func (c cell) timesOut() bool { return c.fault.Reason == hub.ReasonTimeout }

// repeats reports whether the fault breaks a connection before the hub has said
// a word: on a kept connection the request is sent once more.
func (c cell) repeats() bool { return c.fault.Name == "close" || c.fault.Name == "reset" }

// leavesHubBehind reports whether the exporter knows of a request's end before
// the simulated hub does, which then counts two requests at once where there
// was one after the other.
func (c cell) leavesHubBehind() bool {
	return c.timesOut() || c.fault.Reason == hub.ReasonNetwork || c.fault.Name == "huge"
}

func matrixCells() []cell {
	var cells []cell
	for _, fault := range simulator.Faults() {
		for _, endpoint := range fault.Endpoints {
			for _, state := range []string{stateCold, stateWarm, stateRemembered, stateMany, stateWorn} {
				for _, scrapers := range []int{1, 20} {
					cells = append(cells, cell{fault, endpoint, state, scrapers})
				}
			}
		}
	}
	return cells
}

// tally is what is counted. No number in it depends on time or chance.
type tally struct {
	faults         map[string]bool
	cells, scrapes int
	shown, absent  int // scrapes with the victim's figures, all true, and without
	others         int // times that another merchant was up with true figures
}

func (t *tally) add(c cell, counted tally) {
	t.faults[c.fault.Name] = true
	t.cells++
	t.scrapes += counted.scrapes
	t.shown += counted.shown
	t.absent += counted.absent
	t.others += counted.others
}

// Every fault that the simulated hub knows, at each step of a query that can
// fail so, in each state, for one scraper and for twenty at once:
//
//   - every scrape is answered 200 in time, and Prometheus can read it; one that
//     cannot wait for the hub tells what was known before, and is counted;
//   - figures are the last that the hub gave, up to max-age, or absent;
//   - payple_up and payple_failure tell the latest query and its reason;
//   - all scrapers together cost one query, and none before the gate opens;
//   - the first success comes when the gate opens, at most one backoff after
//     the fault has ended, and the next one interval later;
//   - other merchants are not touched;
//   - what is wrong with the connections that are there is over with the next
//     query, and with the same one where they broke before a word was said;
//   - no connection, goroutine or file is left.
//
// The wiring is the program's own, on a clock that the test moves. Requests go
// to the simulated hub over real connections.
func TestFaultMatrix(t *testing.T) { //nolint:paralleltest // counts goroutines and files, so nothing else may run
	before, files := goleak.IgnoreCurrent(), openFiles(t)
	tallies := make(map[hub.Reason]*tally)
	for _, reason := range hub.Reasons() {
		tallies[reason] = &tally{faults: make(map[string]bool)}
	}
	var slow, quick []cell
	cells := matrixCells()
	for _, c := range cells {
		if c.timesOut() {
			slow = append(slow, c)
		} else {
			quick = append(quick, c)
		}
	}
	var mu sync.Mutex
	ran := 0
	one := func(c cell) {
		t.Run(c.String(), func(t *testing.T) {
			counted := c.run(t)
			mu.Lock()
			defer mu.Unlock()
			ran++
			tallies[c.fault.Reason].add(c, counted)
		})
	}
	// A query that times out sleeps: all of them cost no more than one. Their
	// times are real, so that until they are over no more than one worker is at
	// the other cells.
	waiting, working := queue(slow), queue(quick)
	var beside sync.WaitGroup
	beside.Go(func() { inParallel(1, working, one) })
	inParallel(len(slow), waiting, one)
	inParallel(4*runtime.GOMAXPROCS(0)-1, working, one)
	beside.Wait()

	if err := goleak.Find(before); err != nil {
		t.Errorf("goroutines are left: %v", err)
	}
	programs.Eventually(t, "all files are closed", func() bool { return openFiles(t) <= files })
	if ran < len(cells) || t.Failed() {
		t.Logf("%d of %d cells ran: testdata/matrix.md is not looked at", ran, len(cells))
		return
	}
	expectTable(t, matrixTable(tallies))
}

// queue returns cells for workers to take from.
func queue(cells []cell) <-chan cell {
	next := make(chan cell, len(cells))
	for _, c := range cells {
		next <- c
	}
	close(next)
	return next
}

// inParallel calls do for each cell that is left in a queue, so many at a time.
func inParallel(workers int, left <-chan cell, do func(cell)) {
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for c := range left {
				do(c)
			}
		})
	}
	running.Wait()
}

// openFiles returns how many files and sockets this process has open, or 0
// where nobody can tell.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Logf("open files are not counted here: %v", err)
	}
	return len(entries)
}

// run takes a cell through failure and recovery.
func (c cell) run(t *testing.T) tally {
	s := newMatrixStand(t, c)
	if c.state != stateCold {
		s.scrape(up)
		s.expectRequests(1, 1)
		if c.state == stateRemembered || c.state == stateWorn && c.endpoint == hub.EndpointRemain {
			s.clock.Advance(tokenAlive)
		} else {
			s.clock.Advance(tokenDead)
		}
	}
	if c.state == stateRemembered && c.endpoint == hub.EndpointToken {
		s.hub.EndTokens(victim)
	}

	if c.state == stateWorn {
		s.wear()
		return s.tally
	}
	s.hub.Break(victim, c.endpoint, c.fault)
	s.meet(c.scrapers)
	s.expectRequests(c.firstCost())
	opens := s.opensIn()
	least, most := matrixInterval, 2*matrixInterval
	if c.fault.Name == retryAfter90 {
		least, most = 90*time.Second, 90*time.Second
	}
	s.expect(opens >= least && opens <= most+grain, "the first backoff is %s, want %s to %s", opens, least, most)

	s.clock.Advance(opens - grain)
	s.scrape(failing)
	s.expectRequests(0, 0) // the gate is closed

	s.clock.Advance(grain)
	s.meet(1)
	s.expectRequests(c.laterCost(opens)) // and open

	s.clock.Advance(matrixMaxAge + time.Minute)
	s.meet(1)
	s.expectRequests(c.laterCost(matrixMaxAge + time.Minute))
	s.expect(!s.shown, "figures are shown beyond max-age")
	if c.longestBackoff() > 2*time.Minute {
		for range 2 { // until the backoff has reached its end
			s.clock.Advance(matrixMaxAge + time.Minute)
			s.meet(1)
			s.expectRequests(c.laterCost(matrixMaxAge + time.Minute))
		}
	}

	s.hub.Mend(victim)
	opens = s.opensIn()
	s.expect(opens <= c.longestBackoff()+grain, "once the fault has ended the hub is left in peace for %s", opens)
	s.clock.Advance(opens)
	s.scrapeAll(up)
	kept := c.keepsToken() && opens < tokenLife // from the last query that failed
	s.expectRequests(tokensFor(kept), 1)
	s.clock.Advance(matrixInterval)
	s.scrape(up)
	s.expectRequests(tokensFor(!kept || opens+matrixInterval < tokenLife), 1)

	s.expectNothingLeft()
	return s.tally
}

// wear has the connections that are there fail, and takes a cell through it.
func (s *matrixStand) wear() {
	s.t.Helper()
	c := s.cell
	s.hub.Break(victim, c.endpoint, c.fault.Only(s.server.OpenNow()))
	if c.repeats() || c.refusesToken() { // it is asked again within the same query
		s.scrapeAll(up)
	} else {
		s.meet(c.scrapers)
		s.clock.Advance(s.opensIn())
		s.scrapeAll(up)
	}
	s.expectNothingLeft()
}

const retryAfter90 = "retry-after=90"

// refusesToken reports whether the fault may mean that a token is dead: then a
// remembered one is worth a new one and another try, and a new one is not kept.
func (c cell) refusesToken() bool {
	switch {
	case c.endpoint == hub.EndpointToken:
		return false
	case c.fault.Name == "status=401", c.fault.Name == "status=403":
		return true
	}
	return strings.HasPrefix(c.fault.Name, "result=T")
}

// firstCost returns the token and remain requests of the query that meets the
// fault first.
func (c cell) firstCost() (token, remain int) {
	switch {
	case c.endpoint == hub.EndpointToken && c.state == stateRemembered:
		return 1, 1 // the token that the hub has ended, and then a new one
	case c.endpoint == hub.EndpointToken:
		return 1, 0
	case c.state == stateRemembered && c.refusesToken():
		return 1, 2
	case c.state == stateRemembered:
		return 0, 1
	}
	return 1, 1
}

// laterCost returns the token and remain requests of a query that meets the
// fault again, so long after the one before.
func (c cell) laterCost(after time.Duration) (token, remain int) {
	if c.endpoint == hub.EndpointToken {
		return 1, 0
	}
	return tokensFor(c.keepsToken() && after < tokenLife), 1
}

// keepsToken reports whether a query that meets the fault leaves a token behind
// that is good for the next one.
func (c cell) keepsToken() bool { return c.endpoint == hub.EndpointRemain && !c.refusesToken() }

// tokensFor returns the token requests of a query, with or without a token that
// is remembered.
func tokensFor(remembered bool) int {
	if remembered {
		return 0
	}
	return 1
}

// longestBackoff is the contract's.
func (c cell) longestBackoff() time.Duration {
	needsPerson := []hub.Reason{hub.ReasonAuth, hub.ReasonIPNotAllowed, hub.ReasonConfig}
	switch {
	case slices.Contains(needsPerson, c.fault.Reason):
		return 5 * time.Minute
	case c.fault.Name == retryAfter90:
		return 90 * time.Second
	}
	return time.Minute
}

// matrixStand is the program without its listener, in front of a simulated hub.
type matrixStand struct {
	t       *testing.T
	cell    cell
	clock   *simulator.Clock
	server  *simulator.Server
	began   time.Time
	hub     *simulator.Hub
	plans   map[string]simulator.Plan
	handler http.Handler

	given  time.Time // when the hub last told the victim's figures; zero before
	asked  time.Time // when the others were asked last
	shown  bool      // whether the last scrape showed the victim's figures
	latest outcome   // of the victim's latest query
	late   int       // scrapes so far that could not wait for its end
	costs  [2]int    // requests to both endpoints until the last look
	page   exposition.Page
	tally  tally
}

func newMatrixStand(t *testing.T, c cell) *matrixStand {
	t.Helper()
	s := &matrixStand{t: t, cell: c, clock: &simulator.Clock{}, plans: make(map[string]simulator.Plan)}
	ids := []string{victim}
	if c.state == stateMany {
		ids = []string{"first", "second", victim, "third", "fourth", "fifth"}
	}
	var partners []simulator.Partner
	dir := t.TempDir()
	merchants := "min_interval: " + matrixInterval.String() + "\nmerchants:\n"
	for i, id := range ids {
		// Totals that differ, and figures that move: neither another merchant's
		// nor another time's can pass for true.
		s.plans[id] = simulator.Plan{Start: simulator.Figures{Total: hub.Won(100_000_000 + i)}, DrainPerMinute: 60_000}
		partners = append(partners, simulator.Partner{CstID: id, CustKey: testKey, Plan: s.plans[id]})
		merchants += "  - {cst_id: " + id + ", cust_key_file: " + filepath.Join(dir, "key") + "}\n"
	}
	for name, text := range map[string]string{"key": testKey, "merchants.yml": merchants} {
		must.Write(t, filepath.Join(dir, name), text)
	}
	s.began = s.clock.Now()
	s.hub = stand.NewHub(t, simulator.Options{Now: s.clock.Now}, partners...)
	s.server = stand.ServeHub(t, s.hub)
	timeout := 30 * time.Second // none of these queries takes its time
	if c.timesOut() {
		timeout = queryTime
	}
	s.handler = harness.Handler(t, s.clock.Now, "--payple.hub="+s.server.URL, "--config.file="+filepath.Join(dir, "merchants.yml"),
		"--payple.timeout="+timeout.String(), "--payple.max-age="+matrixMaxAge.String(), "--web.timeout-offset="+timeOffset.String(),
		"--web.disable-exporter-metrics")
	return s
}

// expect fails the cell where what should be is not.
func (s *matrixStand) expect(is bool, format string, args ...any) {
	s.t.Helper()
	if !is {
		s.t.Errorf(format, args...)
	}
}

// outcome is how the victim's latest query has ended, as a page tells it.
type outcome string

const (
	unasked outcome = "" // none has ended yet
	up      outcome = "up"
	failing outcome = "failing"
)

// The times of scrapes and of queries that time out. They are real ones, and so
// far apart that a busy machine mixes up none: seconds are left for other
// merchants to be answered within a short scrape, for its answer to be written
// in time, and for one that waited for the query to be late for certain.
const (
	queryTime  = 18 * time.Second
	shortTime  = 20 * time.Second // of a scrape that cannot wait for such a query
	longTime   = 40 * time.Second // of one that can, and no other query takes long
	timeOffset = 10 * time.Second // is taken off both by the exporter
)

// scrape has one scraper ask, and looks at the answer.
func (s *matrixStand) scrape(want outcome) {
	s.t.Helper()
	s.learn(1, want)
}

// scrapeAll has all scrapers of the cell ask at once, and looks at each answer.
func (s *matrixStand) scrapeAll(want outcome) {
	s.t.Helper()
	s.learn(s.cell.scrapers, want)
}

// meet has so many scrapers ask at once when the gate is open and the hub
// fails. Where it lets them wait, each is answered before its time is over, with
// what was known before, and counted; as many others wait for the end of the
// query that these have left behind.
func (s *matrixStand) meet(scrapers int) {
	s.t.Helper()
	if s.cell.timesOut() {
		s.scrapeTogether(scrapers, shortTime, s.latest)
		s.late += scrapers
	}
	s.learn(scrapers, failing)
	late := s.page[`payple_scrapes_from_memory_total{cause="deadline",merchant="`+victim+`"}`]
	s.expect(late == float64(s.late), "%v scrapes are counted as answered at their deadline, want %d", late, s.late)
}

// learn has so many scrapers ask at once, who have the time for a query's end.
func (s *matrixStand) learn(scrapers int, want outcome) {
	s.t.Helper()
	if s.latest = want; want == up {
		s.given = s.clock.Now()
	}
	s.scrapeTogether(scrapers, longTime, want)
}

func (s *matrixStand) scrapeTogether(n int, within time.Duration, want outcome) {
	s.t.Helper()
	if now := s.clock.Now(); s.asked.IsZero() || now.Sub(s.asked) >= matrixInterval {
		s.asked = now
	}
	pages := make([]exposition.Page, n)
	var scrapers sync.WaitGroup
	seen := &seenPages{pages: make(map[string]exposition.Page)}
	for i := range pages {
		scrapers.Go(func() { pages[i] = s.once(i, within, seen) })
	}
	scrapers.Wait()
	for _, page := range pages {
		if page == nil {
			s.t.FailNow() // told already
		}
		s.look(page, want)
		s.page = page
	}
}

// once scrapes, in one of the two formats, and returns nil if there is nothing
// to look at.
func (s *matrixStand) once(i int, within time.Duration, seen *seenPages) exposition.Page {
	request := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.Itoa(int(within.Seconds())))
	if i%2 == 1 {
		request.Header.Set("Accept", exposition.OpenMetrics)
	}
	recorder := httptest.NewRecorder()
	began := time.Now()
	s.handler.ServeHTTP(recorder, request)
	if took := time.Since(began); took > within {
		s.t.Errorf("the scrape took %s, and has %s", took, within)
	}
	if recorder.Code != http.StatusOK {
		s.t.Errorf("the scrape is answered HTTP %d", recorder.Code)
		return nil
	}
	page, err := seen.parse(recorder.Header().Get("Content-Type"), recorder.Body.String())
	if err != nil {
		s.t.Errorf("the scrape cannot be read: %v", err)
	}
	return page
}

// seenPages are pages that were read already: those of scrapers who ask at the
// same time differ in how many were answered before them, and reading is what
// costs.
type seenPages struct {
	mu    sync.Mutex
	pages map[string]exposition.Page
}

func (s *seenPages) parse(contentType, body string) (exposition.Page, error) {
	var same strings.Builder
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "payple_scrapes_from_memory_total{") {
			same.WriteString(line)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if page, seen := s.pages[same.String()]; seen {
		return page, nil
	}
	page, err := exposition.Parse(contentType, []byte(body))
	if err == nil {
		s.pages[same.String()] = page
	}
	return page, err
}

// look checks what a page says of all merchants.
func (s *matrixStand) look(page exposition.Page, want outcome) {
	s.t.Helper()
	s.tally.scrapes++
	isUp, reason, err := page.Health(victim)
	var wantReason hub.Reason
	if want == failing {
		wantReason = s.cell.fault.Reason
	}
	s.expect(err == nil && isUp == (want == up) && reason == wantReason,
		"up is %v and the reason %q, want %q and %q (%v)", isUp, reason, want, wantReason, err)
	age := s.clock.Now().Sub(s.given)
	s.shown = s.lookAtFigures(page, victim, s.given, !s.given.IsZero() && (want == up || age <= matrixMaxAge))
	if s.shown {
		s.tally.shown++
	} else {
		s.tally.absent++
	}
	for id := range s.plans {
		if id == victim {
			continue
		}
		isUp, _, err := page.Health(id)
		s.expect(err == nil && isUp, "%s is touched: up is %v, %v", id, isUp, err)
		if s.lookAtFigures(page, id, s.asked, true) {
			s.tally.others++
		}
	}
}

// lookAtFigures checks a merchant's figures: those that the hub gave at a time,
// if they are to be shown. It returns whether they are.
func (s *matrixStand) lookAtFigures(page exposition.Page, id string, given time.Time, want bool) bool {
	s.t.Helper()
	figures, shown, err := page.Figures(id)
	if err != nil || shown != want {
		s.t.Errorf("figures of %s are shown: %v, want %v (%v)", id, shown, want, err)
	}
	if shown {
		truth := s.plans[id].At(given.Sub(s.began))
		want := exposition.Figures{Remain: int64(truth.Remain()), Total: int64(truth.Total), Transferred: int64(truth.Transferred)}
		s.expect(figures == want, "figures of %s are %v, and the truth is %v", id, figures, want)
	}
	return shown
}

// grain is how exactly the time of the next query can be read from a page:
// grain before what opensIn returns the gate is closed for certain.
const grain = 3 * time.Millisecond

// opensIn returns after how long the victim may be asked again for certain.
func (s *matrixStand) opensIn() time.Duration {
	seconds, there := s.page.Of("payple_next_query_timestamp_seconds", victim)
	s.expect(there, "nobody says when the hub is asked again")
	return time.UnixMilli(int64(math.Ceil(seconds*1e3)) + 1).Sub(s.clock.Now())
}

// expectRequests looks at what the victim's queries have cost since the last
// look.
func (s *matrixStand) expectRequests(token, remain int) {
	s.t.Helper()
	costs := [2]int{s.hub.Requests(victim, hub.EndpointToken), s.hub.Requests(victim, hub.EndpointRemain)}
	got := [2]int{costs[0] - s.costs[0], costs[1] - s.costs[1]}
	want := [2]int{token, remain}
	if s.cell.repeats() && got != want { // it met the fault on a kept connection, and then on a new one
		want[slices.Index(hub.Endpoints(), s.cell.endpoint)]++
	}
	s.expect(got == want, "%d token and %d remain requests, want %d and %d", got[0], got[1], token, remain)
	s.costs = costs
}

// expectNothingLeft looks at what remains of the whole cell at the hub.
func (s *matrixStand) expectNothingLeft() {
	s.t.Helper()
	programs.Eventually(s.t, "no request is under way", func() bool {
		under := 0
		for id := range s.plans {
			for _, endpoint := range hub.Endpoints() {
				now, _ := s.hub.UnderWay(id, endpoint)
				under += now
			}
		}
		return under == 0
	})
	for id := range s.plans {
		if id == victim && s.cell.leavesHubBehind() {
			continue
		}
		for _, endpoint := range hub.Endpoints() {
			_, most := s.hub.UnderWay(id, endpoint)
			s.expect(most <= 1, "%d %s requests of %s were under way at once", most, endpoint, id)
		}
	}
}

// matrixTable writes what was counted, in Markdown.
func matrixTable(tallies map[hub.Reason]*tally) string {
	var b strings.Builder
	b.WriteString("| reason | faults | cells | scrapes, all answered 200 in time | with figures, all true | without figures | other merchants' figures, all true |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|\n")
	sum := tally{}
	faults := 0
	row := func(name string, faults int, t tally) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d |\n", name, faults, t.cells, t.scrapes, t.shown, t.absent, t.others)
	}
	for _, reason := range hub.Reasons() {
		t := tallies[reason]
		if t.cells == 0 {
			continue
		}
		row("`"+string(reason)+"`", len(t.faults), *t)
		faults += len(t.faults)
		sum.cells += t.cells
		sum.scrapes += t.scrapes
		sum.shown += t.shown
		sum.absent += t.absent
		sum.others += t.others
	}
	row("**all**", faults, sum)
	return b.String()
}

// expectTable compares the table with the one that is kept, or writes it: how many
// cells and scrapes there are must not shrink unseen.
func expectTable(t *testing.T, table string) {
	t.Helper()
	golden.Compare(t, "internal/test/e2e/testdata/matrix.md", table, *updateMatrix)
}
