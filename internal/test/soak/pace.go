package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"payple_exporter/hub"
)

// early is how much sooner than its interval a query may seem to come: the one
// before was on its way for longer than this one.
const early = minInterval / 2

// pace counts the queries that reach the hub, and those that come before the
// merchant's interval is over. It sees requests, not queries: where it cannot
// know that one begins a query, it does not.
type pace struct {
	mu        sync.Mutex
	merchants map[string]*merchantPace
}

// merchantPace is what the hub knows of one merchant's queries.
type merchantPace struct {
	requests int          // so far
	latest   hub.Endpoint // that was asked
	lost     func() bool  // whether its connection has ended since
	repeated bool         // it was sent again
	honest   bool         // the latest was answered, by a hub that is well
	due      time.Time    // when the next query may come if all came as late as they may
	queries  int
	early    int
	again    int // that were sent again on a new connection
}

// enter notes a request. lost reports, later, whether its connection has ended.
// Call what enter returns when it is answered.
func (p *pace) enter(merchant string, endpoint hub.Endpoint, now time.Time, lost func() bool) (leave func(honest bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.merchants == nil {
		p.merchants = make(map[string]*merchantPace)
	}
	m, known := p.merchants[merchant]
	if !known {
		m = &merchantPace{}
		p.merchants[merchant] = m
	}
	// Soon after a request whose connection ended comes the same once more. How
	// soon, depends on the machine; that it is not the next query, on its bound.
	if m.repeated = !m.repeated && m.latest == endpoint && now.Before(m.due.Add(-early)) && m.lost(); m.repeated {
		m.again++
	} else if m.begins(endpoint) {
		m.query(now)
	}
	m.requests++
	m.latest, m.lost, m.honest = endpoint, lost, false
	request := m.requests
	return func(honest bool) { p.leave(m, request, honest) }
}

func (p *pace) leave(m *merchantPace, request int, honest bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if request == m.requests { // else the exporter has given it up, and asked again
		m.honest = honest
	}
}

// begins reports whether a request is a query's first for sure. A query is a
// token request, if it needs one, and one for the limit; and both once more if
// the hub refuses a token that was good a moment ago.
func (m *merchantPace) begins(endpoint hub.Endpoint) bool {
	if endpoint == hub.EndpointToken {
		return m.latest != hub.EndpointRemain || m.honest
	}
	return m.latest != hub.EndpointToken
}

// query notes a query. One that comes early makes the next no less early: a
// pace that is a little too fast all the time is found too.
func (m *merchantPace) query(now time.Time) {
	m.queries++
	if now.Before(m.due.Add(-early)) {
		m.early++
	}
	if now.After(m.due) {
		m.due = now
	}
	m.due = m.due.Add(minInterval)
}

// of returns the queries for some merchants, how many of them came early, and
// how many requests were sent again.
func (p *pace) of(partners []string) (queries, early, again int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range partners {
		if m, known := p.merchants[id]; known {
			queries += m.queries
			early += m.early
			again += m.again
		}
	}
	return queries, early, again
}

// ServeHTTP looks at a request and has the simulated hub answer it.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	var body struct {
		CstID string `json:"cst_id"`
	}
	_ = json.Unmarshal(text, &body) // the hub itself complains
	endpoint := hub.EndpointToken
	if r.URL.Path != "/oauth/token" {
		endpoint = hub.EndpointRemain
	}
	answered := &answer{ResponseWriter: w}
	leave := b.pace.enter(body.CstID, endpoint, time.Now(), func() bool { return !b.connected(r.RemoteAddr) })
	defer func() { leave(answered.honest) }()
	if b.away(r) {
		http.Error(answered, "draining", http.StatusServiceUnavailable)
		return
	}
	b.Hub.ServeHTTP(answered, r)
}

// answer notes whether the hub answers with a limit.
type answer struct {
	http.ResponseWriter

	honest bool
}

func (a *answer) Write(text []byte) (int, error) {
	a.honest = a.honest || bytes.Contains(text, []byte(`"A0000"`))
	n, err := a.ResponseWriter.Write(text)
	if err != nil {
		return n, fmt.Errorf("answering: %w", err)
	}
	return n, nil
}

// Unwrap lets faults have the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
