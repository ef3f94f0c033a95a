package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
)

// backendOf is a hub of n partners that nobody can reach.
func backendOf(n int) *backend {
	b := &backend{began: time.Now()}
	for i := range n {
		b.partners = append(b.partners, simulator.Partner{CstID: fmt.Sprintf("m%04d", i), Plan: simulator.Plan{
			Start: simulator.Figures{Total: hub.Won(1_000_000 + i)},
		}})
	}
	b.Hub = simulator.New(simulator.Options{}, b.partners...)
	return b
}

// sound is a run of 10 merchants, nine of them there all the time, in which all
// went well.
func sound() *soak {
	s := &soak{backend: backendOf(10), events: map[string]int{}}
	s.scraper = newScraper("", s.backend, func(string, ...any) {})
	s.scraper.asked, s.scraper.figures = 200, 1000
	for _, kind := range kinds() {
		s.events[kind] = 1
	}
	for _, id := range s.backend.ids(0, 10) {
		s.backend.pace.enter(id, hub.EndpointToken, time.Now(), kept)
	}
	held := reading{resident: 30 << 20, heap: 7 << 20, goroutines: 11, descriptors: 12}
	s.reading = []reading{held, held, held}
	return s
}

func (s *soak) last() *reading { return &s.reading[len(s.reading)-1] }

// Every way to fail fails, and by no less than its margin.
func TestVerdict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*soak)
		want  string // empty: nothing went wrong
	}{
		{"all went well", func(*soak) {}, ""},

		{"a scrape failed", func(s *soak) { s.scraper.note(errors.New("why")) }, "why"},
		{"two of 200 late", func(s *soak) { s.scraper.late = 2 }, ""},
		{"three of 200 late", func(s *soak) { s.scraper.late = 3 }, "3 of 200 scrapes took longer than 5s"},

		{"another request than the hub knows", func(s *soak) {
			s.backend.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/elsewhere", strings.NewReader("{}")))
		}, "1 departures from the hub's protocol"},
		{"a merchant asked twice at a time", func(s *soak) { s.backend.pace.enter("m0008", hub.EndpointToken, time.Now(), kept) }, "1 of 11 queries came before"},
		{"a returning merchant asked twice at a time", func(s *soak) { s.backend.pace.enter("m0009", hub.EndpointToken, time.Now(), kept) }, "1 of 11 queries came before"},

		{"no figures were seen", func(s *soak) { s.scraper.figures = 0 }, "there were no figures"},
		{"nobody was asked", func(s *soak) { s.backend.pace = pace{} }, "there were no queries"},
		{"nothing was broken", func(s *soak) { s.events[eventFault] = 0 }, "there were no faults"},
		{"the hub never went away", func(s *soak) { s.events[eventRestart] = 0 }, "there were no hub restarts"},
		{"no key was rotated", func(s *soak) { s.events[eventKey] = 0 }, "there were no keys rotated"},
		{"nothing was reloaded", func(s *soak) { s.events[eventReload] = 0 }, "there were no reloads"},
		{"no file was refused", func(s *soak) { s.events[eventRefusal] = 0 }, "there were no reloads refused"},
		{"no idle connection was closed", func(s *soak) { s.events[eventIdle] = 0 }, "there were no times that idle"},
		{"no connection was drained", func(s *soak) { s.events[eventDrain] = 0 }, "there were no drains"},
		{"the hub never moved", func(s *soak) { s.events[eventMove] = 0 }, "there were no address changes"},
		{"nobody left and came back", func(s *soak) { s.events[eventReturn] = 0 }, "there were no returns"},

		{"never measured", func(s *soak) { s.reading = nil }, "nothing to compare"},
		{"measured once", func(s *soak) { s.reading = s.reading[:1] }, "nothing to compare"},
		{"16 MiB more", func(s *soak) { s.last().resident += 16 << 20 }, ""},
		{"16 MiB and a page more", func(s *soak) { s.last().resident += 16<<20 + 4096 }, "bytes of resident memory"},
		{"4 MiB of heap more", func(s *soak) { s.last().heap += 4 << 20 }, ""},
		{"4 MiB and a page of heap more", func(s *soak) { s.last().heap += 4<<20 + 8192 }, "bytes of heap"},
		{"two goroutines more", func(s *soak) { s.last().goroutines += 2 }, ""},
		{"three goroutines more", func(s *soak) { s.last().goroutines += 3 }, "14 goroutines, 11 in the beginning"},
		{"two descriptors more", func(s *soak) { s.last().descriptors += 2 }, ""},
		{"three descriptors more", func(s *soak) { s.last().descriptors += 3 }, "15 descriptors, 12 in the beginning"},
		{"a connection to the hub", func(s *soak) { s.last().connections = 1 }, "1 connections to the hub"},
		{"more in the middle alone", func(s *soak) { s.reading[1].goroutines += 100 }, ""},
		{"less than in the beginning", func(s *soak) { s.last().heap = 1 << 20 }, ""},
		{"a metric by another name", func(s *soak) {
			for i := range s.reading {
				s.reading[i].descriptors = 0
			}
		}, "does not tell its descriptors"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := sound()
			test.spoil(s)
			switch err := s.verdict(); {
			case test.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
}
