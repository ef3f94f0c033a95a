// Package simulator is a simulated Payple hub: it speaks the documented protocol
// over real HTTP, notes whatever departs from it, moves its partners' money
// by plan, and fails on demand. Tests, the exporter's --demo and its simulate
// command all use this one.
package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"payple_exporter/hub"
)

// Partner is one account of the simulated hub.
type Partner struct {
	CstID   string
	CustKey string
	Plan    Plan
	// Faults and Keys come by plan, too.
	Faults []TimedFault
	Keys   []KeyChange
}

// Options changes how a Hub behaves. The zero value is the documented hub.
type Options struct {
	// Now tells the time; nil means time.Now. The simulation begins when the
	// hub is made.
	Now func() time.Time
	// Speed makes all plans pass so many times as fast; 0 means 1. Tokens and
	// the hub's own time do not hurry.
	Speed int
	// TokenLife is how long a token is good for; 0 means the documented 60 s.
	TokenLife time.Duration
	// NewTokenEndsOld makes a partner's new token end the one before. Whether
	// the real hub does so is unknown, so a client has to live with both.
	NewTokenEndsOld bool
	// DeadToken is what a token that is no longer good meets; the zero value
	// means the result code T0400.
	DeadToken Fault
	// Strict makes the hub refuse requests that depart from the documented form
	// although it could answer them. It notes them in any case.
	Strict bool
}

// Hub is a simulated hub. Its zero value is of no use; New makes one.
type Hub struct {
	options Options
	began   time.Time

	mu         sync.Mutex
	partners   map[string]*account
	departures []string
}

// account is a partner and what happened to it.
type account struct {
	Partner
	faults  map[hub.Endpoint]Fault
	traffic map[hub.Endpoint]traffic
	tokens  map[string]grant
	codes   map[string]bool // of tokens that were shown: their requests need no repetition
}

// grant is what is known of a token.
type grant struct {
	ends time.Time
	code string // of the request that asked for it
}

// traffic counts requests.
type traffic struct{ requests, underWay, mostAtOnce int }

// New returns a hub with these partners.
func New(options Options, partners ...Partner) *Hub {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.TokenLife == 0 {
		options.TokenLife = time.Minute
	}
	options.Speed = max(1, options.Speed)
	h := &Hub{options: options, began: options.Now(), partners: make(map[string]*account)}
	for _, partner := range partners {
		h.partners[partner.CstID] = &account{
			Partner: partner,
			faults:  make(map[hub.Endpoint]Fault),
			traffic: make(map[hub.Endpoint]traffic),
			tokens:  make(map[string]grant),
			codes:   make(map[string]bool),
		}
	}
	return h
}

// on does something to a partner's account, and reports whether there is such a
// partner.
func (h *Hub) on(cstID string, do func(*account)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if known {
		do(account)
	}
	return known
}

// Break makes one endpoint fail for a partner until Mend, or until it is
// broken in another way. It reports whether there is such a partner.
func (h *Hub) Break(cstID string, endpoint hub.Endpoint, fault Fault) bool {
	return h.on(cstID, func(a *account) { a.faults[endpoint] = fault })
}

// elapsed is how far the plans have come.
func (h *Hub) elapsed() time.Duration {
	return h.options.Now().Sub(h.began) * time.Duration(h.options.Speed)
}

// Mend ends all faults of a partner, planned ones that are under way among
// them. Requests that hang go on hanging.
func (h *Hub) Mend(cstID string) bool {
	return h.on(cstID, func(a *account) { a.mend(h.elapsed()) })
}

func (a *account) mend(elapsed time.Duration) {
	clear(a.faults)
	a.Faults = slices.DeleteFunc(slices.Clone(a.Faults), func(f TimedFault) bool { return f.under(elapsed) })
}

// SetCustKey changes a partner's key and ends its tokens, as a rotation does.
func (h *Hub) SetCustKey(cstID, custKey string) {
	h.on(cstID, func(a *account) {
		a.CustKey, a.Keys = custKey, nil
		clear(a.tokens)
	})
}

// SetFigures gives a partner's account these figures from now on; nothing moves
// any more.
func (h *Hub) SetFigures(cstID string, figures Figures) {
	h.on(cstID, func(a *account) { a.Plan = Plan{Start: figures} })
}

// EndTokens ends a partner's tokens before their time.
func (h *Hub) EndTokens(cstID string) {
	h.on(cstID, func(a *account) { clear(a.tokens) })
}

// Requests returns how often an endpoint was asked for a partner, whatever
// came of it.
func (h *Hub) Requests(cstID string, endpoint hub.Endpoint) (n int) {
	h.on(cstID, func(a *account) { n = a.traffic[endpoint].requests })
	return n
}

// UnderWay returns how many requests of a partner an endpoint has now, and ever
// had at the same time.
func (h *Hub) UnderWay(cstID string, endpoint hub.Endpoint) (now, most int) {
	h.on(cstID, func(a *account) { now, most = a.traffic[endpoint].underWay, a.traffic[endpoint].mostAtOnce })
	return now, most
}

