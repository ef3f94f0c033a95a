package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
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
	ReasonAuth            Reason = "auth"             // cst_id, custKey or contract refused, or HTTP 401 or 403
	ReasonIPNotAllowed    Reason = "ip_not_allowed"   // this address is not on the White IP list
	ReasonClosed          Reason = "closed"           // the hub or the bank says that it is closed now
	ReasonRejected        Reason = "rejected"         // any other result code
	ReasonInvalidResponse Reason = "invalid_response" // an answer that is not as documented
	ReasonConfig          Reason = "config"           // nothing usable to ask with
)

// Reasons returns the closed set, in the order of the documentation.
func Reasons() []Reason {
	return []Reason{
		ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonHTTPStatus, ReasonRateLimited,
		ReasonAuth, ReasonIPNotAllowed, ReasonClosed, ReasonRejected, ReasonInvalidResponse, ReasonConfig,
	}
}

// NeedsPerson reports whether a failure lasts until somebody changes the key, the
// configuration or the hub's list of addresses.
func (r Reason) NeedsPerson() bool {
	switch r {
	case ReasonAuth, ReasonIPNotAllowed, ReasonConfig:
		return true
	case ReasonTimeout, ReasonNetwork, ReasonTLS, ReasonHTTPStatus, ReasonRateLimited, ReasonClosed, ReasonRejected, ReasonInvalidResponse:
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
// secret, and nothing that the hub wrote except the result code and the name of
// a certificate that is missing.
type Error struct {
	Reason   Reason
	Endpoint Endpoint // the step that failed; empty if none was begun
	// Code is the hub's result code, one letter and four digits or the digits
	// alone, or empty.
	Code string
	// Status is the HTTP status of the answer; 0 if there was none.
	Status int
	// RetryAfter is what the hub asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// KeyWrapped says that the custKey which was sent begins or ends with a
	// blank or a quote.
	KeyWrapped bool

	detail string // what was found wrong, in words
	cause  error  // made safe by safeCause, or one of this package's own
	// stale says that a kept connection broke before the hub said a word.
	stale bool
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

// refusesToken reports whether the answer may mean that the token is no longer
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
	if known, ok := lookUp(code); ok {
		err.Reason, err.detail = known.reason, known.meaning
	}
	return err
}

// ErrNoCommonTLS is the cause where the two sides of a connection have no
// version of TLS or no cipher suite in common, as far as the other side says.
var ErrNoCommonTLS = errors.New("no TLS version or cipher suite in common")

// MissingIssuerError is the cause where a certificate is signed by another that
// was neither sent nor is known here: an intermediate that the hub forgot, or
// the CA of a proxy on the way.
type MissingIssuerError struct {
	// Issuer is the name of the missing certificate; empty where it cannot be
	// shown.
	Issuer string
}

func (e MissingIssuerError) Error() string {
	issuer := "its issuer"
	if e.Issuer != "" {
		issuer = strconv.Quote(e.Issuer)
	}
	return "certificate signed by an unknown authority: the certificate of " + issuer + " was not sent"
}

// CaseError is the cause where a field of an answer differs from what was sent
// in upper and lower case alone.
type CaseError struct{ Field string }

func (e CaseError) Error() string { return e.Field + " differs in upper and lower case alone" }

// withhold takes away the name of an issuer that holds a secret, as a hub that
// knows one may have it signed.
func (e *Error) withhold(secrets ...string) {
	missing, ok := errors.AsType[MissingIssuerError](e.cause)
	if ok && slices.ContainsFunc(secrets, func(s string) bool { return s != "" && strings.Contains(missing.Issuer, s) }) {
		e.cause = MissingIssuerError{}
	}
}

// errExchange stands for an error of the HTTP library whose text may quote
// what the hub sent: a malformed status line, for one, is quoted in full, and
// a hub that echoes a request would so put the key into a log.
var errExchange = errors.New("the HTTP exchange broke off")

// transportError returns the error for a request that got no whole answer.
func transportError(ctx context.Context, endpoint Endpoint, err error) *Error {
	switch {
	case isTimeout(ctx, err):
		return &Error{Reason: ReasonTimeout, Endpoint: endpoint, detail: "no answer in time", cause: safeCause(err)}
	case isTLS(err):
		return &Error{Reason: ReasonTLS, Endpoint: endpoint, detail: "no trustworthy connection", cause: tlsCause(err)}
	default:
		return &Error{Reason: ReasonNetwork, Endpoint: endpoint, detail: "no answer", cause: safeCause(err)}
	}
}

func isTimeout(ctx context.Context, err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return true
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	if errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	// crypto/tls has no type for the faults that it finds on its own, such as
	// a protocol version that the two sides do not share.
	return strings.Contains(err.Error(), "tls: ")
}

// tlsCause is safeCause for a connection that is not to be trusted. crypto/tls
// has no exported types for the alerts and faults that are looked for here.
func tlsCause(err error) error {
	cause := safeCause(err)
	if _, distrusted := errors.AsType[*tls.CertificateVerificationError](err); distrusted {
		return cause
	}
	for _, sign := range []string{"protocol version", "cipher suite", "handshake failure", "insufficient security"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("%w: %w", ErrNoCommonTLS, cause)
		}
	}
	return cause
}

// safeCause returns err's innermost part that can hold nothing the hub wrote,
// or errExchange.
func safeCause(err error) error {
	var (
		dns          *net.DNSError
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
		op           *net.OpError
		proxy        ProxyError
	)
	switch {
	case errors.As(err, &proxy):
		return proxy
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &dns):
		return dns
	case errors.As(err, &verification):
		return safeVerification(verification)
	case errors.As(err, &alert):
		return alert
	case errors.As(err, &op):
		return op
	case errors.Is(err, http.ErrSchemeMismatch):
		return http.ErrSchemeMismatch
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return errExchange
}

// safeVerification keeps the usual reasons for distrust. Others may quote
// names out of a certificate that anybody can have made.
func safeVerification(err *tls.CertificateVerificationError) error {
	var (
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err.Err, &unknown):
		if issuer, missing := missingIssuer(err.UnverifiedCertificates); missing {
			return MissingIssuerError{issuer}
		}
		return errors.New("certificate signed by an unknown authority")
	case errors.As(err.Err, &host):
		return errors.New("certificate is for another host name than " + host.Host)
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		return errors.New("certificate has expired or is not yet valid")
	}
	return errors.New("certificate not accepted")
}

// maxIssuer is how long the name of an issuer may be, in bytes.
const maxIssuer = 64

// missingIssuer reports whether the certificates that were sent end with one
// that another has signed, and returns the name of that one if it is such as
// authorities have.
func missingIssuer(sent []*x509.Certificate) (string, bool) {
	if len(sent) == 0 {
		return "", false
	}
	top := sent[0]
	for range sent {
		for _, next := range sent {
			if next != top && bytes.Equal(next.RawSubject, top.RawIssuer) {
				top = next
				break
			}
		}
	}
	name := top.Issuer.CommonName
	if len(name) > maxIssuer || strings.ContainsFunc(name, notInNames) {
		name = ""
	}
	return name, !bytes.Equal(top.RawSubject, top.RawIssuer)
}

func notInNames(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" .,-_'&()/", r)
}
