package main

import (
	"testing"
	"time"

	"payple_exporter/hub"
)

// What the hub sees of a merchant: requests, their times in milliseconds, and
// whether it answered them with a limit.
type seen struct {
	at       int
	endpoint hub.Endpoint
	honest   bool
	lost     bool // its connection ended
}

const (
	token  = hub.EndpointToken
	remain = hub.EndpointRemain
)

func kept() bool { return false }

// A query is known by its first request, and is early if its interval cannot
// have been over. What may be a part of the query before is never held against
// the exporter.
func TestPace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		requests       []seen
		queries, early int
	}{
		{"token and limit, then the limit alone", []seen{{0, token, false, false}, {5, remain, true, false}, {1000, remain, true, false}, {2000, remain, true, false}}, 3, 0},
		{"a token expired", []seen{{0, remain, true, false}, {1000, token, false, false}, {1005, remain, true, false}, {2000, remain, true, false}}, 3, 0},
		{"a token was refused", []seen{{0, remain, true, false}, {1000, remain, false, false}, {1005, token, false, false}, {1010, remain, true, false}, {2000, remain, true, false}}, 3, 0},
		{"tokens are refused", []seen{{0, token, false, false}, {1000, token, false, false}, {2000, token, false, false}}, 3, 0},
		{"the first was long on its way", []seen{{400, remain, true, false}, {1000, remain, true, false}, {2000, remain, true, false}}, 3, 0},

		{"a kept connection lost it", []seen{{at: 0, endpoint: remain, lost: true}, {at: 400, endpoint: remain, honest: true}, {at: 1000, endpoint: remain, honest: true}}, 2, 0},
		{"twice at a time", []seen{{at: 0, endpoint: remain, honest: true}, {at: 100, endpoint: remain, honest: true}}, 2, 1},
		{"three at a time", []seen{{at: 0, endpoint: remain, lost: true}, {at: 100, endpoint: remain, lost: true}, {at: 200, endpoint: remain, honest: true}}, 2, 1},
		{"a merchant that is new again", []seen{{0, remain, true, false}, {300, token, false, false}, {305, remain, true, false}}, 2, 1},
		{"a refused token asked for again", []seen{{0, token, false, false}, {300, token, false, false}}, 2, 1},
		{"one at the edge", []seen{{0, remain, true, false}, {500, remain, true, false}}, 2, 0},
		{"always a little too fast", []seen{
			{0, remain, true, false}, {800, remain, true, false}, {1600, remain, true, false}, {2400, remain, true, false}, {3200, remain, true, false},
		}, 5, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var p pace
			began := time.Now()
			for _, request := range test.requests {
				p.enter("m", request.endpoint, began.Add(time.Duration(request.at)*time.Millisecond), func() bool { return request.lost })(request.honest)
				p.enter("other", request.endpoint, began, kept)
			}
			if queries, early, _ := p.of([]string{"m", "nobody"}); queries != test.queries || early != test.early {
				t.Errorf("%d queries, %d of them early: want %d and %d", queries, early, test.queries, test.early)
			}
		})
	}
}

// An answer that comes when the exporter has long given up says nothing of the
// request after it.
func TestPaceOfALateAnswer(t *testing.T) {
	t.Parallel()
	var p pace
	began := time.Now()
	late := p.enter("m", remain, began, kept)
	p.enter("m", remain, began.Add(2*time.Second), kept)(false)
	late(true)
	p.enter("m", token, began.Add(2*time.Second), kept)
	if queries, early, _ := p.of([]string{"m"}); queries != 2 || early != 0 {
		t.Errorf("%d queries, %d early: the token is a part of the second", queries, early)
	}
}
