package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"payple_exporter/internal/test/exposition"
)

// A scraper asks for an answer within scrapeTimeout; one that comes later is
// counted. At patience it gives up, and that is a failure.
const (
	scrapeTimeout = 5 * time.Second
	patience      = 30 * time.Second
)

// maxFaults is how many failed scrapes are kept in words.
const maxFaults = 20

// scraper is all that asks the exporter, and what came of it.
type scraper struct {
	url     string
	backend *backend
	client  *http.Client

	mu      sync.Mutex
	asked   int // answered or not
	left    int // scrapers that hung up on purpose
	figures int // figures that were checked
	absent  int // merchants whose figures were not shown
	down    int // merchants that were shown with payple_up 0
	faults  []error
	failed  int
	late    int
	slowest time.Duration
	say     func(format string, args ...any)
}

func newScraper(url string, backend *backend, say func(format string, args ...any)) *scraper {
	return &scraper{url: url, backend: backend, say: say, client: &http.Client{Transport: &http.Transport{}}}
}

// scrape asks once a second for each random source until ctx ends.
func (s *scraper) scrape(ctx context.Context, scrapers []*rand.Rand) {
	var all sync.WaitGroup
	for i, chance := range scrapers {
		all.Go(func() {
			pause(ctx, time.Duration(i)*time.Second/time.Duration(len(scrapers)))
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for ctx.Err() == nil {
				s.once(ctx, chance)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
}

// once asks in one of the ways in which people and Prometheus ask.
func (s *scraper) once(ctx context.Context, chance *rand.Rand) {
	switch way := chance.IntN(10); way {
	case 0:
		s.leave(ctx, time.Duration(chance.Int64N(int64(50*time.Millisecond))))
	case 1:
		s.page()
	case 2, 3:
		i := chance.IntN(s.backend.stable()) // the others may be out of the configuration
		s.read("/probe?merchant="+url.QueryEscape(s.backend.partners[i].CstID), "", i, i+1)
	case 4, 5, 6:
		s.read("/metrics", exposition.OpenMetrics, 0, len(s.backend.partners))
	default:
		s.read("/metrics", "", 0, len(s.backend.partners))
	}
}

// leave hangs up before the answer, as a scraper does that is stopped.
func (s *scraper) leave(ctx context.Context, after time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	_, _, err := s.get(ctx, "/metrics", "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.left++
	}
}

// page asks for the page for people.
func (s *scraper) page() {
	_, _, err := s.inTime("/", "")
	s.note(err)
}

// read scrapes, and checks the figures of the partners from first to last.
func (s *scraper) read(path, accept string, first, last int) {
	asked := time.Now()
	contentType, body, err := s.inTime(path, accept)
	if err != nil {
		s.note(err)
		return
	}
	read := time.Now()
	page, err := exposition.Parse(contentType, body)
	if err != nil {
		s.note(fmt.Errorf("%s: %w", path, err))
		return
	}
	s.note(s.check(page, first, last, asked, read))
}

// check looks at the figures and the health of the partners from first to last.
// One that is in every configuration and not on the page is a fault of it.
func (s *scraper) check(page exposition.Page, first, last int, asked, read time.Time) error {
	var faults []error
	figures, absent, down := 0, 0, 0
	for i := first; i < last; i++ {
		id := s.backend.partners[i].CstID
		if _, there := page.Of("payple_up", id); !there && i >= s.backend.stable() {
			continue // not in the configuration
		}
		up, _, unhealthy := page.Health(id)
		if !up {
			down++
		}
		shown, known, err := page.Figures(id)
		if known {
			figures++
			err = errors.Join(err, s.backend.check(i, shown, asked, read))
		} else {
			absent++
		}
		faults = append(faults, unhealthy, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures += figures
	s.absent += absent
	s.down += down
	return errors.Join(faults...)
}

// inTime gets a path, and looks at how long it takes.
func (s *scraper) inTime(path, accept string) (contentType string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	contentType, body, err = s.get(ctx, path, accept)
	s.mu.Lock()
	defer s.mu.Unlock()
	took := time.Since(began)
	s.slowest = max(s.slowest, took)
	if took > scrapeTimeout {
		s.late++
	}
	return contentType, body, err
}

func (s *scraper) get(ctx context.Context, path, accept string) (contentType string, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(scrapeTimeout.Seconds(), 'f', -1, 64))
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("%s: HTTP %d: %.200s", path, response.StatusCode, body)
	}
	return response.Header.Get("Content-Type"), body, nil
}

// note counts a scrape.
func (s *scraper) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if err == nil {
		return
	}
	s.failed++
	if len(s.faults) < maxFaults {
		s.say("FAILED: %v", err)
		s.faults = append(s.faults, fmt.Errorf("%s: %w", time.Now().UTC().Format(time.TimeOnly), err))
	}
}

// reload asks for a reload over HTTP and returns the status.
func (s *scraper) reload() (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/-/reload", http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("reload: %w", err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("reload: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only its status counts
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}

// missing returns the partners that are not up, or have no figures.
func (s *scraper) missing(ctx context.Context) []string {
	var missing []string
	contentType, body, err := s.get(ctx, "/metrics", "")
	if err != nil {
		return []string{err.Error()}
	}
	page, err := exposition.Parse(contentType, body)
	if err != nil {
		return []string{err.Error()}
	}
	for _, partner := range s.backend.partners {
		up, reason, healthErr := page.Health(partner.CstID)
		_, known, figuresErr := page.Figures(partner.CstID)
		if !up || !known || healthErr != nil || figuresErr != nil {
			missing = append(missing, partner.CstID+" "+string(reason))
		}
	}
	return missing
}
