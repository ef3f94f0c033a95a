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
			e.answer(nil)
		}
	}
	return f
}

// exchange is one request with its honest answer, for a fault to spoil.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	body   map[string]string
	honest map[string]any
}

// raw sends text as an answer of HTTP 200.
func (e *exchange) raw(text string) {
	e.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = e.w.Write([]byte(text)) // the client may be gone: its business
}

// answer sends the honest answer with some of its fields changed; nil takes one
// out.
func (e *exchange) answer(changed map[string]any) {
	fields := maps.Clone(e.honest)
	maps.Copy(fields, changed)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	e.raw(written(fields))
}

// written returns an answer as JSON.
func written(fields map[string]any) string {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings and numbers of this package's own
	}
	return string(text)
}

// wait reports whether d has passed before the client went away.
func (e *exchange) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-e.r.Context().Done():
		return false
	}
}

// either returns a fault that both endpoints can have.
func either(name string, reason hub.Reason, apply func(*exchange)) Fault {
	return Fault{Name: name, Reason: reason, Endpoints: hub.Endpoints(), apply: apply}
}

// Result returns the fault of answering with a result code, over HTTP 200, as
// the hub refuses.
func Result(code string, reason hub.Reason) Fault {
	return either("result="+code, reason, func(e *exchange) { e.raw(written(refuse(code))) })
}

// Status returns the fault of answering with an HTTP status and a page.
func Status(status int, reason hub.Reason) Fault {
	return either("status="+strconv.Itoa(status), reason, func(e *exchange) {
		http.Error(e.w, "<html>"+http.StatusText(status)+"</html>", status)
	})
}

// RetryAfter returns the fault of HTTP 429 with a Retry-After header.
func RetryAfter(value string) Fault {
	return either("retry-after="+value, hub.ReasonRateLimited, func(e *exchange) {
		e.w.Header().Set("Retry-After", value)
		e.w.WriteHeader(http.StatusTooManyRequests)
	})
}

// Slow returns the fault of answering honestly, but only after delay.
func Slow(delay time.Duration) Fault {
	return either("slow="+delay.String(), "", func(e *exchange) {
		if e.wait(delay) {
			e.answer(nil)
		}
	})
}

// ParseFault reads a fault's name: one of Faults, or "result=", "status=",
// "retry-after=" or "slow=" with any value.
func ParseFault(name string) (Fault, error) {
	for _, fault := range Faults() {
		if fault.Name == name {
			return fault, nil
		}
	}
	switch kind, value, _ := strings.Cut(name, "="); {
	case kind == "status":
		status, err := strconv.Atoi(value)
		if err != nil || status < 300 || status > 599 {
			return Fault{}, fmt.Errorf("fault %s: status wants a number from 300 to 599", hub.Quote(name))
		}
		return Status(status, hub.ReasonHTTPStatus), nil
	case kind == "slow":
		delay, err := time.ParseDuration(value)
		if err != nil || delay <= 0 {
			return Fault{}, fmt.Errorf("fault %s: slow wants a duration such as 2s", hub.Quote(name))
		}
		return Slow(delay), nil
	case kind == "result" && value != "":
		return Result(value, hub.ReasonRejected), nil
	case kind == "retry-after" && value != "":
		return RetryAfter(value), nil
	}
	var common []string // what a network or a hub in trouble shows; the rest are wrong answers
	for _, fault := range networkFaults() {
		common = append(common, fault.Name)
	}
	common = append(common, "status=CODE", "result=CODE", "retry-after=SECONDS", "slow=DURATION")
	return Fault{}, fmt.Errorf("no fault %s: want one of %s, or a wrong answer such as html, token-missing or remain_amt-missing (docs/drills.md lists them)",
		hub.Quote(name), strings.Join(common, ", "))
}

