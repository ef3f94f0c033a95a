package programs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Pager stands for PagerDuty, in front of which the example for Alertmanager
// runs.
type Pager struct {
	mu  sync.Mutex
	got map[string][]PagerEvent
}

// PagerEvent is what an incident is told: that it opens or goes on (trigger),
// or that it is over (resolve).
type PagerEvent struct{ Action, Summary string }

// NewPager starts a pager, and returns the text of Alertmanager's example with
// its addresses in it.
func NewPager(t *testing.T, example string) (pager *Pager, config string) {
	t.Helper()
	pager = &Pager{got: make(map[string][]PagerEvent)}
	server := httptest.NewServer(pager)
	t.Cleanup(server.Close)
	return pager, strings.ReplaceAll(example, "http://127.0.0.1:9099", server.URL)
}

// ServeHTTP takes a message to PagerDuty, and drops those to other receivers.
func (p *Pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Key     string `json:"dedup_key"`
		Action  string `json:"event_action"`
		Payload struct {
			Summary string `json:"summary"`
		} `json:"payload"`
	}
	w.WriteHeader(http.StatusAccepted)
	if r.URL.Path == "/pager" && json.NewDecoder(r.Body).Decode(&message) == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got[message.Key] = append(p.got[message.Key], PagerEvent{message.Action, message.Payload.Summary})
	}
}

// Incidents returns the events of each incident in turn, by its key.
func (p *Pager) Incidents() map[string][]PagerEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	incidents := make(map[string][]PagerEvent)
	for key, events := range p.got {
		incidents[key] = slices.Clone(events)
	}
	return incidents
}

// Told returns the events of the incidents that were opened with such a text.
func (p *Pager) Told(text string) (all [][]PagerEvent) {
	for _, events := range p.Incidents() {
		if strings.Contains(events[0].Summary, text) {
			all = append(all, events)
		}
	}
	return all
}

// Resolved counts how often an incident was told that it is over.
func Resolved(events []PagerEvent) (n int) {
	for _, event := range events {
		if event.Action == "resolve" {
			n++
		}
	}
	return n
}
