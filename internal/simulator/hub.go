// Package simulator is a simulated Payple hub: it speaks the documented protocol
// over real HTTP, refuses whatever departs from it, moves its partners' money
// by plan, and fails on demand. Tests, the exporter's --demo and its simulate
// command all use this one.
package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
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
	// DeadTokenCode is the result for a token that is no longer good. It is
	// not documented; empty means HTTP 401 without a result.
	DeadTokenCode string
}

// Hub is a simulated hub. Its zero value is of no use; New makes one.
type Hub struct {
	options Options
	began   time.Time

	mu         sync.Mutex
	partners   map[string]*account
	tokens     map[string]grant
	violations []string
}

// account is a partner and what happened to it.
type account struct {
	Partner
	faults     map[hub.Endpoint]Fault
	requests   map[hub.Endpoint]int
	inFlight   map[hub.Endpoint]int
	mostAtOnce map[hub.Endpoint]int
	tokens     []string
}

// grant is what a token was given for.
type grant struct {
	cstID   string
	expires time.Time
}

// New returns a hub with these partners.
func New(options Options, partners ...Partner) *Hub {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.TokenLife == 0 {
		options.TokenLife = time.Minute
	}
	options.Speed = max(1, options.Speed)
	h := &Hub{
		options:  options,
		began:    options.Now(),
		partners: make(map[string]*account),
		tokens:   make(map[string]grant),
	}
	for _, partner := range partners {
		h.partners[partner.CstID] = &account{
			Partner:    partner,
			faults:     make(map[hub.Endpoint]Fault),
			requests:   make(map[hub.Endpoint]int),
			inFlight:   make(map[hub.Endpoint]int),
			mostAtOnce: make(map[hub.Endpoint]int),
		}
	}
	return h
}

// Break makes one endpoint fail for a partner until Mend, or until it is
// broken in another way. It reports whether there is such a partner.
func (h *Hub) Break(cstID string, endpoint hub.Endpoint, fault Fault) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if known {
		account.faults[endpoint] = fault
	}
	return known
}

// elapsed is how far the plans have come.
func (h *Hub) elapsed() time.Duration {
	return h.options.Now().Sub(h.began) * time.Duration(h.options.Speed)
}

// Mend ends all faults of a partner, planned ones that are under way among
// them. Requests that hang go on hanging.
func (h *Hub) Mend(cstID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if known {
		account.mend(h.elapsed())
	}
	return known
}

func (a *account) mend(elapsed time.Duration) {
	clear(a.faults)
	a.Faults = slices.DeleteFunc(slices.Clone(a.Faults), func(f TimedFault) bool { return f.under(elapsed) })
}

// SetCustKey changes a partner's key and ends its tokens, as a rotation does.
func (h *Hub) SetCustKey(cstID, custKey string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if account, known := h.partners[cstID]; known {
		account.CustKey, account.Keys = custKey, nil
		h.endTokens(cstID)
	}
}

// SetFigures gives a partner's account these figures from now on; nothing moves
// any more.
func (h *Hub) SetFigures(cstID string, figures Figures) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if account, known := h.partners[cstID]; known {
		account.Plan = Plan{Start: figures}
	}
}

// EndTokens ends a partner's tokens before their time.
func (h *Hub) EndTokens(cstID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.endTokens(cstID)
}

func (h *Hub) endTokens(cstID string) {
	if account, known := h.partners[cstID]; known {
		for _, token := range account.tokens {
			delete(h.tokens, token)
		}
		account.tokens = nil
	}
}

// dropDead forgets a partner's tokens that have reached their end, so that a
// simulation may run for weeks.
func (h *Hub) dropDead(account *account) {
	account.tokens = slices.DeleteFunc(account.tokens, func(token string) bool {
		dead := !h.options.Now().Before(h.tokens[token].expires)
		if dead {
			delete(h.tokens, token)
		}
		return dead
	})
}

// Requests returns how often an endpoint was asked for a partner, whatever
// came of it.
func (h *Hub) Requests(cstID string, endpoint hub.Endpoint) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if !known {
		return 0
	}
	return account.requests[endpoint]
}

// MostAtOnce returns how many requests of a partner an endpoint ever had at
// the same time.
func (h *Hub) MostAtOnce(cstID string, endpoint hub.Endpoint) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if !known {
		return 0
	}
	return account.mostAtOnce[endpoint]
}

// Violations returns every departure from the documented protocol, in words.
func (h *Hub) Violations() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.violations...)
}

// cstIDs returns the partners' ids in order.
func (h *Hub) cstIDs() []string {
	return slices.Sorted(maps.Keys(h.partners))
}

// ServeHTTP answers a request as the hub would, or as its faults demand.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint, ok := endpointAt(r.URL.Path)
	if !ok {
		h.violate(w, http.StatusNotFound, "no such endpoint: "+r.URL.Path)
		return
	}
	body, err := readBody(r, endpoint)
	if err != nil {
		h.violate(w, http.StatusBadRequest, err.Error())
		return
	}
	fault := h.enter(body["cst_id"], endpoint)
	defer h.leave(body["cst_id"], endpoint)

	var honest map[string]any
	status := http.StatusOK
	if endpoint == hub.EndpointToken {
		honest = h.grantToken(body)
	} else {
		status, honest = h.tellLimit(r.Header.Get("Authorization"), body)
	}
	exchange := &exchange{w: w, r: r, status: status, honest: honest, body: body}
	if fault.apply != nil {
		fault.apply(exchange)
		return
	}
	exchange.answer(honest)
}

