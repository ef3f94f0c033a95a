package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"payple_exporter/hub"
)

// Fault is one way in which the hub fails.
type Fault struct {
	// Name is how the fault is called on a command line and in a test.
	Name string
	// Reason is what a client has to make of it; empty for a fault that only
	// delays.
	Reason hub.Reason
	// Endpoints are those that can fail so.
	Endpoints []hub.Endpoint

	apply func(*exchange)
}

// Only returns the fault such that it meets some requests alone.
func (f Fault) Only(meets func(*http.Request) bool) Fault {
	apply := f.apply
	f.apply = func(e *exchange) {
		if meets(e.r) {
			apply(e)
		} else {
			e.answer(e.honest)
		}
	}
	return f
}

// exchange is one request with its honest answer, for a fault to spoil.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	status int
	honest map[string]any // nil: a status without a body
	body   map[string]string
}

// answer sends fields as JSON, or the bare status if there are none.
func (e *exchange) answer(fields map[string]any) {
	if fields == nil {
		e.w.WriteHeader(e.status)
		return
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings and numbers of this package's own
	}
	e.raw(string(text))
}

// raw sends text as an answer of HTTP 200.
func (e *exchange) raw(text string) {
	e.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = e.w.Write([]byte(text)) // the client may be gone: its business
}

// spoil sends the honest answer after change has been at its fields.
func (e *exchange) spoil(change func(fields map[string]any)) {
	fields := maps.Clone(e.honest)
	if fields != nil {
		change(fields)
	}
	e.answer(fields)
}

// with sends the honest answer with one field changed; nil takes it out.
func (e *exchange) with(name string, value any) {
	e.spoil(func(fields map[string]any) {
		if value == nil {
			delete(fields, name)
		} else {
			fields[name] = value
		}
	})
}

// Result returns the fault of answering with a result code, over HTTP 200, as
// the hub refuses.
func Result(code string, reason hub.Reason) Fault {
	return Fault{
		Name: "result=" + code, Reason: reason, Endpoints: hub.Endpoints(),
		apply: func(e *exchange) { e.answer(refuse(code)) },
	}
}

// Status returns the fault of answering with an HTTP status and a page.
func Status(status int, reason hub.Reason) Fault {
	return Fault{
		Name: "status=" + strconv.Itoa(status), Reason: reason, Endpoints: hub.Endpoints(),
		apply: func(e *exchange) { http.Error(e.w, "<html>"+http.StatusText(status)+"</html>", status) },
	}
}

// RetryAfter returns the fault of HTTP 429 with a Retry-After header.
func RetryAfter(value string) Fault {
	return Fault{
		Name: "retry-after=" + value, Reason: hub.ReasonRateLimited, Endpoints: hub.Endpoints(),
		apply: func(e *exchange) {
			e.w.Header().Set("Retry-After", value)
			e.w.WriteHeader(http.StatusTooManyRequests)
		},
	}
}

// Slow returns the fault of answering honestly, but only after delay.
func Slow(delay time.Duration) Fault {
	return Fault{
		Name: "slow=" + delay.String(), Endpoints: hub.Endpoints(),
		apply: func(e *exchange) {
			select {
			case <-time.After(delay):
				e.answer(e.honest)
			case <-e.r.Context().Done():
			}
		},
	}
}

// ParseFault reads a fault's name: one of Faults, or "result=", "status=",
// "retry-after=" or "slow=" with any value.
func ParseFault(name string) (Fault, error) {
	kind, value, _ := strings.Cut(name, "=")
	switch kind {
	case "status":
		status, err := strconv.Atoi(value)
		if err != nil || status < 300 || status > 599 {
			return Fault{}, fmt.Errorf("fault %q: status wants a number from 300 to 599", name)
		}
	case "slow":
		delay, err := time.ParseDuration(value)
		if err != nil || delay <= 0 {
			return Fault{}, fmt.Errorf("fault %q: slow wants a duration such as 2s", name)
		}
		return Slow(delay), nil
	}
	for _, fault := range Faults() {
		if fault.Name == name {
			return fault, nil
		}
	}
	switch {
	case kind == "status":
		status, _ := strconv.Atoi(value)
		return Status(status, hub.ReasonHTTPStatus), nil
	case kind == "result" && value != "":
		return Result(value, hub.ReasonRejected), nil
	case kind == "retry-after" && value != "":
		return RetryAfter(value), nil
	}
	return Fault{}, fmt.Errorf("no fault %q: want one of %s, or a wrong answer such as html, token-missing or remain_amt-missing (docs/drills.md lists them)",
		name, strings.Join(commonFaults(), ", "))
}