// mostDepartures bounds what is noted of a client that departs in ever new ways.
const mostDepartures = 1000

// Departures returns in what requests departed from the documented form, in
// words and each once.
func (h *Hub) Departures() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.departures...)
}

// note remembers departures. mu must be held.
func (h *Hub) note(departures ...string) {
	for _, departure := range departures {
		if len(h.departures) < mostDepartures && !slices.Contains(h.departures, departure) {
			h.departures = append(h.departures, departure)
		}
	}
}

// cstIDs returns the partners' ids in order.
func (h *Hub) cstIDs() []string {
	return slices.Sorted(maps.Keys(h.partners))
}

// ServeHTTP answers a request as the hub would, or as its faults demand.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoints := map[string]hub.Endpoint{"/oauth/token": hub.EndpointToken, "/account/remain": hub.EndpointRemain}
	endpoint, known := endpoints[r.URL.Path]
	if !known {
		h.mu.Lock()
		h.note(fmt.Sprintf("no such endpoint: %.100q", r.URL.Path))
		h.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	q := read(r, endpoint, h.options.Strict)
	fault, honest := h.meet(q)
	defer h.leave(q)
	e := &exchange{w: w, r: r, body: q.body, honest: honest}
	if fault.apply != nil {
		fault.apply(e)
		return
	}
	e.raw(written(honest))
}

// meet counts a request, and returns the fault that it meets and the honest
// answer.
func (h *Hub) meet(q *request) (fault Fault, honest map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[q.body["cst_id"]]
	if known {
		t := account.traffic[q.endpoint]
		t.requests++
		t.underWay++
		t.mostAtOnce = max(t.mostAtOnce, t.underWay)
		account.traffic[q.endpoint] = t
		fault = account.fault(q.endpoint, h.elapsed())
		if code := q.body["code"]; account.codes[code] {
			q.depart(false, "T0211", "the code of an earlier request, whose token was used")
		}
	}
	h.note(q.departures...)
	switch {
	case q.refusal != "":
		return fault, refuse(q.refusal)
	case !known || account.KeyAt(h.elapsed()) != q.body["custKey"]:
		return fault, refuse("T0300")
	case q.endpoint == hub.EndpointToken:
		return fault, h.grantToken(account, q.body["code"])
	}
	honest = h.tellLimit(account, q.token)
	if honest["result"] == deadToken && fault.apply == nil {
		fault = h.options.DeadToken
	}
	return fault, honest
}

// fault returns what an endpoint meets: what a person broke, else what is
// planned.
func (a *account) fault(endpoint hub.Endpoint, elapsed time.Duration) Fault {
	if fault, broken := a.faults[endpoint]; broken {
		return fault
	}
	return a.FaultAt(endpoint, elapsed)
}

func (h *Hub) leave(q *request) {
	h.on(q.body["cst_id"], func(a *account) {
		t := a.traffic[q.endpoint]
		t.underWay--
		a.traffic[q.endpoint] = t
	})
}

// deadToken is the result code for a token that is no longer good.
const deadToken = "T0400"

func refuse(code string) map[string]any {
	return map[string]any{"result": code, "message": "처리 실패"}
}

func (h *Hub) grantToken(account *account, code string) map[string]any {
	now := h.options.Now()
	maps.DeleteFunc(account.tokens, func(_ string, g grant) bool { return h.options.NewTokenEndsOld || !now.Before(g.ends) })
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	token := "eyJ" + hex.EncodeToString(random[:])
	account.tokens[token] = grant{now.Add(h.options.TokenLife), code}
	return map[string]any{
		"result": "T0000", "message": "처리 성공", "code": code,
		"access_token": token, "token_type": "Bearer",
		"expires_in": strconv.Itoa(int(h.options.TokenLife / time.Second)),
	}
}

func (h *Hub) tellLimit(account *account, token string) map[string]any {
	now := h.options.Now()
	granted := account.tokens[token]
	if !now.Before(granted.ends) {
		for _, other := range h.partners {
			if now.Before(other.tokens[token].ends) {
				return refuse("T0320")
			}
		}
		return refuse(deadToken)
	}
	if len(account.codes) >= 10_000 { // a simulation may run for weeks
		clear(account.codes)
	}
	account.codes[granted.code] = true
	figures := account.Plan.At(h.elapsed())
	return map[string]any{
		"result": "A0000", "message": "처리 성공", "cst_id": account.CstID,
		"total_account_amt":  amount(figures.Total),
		"total_transfer_amt": amount(figures.Transferred),
		"remain_amt":         amount(figures.Remain()),
		"api_tran_dtm":       tranTime(now),
	}
}

func amount(won hub.Won) string { return strconv.FormatInt(int64(won), 10) }

// tranTime writes yyyyMMddHHmmssSSS in Korean time.
func tranTime(t time.Time) string {
	t = t.In(hub.KST())
	return t.Format("20060102150405") + fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond))
}
