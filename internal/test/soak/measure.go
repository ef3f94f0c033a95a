package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"payple_exporter/internal/test/exposition"
)

// How much more the exporter may hold in the end than after the warm-up, when
// nobody asks it and it asks nobody. Resident memory is the operating system's
// count, and what the garbage collector has not given back is in it; the heap
// is what is left after a collection; the others are exact.
const (
	marginResident    = 16 << 20
	marginHeap        = 4 << 20
	marginGoroutines  = 2
	marginDescriptors = 2
)

// sweep is how long after a collection what it found is free.
const sweep = 500 * time.Millisecond

// reading is what the exporter holds while nothing happens.
type reading struct {
	at          time.Duration // since the beginning
	resident    float64       // bytes
	heap        float64       // bytes in use after a garbage collection
	goroutines  float64
	descriptors float64
	connections int     // to the hub
	cpu         float64 // seconds so far
	scrapes     int     // so far
	requests    float64 // to the hub, so far
}

// measure waits until all is quiet, and reads.
func (s *soak) measure(ctx context.Context) error {
	// Connections that are kept for the next request are no leak: they are
	// taken away, and what is left belongs to nothing.
	pause(ctx, queryTimeout+time.Second)
	s.backend.dropIdle()
	s.scraper.client.CloseIdleConnections()
	pause(ctx, time.Second)
	page, err := s.collected(ctx)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	open, _ := s.backend.open()
	r := reading{
		at: time.Since(s.began), resident: page["process_resident_memory_bytes"], heap: page["go_memstats_heap_inuse_bytes"],
		goroutines: page["go_goroutines"], descriptors: page["process_open_fds"], cpu: page["process_cpu_seconds_total"],
		connections: open, scrapes: s.scraper.asked,
	}
	for _, endpoint := range []string{"token", "remain"} {
		r.requests += page[`payple_hub_requests_total{endpoint="`+endpoint+`"}`]
	}
	s.reading = append(s.reading, r)
	s.revision = revisionOf(page)
	s.say("%.1f MiB resident, %.1f MiB of heap, %.0f goroutines, %.0f descriptors, %d connections to the hub; %d scrapes, %d failed, %d late",
		r.resident/(1<<20), r.heap/(1<<20), r.goroutines, r.descriptors, r.connections, r.scrapes, s.scraper.failed, s.scraper.late)
	return nil
}

// collected returns the exporter's own metrics right after its garbage was
// collected. Only asking makes it collect: two collections from now, what the
// first had begun before is behind.
func (s *soak) collected(ctx context.Context) (exposition.Page, error) {
	const collections = "go_gc_duration_seconds_count"
	first, err := s.own(ctx)
	if err != nil {
		return nil, err
	}
	for range 10_000 {
		page, err := s.own(ctx)
		if err != nil {
			return nil, err
		}
		if page[collections] >= first[collections]+2 {
			pause(ctx, sweep)
			return s.own(ctx)
		}
	}
	return nil, errors.New("the exporter collects no garbage")
}

// own returns what the exporter tells of itself, which asks the hub nothing.
func (s *soak) own(ctx context.Context) (exposition.Page, error) {
	contentType, body, err := s.scraper.get(ctx, "/metrics?collect[]=exporter", "")
	if err != nil {
		return nil, err
	}
	return exposition.Parse(contentType, body)
}

// revisionOf returns which sources an exporter says that it was built from.
func revisionOf(page exposition.Page) string {
	told := regexp.MustCompile(`^payple_exporter_build_info\{.*revision="([^"]*)"`)
	for series := range page {
		if match := told.FindStringSubmatch(series); match != nil {
			return match[1]
		}
	}
	return "unknown"
}

// verdict returns what went wrong.
func (s *soak) verdict() error {
	return errors.Join(s.answers(), s.queries(), s.happened(), s.held())
}

// answers returns what was wrong with what the exporter answered.
func (s *soak) answers() error {
	var faults []error
	if s.scraper.failed > 0 {
		faults = append(faults, fmt.Errorf("%d of %d scrapes failed; the first:\n%w", s.scraper.failed, s.scraper.asked, errors.Join(s.scraper.faults...)))
	}
	// One in a hundred is for a machine that has no time for either of us.
	if s.scraper.late*100 > s.scraper.asked {
		faults = append(faults, fmt.Errorf("%d of %d scrapes took longer than %s, the slowest %s", s.scraper.late, s.scraper.asked, scrapeTimeout, s.scraper.slowest))
	}
	return errors.Join(faults...)
}