// commonFaults are the patterns of the faults that a network or a hub in
// trouble shows; the rest are wrong answers.
func commonFaults() []string {
	var names []string
	for _, fault := range networkFaults() {
		names = append(names, fault.Name)
	}
	return append(names, "status=CODE", "result=CODE", "retry-after=SECONDS", "slow=DURATION")
}

// Faults returns every fault that the hub knows, each with the reason that a
// client must find.
func Faults() []Fault {
	var all []Fault
	all = append(all, refusals()...)
	all = append(all, networkFaults()...)
	all = append(all, bodyFaults()...)
	all = append(all, tokenFaults()...)
	all = append(all, limitFaults()...)
	return all
}

// refusals are the result codes and HTTP statuses that are known of.
func refusals() []Fault {
	faults := []Fault{
		Result("T0200", hub.ReasonConfig), Result("T0201", hub.ReasonConfig),
		Result("T0300", hub.ReasonAuth), Result("T0320", hub.ReasonAuth), Result("T0322", hub.ReasonAuth),
		Result("T0310", hub.ReasonIPNotAllowed), Result("T0996", hub.ReasonClosed), Result("T0997", hub.ReasonClosed),
		Status(http.StatusUnauthorized, hub.ReasonAuth), Status(http.StatusForbidden, hub.ReasonAuth),
		Status(http.StatusTooManyRequests, hub.ReasonRateLimited), RetryAfter("90"),
	}
	for _, code := range []string{
		"T0210", "T0211", "A0003", "A0007", "A0009", "A0017", "Z9999",
	} {
		faults = append(faults, Result(code, hub.ReasonRejected))
	}
	for _, status := range []int{400, 404, 500, 502, 503, 504} {
		faults = append(faults, Status(status, hub.ReasonHTTPStatus))
	}
	return faults
}

// networkFaults are what a network, or a server that dies, does to an answer.
func networkFaults() []Fault {
	both := hub.Endpoints()
	return []Fault{
		{Name: "hang", Reason: hub.ReasonTimeout, Endpoints: both, apply: func(e *exchange) { <-e.r.Context().Done() }},
		{Name: "trickle", Reason: hub.ReasonTimeout, Endpoints: both, apply: trickle},
		{Name: "reset", Reason: hub.ReasonNetwork, Endpoints: both, apply: func(e *exchange) { hangUp(e, "", true) }},
		{Name: "close", Reason: hub.ReasonNetwork, Endpoints: both, apply: func(e *exchange) { hangUp(e, "", false) }},
		{Name: "cut", Reason: hub.ReasonNetwork, Endpoints: both, apply: func(e *exchange) {
			hangUp(e, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"result\":\"A0000\",\"remain_amt\":\"1", false)
		}},
		{Name: "no-http", Reason: hub.ReasonNetwork, Endpoints: both, apply: func(e *exchange) {
			// The request's secrets come back where an HTTP library quotes them.
			hangUp(e, "NOHTTP "+e.body["custKey"]+" "+e.r.Header.Get("Authorization")+"\r\n\r\n", false)
		}},
		{Name: "redirect", Reason: hub.ReasonHTTPStatus, Endpoints: both, apply: func(e *exchange) {
			http.Redirect(e.w, e.r, "/redirected", http.StatusTemporaryRedirect)
		}},
	}
}

// trickle sends the honest answer, a byte every 200 ms: about half a minute.
func trickle(e *exchange) {
	text, err := json.Marshal(e.honest)
	if err != nil {
		panic(err) // strings of this package's own
	}
	flush := http.NewResponseController(e.w)
	for _, b := range text {
		if _, err := e.w.Write([]byte{b}); err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-e.r.Context().Done():
			return
		}
	}
}

