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
}

const (
	token  = hub.EndpointToken
	remain = hub.EndpointRemain
)

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
		{"token and limit, then the limit alone", []seen{{0, token, false}, {5, remain, true}, {1000, remain, true}, {2000, remain, true}}, 3, 0},
		{"a token expired", []seen{{0, remain, true}, {1000, token, false}, {1005, remain, true}, {2000, remain, true}}, 3, 0},
		{"a token was refused", []seen{{0, remain, true}, {1000, remain, false}, {1005, token, false}, {1010, remain, true}, {2000, remain, true}}, 3, 0},
		{"tokens are refused", []seen{{0, token, false}, {1000, token, false}, {2000, token, false}}, 3, 0},
		{"the first was long on its way", []seen{{400, remain, true}, {1000, remain, true}, {2000, remain, true}}, 3, 0},

		{"a kept connection lost it", []seen{{0, remain, false}, {100, remain, true}, {1000, remain, true}}, 2, 0},
		{"three at a time", []seen{{0, remain, true}, {100, remain, true}, {200, remain, true}}, 2, 1},
		{"a merchant that is new again", []seen{{0, remain, true}, {300, token, false}, {305, remain, true}}, 2, 1},
		{"a refused token asked for again", []seen{{0, token, false}, {300, token, false}}, 2, 1},
		{"one at the edge", []seen{{0, remain, true}, {500, remain, true}}, 2, 0},
		{"always a little too fast", []seen{
			{0, remain, true}, {800, remain, true}, {1600, remain, true}, {2400, remain, true}, {3200, remain, true},
		}, 5, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var p pace
			began := time.Now()
			for _, request := range test.requests {
				p.enter("m", request.endpoint, began.Add(time.Duration(request.at)*time.Millisecond))(request.honest)
				p.enter("other", request.endpoint, began)
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
	late := p.enter("m", remain, began)
	p.enter("m", remain, began.Add(2*time.Second))(false)
	late(true)
	p.enter("m", token, began.Add(2*time.Second))
	if queries, early, _ := p.of([]string{"m"}); queries != 2 || early != 0 {
		t.Errorf("%d queries, %d early: the token is a part of the second", queries, early)
	}
}
