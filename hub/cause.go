package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

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
		return &Error{Reason: ReasonTLS, Endpoint: endpoint, detail: "no trustworthy connection", cause: safeCause(err)}
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

// safeCause returns err's innermost part that can hold nothing the hub wrote,
// or errExchange.
func safeCause(err error) error {
	var (
		dns          *net.DNSError
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
		op           *net.OpError
		proxy        proxyError
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
		return errors.New("certificate signed by an unknown authority")
	case errors.As(err.Err, &host):
		return errors.New("certificate is for another host name than " + host.Host)
	case errors.As(err.Err, &invalid) && invalid.Reason == x509.Expired:
		return errors.New("certificate has expired or is not yet valid")
	}
	return errors.New("certificate not accepted")
}
