package hub

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Reason is why a query failed: one of a closed set, fit for a label.
type Reason string

// The reasons, as the metric payple_failure names them.
const (
	ReasonTimeout         Reason = "timeout"          // no whole answer in time
	ReasonNetwork         Reason = "network"          // no connection, or it broke
	ReasonTLS             Reason = "tls"              // the connection is not to be trusted
	ReasonHTTPStatus      Reason = "http_status"      // another status than 200, and no result code
	ReasonRateLimited     Reason = "rate_limited"     // HTTP 429
	ReasonAuth            Reason = "auth"             // cst_id, custKey or contract refused
	ReasonIPNotAllowed    Reason = "ip_not_allowed"   // this address is not on the White IP list
	ReasonRejected        Reason = "rejected"         // any other result code
	ReasonInvalidResponse Reason = "invalid_response" // an answer that is not as documented
	ReasonConfig          Reason = "config"           // nothing usable to ask with
)

// Reasons returns the closed set, in the order of the documentation.
func Reasons() []Reason {
	return []Reason{
		ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonHTTPStatus, ReasonRateLimited,
		ReasonAuth, ReasonIPNotAllowed, ReasonRejected, ReasonInvalidResponse, ReasonConfig,
	}
}

// NeedsPerson tells whether a failure lasts until somebody changes the key, the
// configuration or the hub's list of addresses.
func (r Reason) NeedsPerson() bool {
	switch r {
	case ReasonAuth, ReasonIPNotAllowed, ReasonConfig:
		return true
	case ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonHTTPStatus, ReasonRateLimited, ReasonRejected, ReasonInvalidResponse:
	}
	return false
}

// Endpoint is one of the two steps of a query.
type Endpoint string

// The only endpoints of the hub that this package ever calls. Others of the
// hub move money.
const (
	EndpointToken  Endpoint = "token"
	EndpointRemain Endpoint = "remain"
)

// Endpoints returns both steps in the order of a query.
func Endpoints() []Endpoint { return []Endpoint{EndpointToken, EndpointRemain} }

// path returns the endpoint's path below the hub's address.
func (e Endpoint) path() string {
	if e == EndpointToken {
		return "/oauth/token"
	}
	return "/account/remain"
}

// success returns the result code that means yes.
func (e Endpoint) success() string {
	if e == EndpointToken {
		return "T0000"
	}
	return "A0000"
}

// Error is why the hub gave no figures. Its text is safe to show anywhere: no
// secret, and nothing that the hub wrote except the result code.
type Error struct {
	Reason   Reason
	Endpoint Endpoint // the step that failed; empty if none was begun
	// Code is the hub's result code, one letter and four digits, or empty.
	Code string
	// Status is the HTTP status of the answer; 0 if there was none.
	Status int
	// RetryAfter is what the hub asked to wait; 0 if it did not.
	RetryAfter time.Duration

	detail string // what was found wrong, in words
	cause  error  // made safe by safeCause, or one of this package's own
}

// Error says what was tried and what went wrong, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Endpoint != "" {
		fmt.Fprintf(&b, "%s request: ", e.Endpoint)
	}
	switch {
	case e.Code != "" && e.detail != "":
		fmt.Fprintf(&b, "the hub answered %s: %s", e.Code, e.detail)
	case e.Code != "":
		fmt.Fprintf(&b, "the hub answered %s", e.Code)
	default:
		b.WriteString(e.detail)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap returns the cause, if there is one that is safe to show.
func (e *Error) Unwrap() error { return e.cause }

// refusesToken tells whether the answer may mean that the token is no longer
// good: HTTP 401 or 403, or a result code of the token server's family in
// answer to a remain request. No code for an expired token is documented. "Too
// many requests" never means that: it must not be answered with more.
func (e *Error) refusesToken() bool {
	if e.Endpoint != EndpointRemain || e.Reason == ReasonRateLimited {
		return false
	}
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden ||
		strings.HasPrefix(e.Code, "T")
}

// refusal returns the error for a result code that is not success.
func refusal(endpoint Endpoint, status int, code string) *Error {
	err := &Error{Reason: ReasonRejected, Endpoint: endpoint, Status: status, Code: code}
	if known, ok := lookUpCode(code); ok {
		err.Reason, err.detail = known.reason, known.meaning.English
	}
	return err
}