// hangUp writes text on the bare connection and closes it, at once and without
// a farewell if reset is set.
func hangUp(e *exchange, text string, reset bool) {
	conn, _, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		panic(errors.Join(errors.New("this fault needs HTTP/1.1"), err))
	}
	_, _ = conn.Write([]byte(text))
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// bodyFaults are answers of HTTP 200 that either endpoint might give.
func bodyFaults() []Fault {
	bodies := []struct {
		name string
		body func(*exchange)
	}{
		{"empty", func(e *exchange) { e.raw("") }},
		{"html", func(e *exchange) { e.raw("<!DOCTYPE html><title>점검 중</title>") }},
		{"null", func(e *exchange) { e.raw("null") }},
		{"array", func(e *exchange) { e.raw("[]") }},
		{"no-fields", func(e *exchange) { e.raw("{}") }},
		{"half-json", func(e *exchange) { e.raw(`{"result":"A0000","remain_amt":"99440`) }},
		{"two-answers", func(e *exchange) { e.answer(e.honest); e.answer(e.honest) }},
		{"huge", func(e *exchange) { e.with("padding", strings.Repeat("0", 1<<20)) }},
		{"result-missing", func(e *exchange) { e.with("result", nil) }},
		{"result-number", func(e *exchange) { e.with("result", 0) }},
		{"result-wordy", func(e *exchange) { e.with("result", "SUCCESS") }},
		// The sister API's form of an answer.
		{"sister-api", func(e *exchange) {
			e.spoil(func(fields map[string]any) {
				delete(fields, "result")
				fields["result_msg"], fields["PCD_PAY_RST"] = "처리 성공", "success"
			})
		}},
		{"echo-result", func(e *exchange) { e.with("result", e.body["custKey"]+e.r.Header.Get("Authorization")) }},
	}
	faults := make([]Fault, 0, len(bodies)+2)
	for _, body := range bodies {
		faults = append(faults, Fault{
			Name: body.name, Reason: hub.ReasonInvalidResponse, Endpoints: hub.Endpoints(), apply: body.body,
		})
	}
	return append(faults, Fault{
		// A hub that explains its refusal by quoting the request.
		Name: "echo-message", Reason: hub.ReasonRejected, Endpoints: hub.Endpoints(), apply: func(e *exchange) {
			e.answer(map[string]any{
				"result": "Z0001", "message": e.body["custKey"] + " " + e.r.Header.Get("Authorization"),
			})
		},
	})
}

// field returns the fault of one field that is not as documented.
func field(endpoint hub.Endpoint, name, field string, value any) Fault {
	return Fault{
		Name: name, Reason: hub.ReasonInvalidResponse, Endpoints: []hub.Endpoint{endpoint},
		apply: func(e *exchange) { e.with(field, value) },
	}
}

func tokenFaults() []Fault {
	const token = hub.EndpointToken
	return []Fault{
		field(token, "code-missing", "code", nil),
		field(token, "code-other", "code", "zz99999999"),
		field(token, "token-missing", "access_token", nil),
		field(token, "token-empty", "access_token", ""),
		field(token, "token-number", "access_token", 12345),
		field(token, "token-line-break", "access_token", "abc\r\nX-Injected: 1"),
		field(token, "token-type-other", "token_type", "MAC"),
	}
}

// limitFaults are remain answers whose figures must not be taken for true.
func limitFaults() []Fault {
	const remain = hub.EndpointRemain
	faults := []Fault{
		field(remain, "cst-id-other", "cst_id", "somebody-else"),
		field(remain, "cst-id-missing", "cst_id", nil),
		{
			Name: "field-twice", Reason: hub.ReasonInvalidResponse, Endpoints: []hub.Endpoint{remain},
			apply: func(e *exchange) { twice(e, `,"remain_amt":"0"}`) },
		},
		{
			Name: "field-in-other-case", Reason: hub.ReasonInvalidResponse, Endpoints: []hub.Endpoint{remain},
			apply: func(e *exchange) {
				e.spoil(func(fields map[string]any) {
					fields["Remain_Amt"] = fields["remain_amt"]
					delete(fields, "remain_amt")
				})
			},
		},
	}
	values := map[string]any{
		"missing": nil, "null": json.RawMessage("null"), "empty": "", "text": "N/A", "true": true,
		"object": map[string]any{}, "fraction-text": "9944000.50", "fraction": json.RawMessage("9944000.50"),
		"exponent": json.RawMessage("1e7"), "too-large": "9007199254740993",
		"far-too-large": strings.Repeat("9", 400), "bad-groups": "99,44,000", "bad-comma": "9944,000",
		"spaces": "9 944 000", "plus": "+9944000", "won-sign": "₩9944000", "minus-only": "-", "hex": "0x10",
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, amount := range []string{"remain_amt", "total_account_amt", "total_transfer_amt"} {
			faults = append(faults, field(remain, amount+"-"+name, amount, values[name]))
		}
	}
	return faults
}

// twice sends the honest answer with more fields at its end.
func twice(e *exchange, end string) {
	text, err := json.Marshal(e.honest)
	if err != nil {
		panic(err) // strings of this package's own
	}
	e.raw(strings.TrimSuffix(string(text), "}") + end)
}