// queries returns what was wrong with what the exporter asked of the hub.
func (s *soak) queries() error {
	var faults []error
	if departures := s.backend.Departures(); len(departures) > 0 {
		faults = append(faults, fmt.Errorf("%d departures from the hub's protocol: %.500q", len(departures), departures))
	}
	// One in 500 is for a machine on which a request may be on its way for longer than the next.
	queries, early, again := s.backend.pace.of(s.backend.all())
	if early*500 > queries {
		faults = append(faults, fmt.Errorf("%d of %d queries came before their merchant's interval of %s was over", early, queries, minInterval))
	}
	if again*50 > queries {
		faults = append(faults, fmt.Errorf("%d requests in %d queries were sent again: more than break", again, queries))
	}
	return errors.Join(faults...)
}

// happened returns what should have happened and did not: a run without trouble,
// or without a figure to look at, proves nothing.
func (s *soak) happened() error {
	queries, _, _ := s.backend.pace.of(s.backend.all())
	counts := map[string]int{"figures": s.scraper.figures, "queries": queries}
	for _, kind := range kinds() {
		counts[kind] = s.events[kind]
	}
	var missing []error
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		if counts[what] == 0 {
			missing = append(missing, fmt.Errorf("there were no %s", what))
		}
	}
	return errors.Join(missing...)
}

// held returns what the exporter has kept too much of.
func (s *soak) held() error {
	if len(s.reading) < 2 {
		return errors.New("there is nothing to compare")
	}
	var faults []error
	first, last := s.reading[0], s.reading[len(s.reading)-1]
	for _, held := range []struct {
		what               string
		first, last, limit float64
	}{
		{"bytes of resident memory", first.resident, last.resident, marginResident},
		{"bytes of heap", first.heap, last.heap, marginHeap},
		{"goroutines", first.goroutines, last.goroutines, marginGoroutines},
		{"descriptors", first.descriptors, last.descriptors, marginDescriptors},
	} {
		switch {
		case held.first == 0 || held.last == 0:
			faults = append(faults, fmt.Errorf("the exporter does not tell its %s", held.what))
		case held.last > held.first+held.limit:
			faults = append(faults, fmt.Errorf("%.0f %s, %.0f in the beginning: want at most %.0f more", held.last, held.what, held.first, held.limit))
		}
	}
	if last.connections > 0 {
		faults = append(faults, fmt.Errorf("%d connections to the hub: want none", last.connections))
	}
	return errors.Join(faults...)
}

// report writes what happened, in Markdown.
func (s *soak) report(w io.Writer) {
	fmt.Fprintf(w, "%s on %s/%s with %s, revision %s: %d merchants every %s, %d scrapers every second, seed %d, %s in all.\n\n",
		s.began.UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.Version(), s.revision,
		s.options.merchants, minInterval, s.options.scrapers, s.options.seed, s.lasted.Round(time.Second))
	fmt.Fprintln(w, "| after | resident memory | heap after a collection | goroutines | descriptors | connections to the hub | scrapes so far | hub requests so far | processor time so far |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, r := range s.reading {
		fmt.Fprintf(w, "| %s | %.1f MiB | %.1f MiB | %.0f | %.0f | %d | %d | %.0f | %.0f s |\n", r.at.Round(time.Second),
			r.resident/(1<<20), r.heap/(1<<20), r.goroutines, r.descriptors, r.connections, r.scrapes, r.requests, r.cpu)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var events []string
	for _, what := range slices.Sorted(maps.Keys(s.events)) {
		events = append(events, fmt.Sprintf("%d %s", s.events[what], what))
	}
	_, most := s.backend.open()
	fmt.Fprintf(w, "\nWhat happened meanwhile: %s; %d scrapers hung up on purpose.\n", strings.Join(events, ", "), s.scraper.left)
	fmt.Fprintf(w, "%d scrapes: %d were not answered 200, or could not be read, or were not true; %d took longer than their %s. %d times a merchant's figures were shown, and true; %d times they were absent; %d times payple_up was 0.\n",
		s.scraper.asked, s.scraper.failed, s.scraper.late, scrapeTimeout, s.scraper.figures, s.scraper.absent, s.scraper.down)
	queries, early, again := s.backend.pace.of(s.backend.all())
	fmt.Fprintf(w, "%d queries reached the hub for %d merchants: %d of them before the merchant's interval was over; %d requests were sent again on a new connection.\n",
		queries, len(s.backend.partners), early, again)
	fmt.Fprintf(w, "The slowest scrape took %s. At most %d connections to the hub were open at once.\n", s.scraper.slowest.Round(time.Millisecond), most)
}