func endpointAt(path string) (hub.Endpoint, bool) {
	switch path {
	case "/oauth/token":
		return hub.EndpointToken, true
	case "/account/remain":
		return hub.EndpointRemain, true
	}
	return "", false
}

// readBody reads a request, or tells in what it departs from the protocol.
func readBody(r *http.Request, endpoint hub.Endpoint) (map[string]string, error) {
	want := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-cache"}
	fields := map[string]bool{"cst_id": true, "custKey": true}
	if endpoint == hub.EndpointToken {
		fields["code"] = true
	} else {
		want["Accept"] = "application/json"
	}
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("%s: method %s, not POST", endpoint, r.Method)
	}
	for name, value := range want {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != value {
			return nil, fmt.Errorf("%s: header %s is %q, not %q", endpoint, name, got, value)
		}
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("%s: body cannot be read", endpoint)
	}
	var body map[string]string
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("%s: body is not an object of strings", endpoint)
	}
	for name := range body {
		if !fields[name] {
			return nil, fmt.Errorf("%s: body has an undocumented field %q", endpoint, name)
		}
	}
	return body, nil
}

// violate records a departure from the protocol and refuses the request.
func (h *Hub) violate(w http.ResponseWriter, status int, what string) {
	h.mu.Lock()
	h.violations = append(h.violations, what)
	h.mu.Unlock()
	http.Error(w, what, status)
}

// enter counts a request and returns the fault that it is to meet.
func (h *Hub) enter(cstID string, endpoint hub.Endpoint) Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	account, known := h.partners[cstID]
	if !known {
		return Fault{}
	}
	account.requests[endpoint]++
	account.inFlight[endpoint]++
	account.mostAtOnce[endpoint] = max(account.mostAtOnce[endpoint], account.inFlight[endpoint])
	return account.fault(endpoint, h.elapsed())
}

// fault returns what an endpoint meets: what a person broke, else what is
// planned.
func (a *account) fault(endpoint hub.Endpoint, elapsed time.Duration) Fault {
	if fault, broken := a.faults[endpoint]; broken {
		return fault
	}
	fault, _ := a.FaultAt(endpoint, elapsed)
	return fault
}

func (h *Hub) leave(cstID string, endpoint hub.Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if account, known := h.partners[cstID]; known {
		account.inFlight[endpoint]--
	}
}

func refuse(code string) map[string]any {
	return map[string]any{"result": code, "message": "처리 실패"}
}

// checkPartner returns the result code that refuses the credentials; empty if
// they are good.
func (h *Hub) checkPartner(body map[string]string) string {
	account, known := h.partners[body["cst_id"]]
	switch {
	case body["cst_id"] == "":
		return "T0200"
	case body["custKey"] == "":
		return "T0201"
	case !known || account.KeyAt(h.elapsed()) != body["custKey"]:
		return "T0300"
	}
	return ""
}

func (h *Hub) grantToken(body map[string]string) map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	code := body["code"]
	switch refusal := h.checkPartner(body); {
	case refusal != "":
		return refuse(refusal)
	case code == "":
		return refuse("T0210")
	case !wellFormed(code):
		h.violations = append(h.violations, fmt.Sprintf("token: code %q is not ten letters and digits, some of each", code))
		return refuse("T0211")
	}
	account := h.partners[body["cst_id"]]
	h.dropDead(account)
	if h.options.NewTokenEndsOld {
		h.endTokens(account.CstID)
	}
	token := newToken()
	h.tokens[token] = grant{cstID: account.CstID, expires: h.options.Now().Add(h.options.TokenLife)}
	account.tokens = append(account.tokens, token)
	return map[string]any{
		"result": "T0000", "message": "처리 성공", "code": code,
		"access_token": token, "token_type": "Bearer",
		"expires_in": strconv.Itoa(int(h.options.TokenLife / time.Second)),
	}
}

func wellFormed(code string) bool {
	letters, digits := 0, 0
	for _, c := range []byte(code) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letters++
		}
	}
	return len(code) == 10 && letters+digits == 10 && letters > 0 && digits > 0
}

func newToken() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return "eyJ" + hex.EncodeToString(b[:])
}

func (h *Hub) tellLimit(authorization string, body map[string]string) (int, map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	const scheme = "Bearer "
	if len(authorization) <= len(scheme) || authorization[:len(scheme)] != scheme {
		h.violations = append(h.violations, "remain: Authorization is not 'Bearer <token>'")
		return http.StatusUnauthorized, nil
	}
	if refusal := h.checkPartner(body); refusal != "" {
		return http.StatusOK, refuse(refusal)
	}
	now := h.options.Now()
	granted, known := h.tokens[authorization[len(scheme):]]
	switch {
	case !known || !now.Before(granted.expires):
		if h.options.DeadTokenCode == "" {
			return http.StatusUnauthorized, nil
		}
		return http.StatusOK, refuse(h.options.DeadTokenCode)
	case granted.cstID != body["cst_id"]:
		return http.StatusOK, refuse("T0320")
	}
	account := h.partners[granted.cstID]
	figures := account.Plan.At(h.elapsed())
	return http.StatusOK, map[string]any{
		"result": "A0000", "message": "처리 성공", "cst_id": granted.cstID,
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
