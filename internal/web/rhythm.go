package web

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

const (
	// gapsToJudge is how many pauses between scrapes are looked at: one that was
	// missed, or a server that has just started, is no interval.
	gapsToJudge = 4
	// maxScrapers is how many scrapers are listened to, since strangers can be many.
	maxScrapers = 64
)

// rhythm learns from its scrapes how often Prometheus comes, which no request
// says, and warns once where that does not fit the minimum interval.
type rhythm struct {
	logger log.Logger

	mu sync.Mutex
	// warned is the minimum interval that there was a warning of; 0: none.
	warned   time.Duration
	scrapers map[string]*pauses
}

// pauses are those between the latest scrapes of one scraper.
type pauses struct {
	last              time.Time
	n                 int
	shortest, longest time.Duration
}

// note takes note of a scrape of what, if it is Prometheus that asks.
func (r *rhythm) note(request *http.Request, what string, minInterval time.Duration) {
	if request.Header.Get(timeoutHeader) == "" {
		return
	}
	host, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		host = request.RemoteAddr
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.warned == minInterval {
		return
	}
	now, id := time.Now(), host+" "+what
	known, found := r.scrapers[id]
	if !found {
		if len(r.scrapers) < maxScrapers {
			r.scrapers[id] = &pauses{last: now}
		}
		return
	}
	known.add(now)
	if known.n < gapsToJudge {
		return
	}
	if warning := known.verdict(minInterval); warning != "" {
		r.warned = minInterval
		_ = level.Warn(r.logger).Log("msg", warning, "min_interval", minInterval, "scrape_interval", known.longest.Round(time.Second/10), "scraper", host)
	}
	known.n = 0
}

// add adds the pause before a scrape.
func (p *pauses) add(now time.Time) {
	pause := now.Sub(p.last)
	p.last = now
	if p.n == 0 {
		p.shortest, p.longest = pause, pause
	}
	p.shortest, p.longest = min(p.shortest, pause), max(p.longest, pause)
	p.n++
}

// verdict returns what is wrong with a minimum interval; empty if nothing is.
func (p *pauses) verdict(minInterval time.Duration) string {
	switch {
	case p.longest-p.longest/20 < minInterval: // not quite on time is on time
		return "min_interval is not shorter than the scrape interval, so that some scrapes get the figures of the one before: " +
			"set --payple.min-interval just under the scrape interval, unless these are several servers behind one address"
	case p.shortest > 2*minInterval:
		return "min_interval is less than half of the scrape interval, so that a second Prometheus server makes the hub be asked twice as often: " +
			"set --payple.min-interval just under the scrape interval"
	}
	return ""
}