// Faults returns every fault that the hub knows, each with the reason that a
// client must find.
func Faults() []Fault {
	return slices.Concat(refusals(), networkFaults(), bodyFaults(), tokenFaults(), limitFaults())
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
	return []Fault{
		either("hang", hub.ReasonTimeout, func(e *exchange) { <-e.r.Context().Done() }),
		either("trickle", hub.ReasonTimeout, trickle),
		either("reset", hub.ReasonNetwork, func(e *exchange) { hangUp(e, "", true) }),
		either("close", hub.ReasonNetwork, func(e *exchange) { hangUp(e, "", false) }),
		either("cut", hub.ReasonNetwork, func(e *exchange) {
			hangUp(e, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"result\":\"A0000\",\"remain_amt\":\"1", false)
		}),
		either("no-http", hub.ReasonNetwork, func(e *exchange) {
			// The request's secrets come back where an HTTP library quotes them.
			hangUp(e, "NOHTTP "+e.body["custKey"]+" "+e.r.Header.Get("Authorization")+"\r\n\r\n", false)
		}),
		either("redirect", hub.ReasonHTTPStatus, func(e *exchange) {
			http.Redirect(e.w, e.r, "/redirected", http.StatusTemporaryRedirect)
		}),
	}
}

// trickle sends the honest answer, a byte every 200 ms: about half a minute.
func trickle(e *exchange) {
	flush := http.NewResponseController(e.w)
	for _, b := range []byte(written(e.honest)) {
		if _, err := e.w.Write([]byte{b}); err != nil || flush.Flush() != nil || !e.wait(200*time.Millisecond) {
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
	instead := func(name, text string) Fault {
		return either(name, hub.ReasonInvalidResponse, func(e *exchange) { e.raw(text) })
	}
	with := func(name string, changed map[string]any) Fault {
		return either(name, hub.ReasonInvalidResponse, func(e *exchange) { e.answer(changed) })
	}
	secrets := func(e *exchange, between string) string {
		return e.body["custKey"] + between + e.r.Header.Get("Authorization")
	}
	return []Fault{
		instead("empty", ""),
		instead("html", "<!DOCTYPE html><title>점검 중</title>"),
		instead("null", "null"),
		instead("array", "[]"),
		instead("no-fields", "{}"),
		instead("half-json", `{"result":"A0000","remain_amt":"99440`),
		either("two-answers", hub.ReasonInvalidResponse, func(e *exchange) { e.answer(nil); e.answer(nil) }),
		with("huge", map[string]any{"padding": strings.Repeat("0", 1<<20)}),
		with("result-missing", map[string]any{"result": nil}),
		with("result-number", map[string]any{"result": 0}),
		with("result-wordy", map[string]any{"result": "SUCCESS"}),
		// The sister API's form of an answer.
		with("sister-api", map[string]any{"result": nil, "result_msg": "처리 성공", "PCD_PAY_RST": "success"}),
		either("echo-result", hub.ReasonInvalidResponse, func(e *exchange) { e.answer(map[string]any{"result": secrets(e, "")}) }),
		// A hub that explains its refusal by quoting the request.
		either("echo-message", hub.ReasonRejected, func(e *exchange) {
			e.raw(written(map[string]any{"result": "Z0001", "message": secrets(e, " ")}))
		}),
	}
}

// field returns the fault of one field that is not as documented.
func field(endpoint hub.Endpoint, name, field string, value any) Fault {
	return Fault{
		Name: name, Reason: hub.ReasonInvalidResponse, Endpoints: []hub.Endpoint{endpoint},
		apply: func(e *exchange) { e.answer(map[string]any{field: value}) },
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
			apply: func(e *exchange) { e.raw(strings.TrimSuffix(written(e.honest), "}") + `,"remain_amt":"0"}`) },
		},
		{
			Name: "field-in-other-case", Reason: hub.ReasonInvalidResponse, Endpoints: []hub.Endpoint{remain},
			apply: func(e *exchange) { e.answer(map[string]any{"Remain_Amt": e.honest["remain_amt"], "remain_amt": nil}) },
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
