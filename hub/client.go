package hub

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The hub's addresses.
const (
	RealURL = "https://hub.payple.kr"
	TestURL = "https://demohub.payple.kr"
)

// maxBody is how much of an answer is read, in bytes. A longer one is refused.
const maxBody = 64 << 10

// maxRetryAfter bounds what is understood of a Retry-After header.
const maxRetryAfter = 24 * time.Hour

// Options is what a Client is made of. The zero value of each field but URL
// stands for what real use wants.
type Options struct {
	// URL is the hub's address: scheme and host, and a path prefix if need be.
	URL string
	// Transport carries the requests; nil means NewTransport(32).
	Transport http.RoundTripper
	// Random is where codes are drawn from; nil means crypto/rand.
	Random io.Reader
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Referer is sent as the header of that name if it is not empty. Payple
	// asks some partners for it.
	Referer string
	// UserAgent is sent as the header of that name if it is not empty.
	UserAgent string
	// Observe is told of every exchange with the hub once it has ended; nil
	// means nobody is. It is called from many goroutines.
	Observe func(Exchange)
}

// Exchange is one request and what came of it.
type Exchange struct {
	Endpoint Endpoint
	Duration time.Duration
	// Repeated says that the request was sent again on a new connection, since
	// a kept one broke before the hub said a word.
	Repeated bool
	// Code is the result code of the answer, or empty if there was none.
	Code string
	// Err is nil for an exchange that succeeded.
	Err *Error
}

// Client sends requests to one hub, for any number of partners. It is safe for
// use by many goroutines.
type Client struct {
	options     Options
	connections *connections
	sent        *atomic.Uint64 // counts requests
}

// NewClient returns a client of the hub at options.URL.
func NewClient(options Options) *Client {
	if options.Transport == nil {
		options.Transport = NewTransport(32)
	}
	if options.Random == nil {
		options.Random = rand.Reader
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Observe == nil {
		options.Observe = func(Exchange) {}
	}
	options.URL = strings.TrimSuffix(options.URL, "/")
	return &Client{options: options, connections: newConnections(options.Transport, options.Now), sent: new(atomic.Uint64)}
}

// counting returns a client that counts its requests apart and shares all else.
func (c *Client) counting(sent *atomic.Uint64) *Client {
	own := *c
	own.sent = sent
	return &own
}

// Trust makes all later connections verify the hub by these authorities, as
// [Roots] returns them; nil changes nothing.
func (c *Client) Trust(roots *x509.CertPool) {
	if roots != nil {
		c.connections.trust(roots)
	}
}

// Credentials are what the hub knows a partner by.
type Credentials struct {
	CstID   string
	CustKey Secret
}

// Token is what the hub wants to see with a question.
type Token struct {
	value Secret
	// Expires is when the hub stops honouring the token, counted from before
	// it was asked for. It is zero if the hub did not say how long it lives.
	Expires time.Time
}

// Limit is how much a partner may still pay out.
type Limit struct {
	// Remain is remain_amt: what may still be paid out. It may be negative.
	Remain Won
	// TotalAccount is total_account_amt: all that the account can draw on.
	TotalAccount Won
	// TotalTransfer is total_transfer_amt: what was paid out so far.
	TotalTransfer Won
	// HubTime is api_tran_dtm, the hub's own time of the answer. It is zero if
	// the hub sent none that can be read: the figures do not depend on it.
	HubTime time.Time
}

// Token asks for a new token. The error is always an [*Error].
func (c *Client) Token(ctx context.Context, credentials Credentials) (Token, error) {
	code, err := newCode(c.options.Random)
	if err != nil {
		return Token{}, &Error{Reason: ReasonConfig, Endpoint: EndpointToken, detail: "nothing was sent", cause: err}
	}
	asked := c.options.Now()
	fields, err := c.exchange(ctx, EndpointToken, Token{}, question{code, credentials.CstID, credentials.CustKey.Reveal()}, func(fields answer) error { return fields.checkToken(code) })
	if err != nil {
		return Token{}, err
	}
	token := Token{value: NewSecret(fields.text("access_token"))}
	if life := fields.lifetime(); life > 0 {
		token.Expires = asked.Add(life)
	}
	return token, nil
}

// Remain asks how much a partner may still pay out. The error is always an
// [*Error].
func (c *Client) Remain(ctx context.Context, token Token, credentials Credentials) (Limit, error) {
	var limit Limit
	_, err := c.exchange(ctx, EndpointRemain, token, question{"", credentials.CstID, credentials.CustKey.Reveal()}, func(fields answer) (err error) {
		limit, err = fields.limit(credentials.CstID)
		return err
	})
	if err != nil {
		return Limit{}, err
	}
	return limit, nil
}

// question is the body of a request. A remain request has no code.
type question struct {
	Code    string `json:"code,omitempty"`
	CstID   string `json:"cst_id"`
	CustKey string `json:"custKey"`
}

// exchange sends one request and reads its answer, which must satisfy check.
func (c *Client) exchange(
	ctx context.Context, endpoint Endpoint, token Token, body question, check func(answer) error,
) (answer, error) {
	began := c.options.Now()
	client := c.connections.client()
	fields, code, failure := c.ask(ctx, client, endpoint, token, body)
	repeated := failure != nil && failure.stale
	if repeated { // which both questions may be
		c.connections.retire(client)
		client = c.connections.client()
		fields, code, failure = c.ask(ctx, client, endpoint, token, body)
	}
	if failure == nil {
		if err := check(fields); err != nil {
			failure = &Error{
				Reason: ReasonInvalidResponse, Endpoint: endpoint, Status: http.StatusOK,
				detail: "the answer is not valid", cause: err,
			}
		}
	}
	c.options.Observe(Exchange{
		Endpoint: endpoint, Duration: c.options.Now().Sub(began), Repeated: repeated, Code: code, Err: failure,
	})
	if failure != nil {
		failure.KeyWrapped = NewSecret(body.CustKey).Wrapped()
		c.connections.retire(client)
	}
	c.connections.done(client)
	if failure != nil {
		return nil, failure
	}
	return fields, nil
}

// ask sends one request and returns the fields of an answer that says yes, and
// the result code of any answer that has one.
func (c *Client) ask(
	ctx context.Context, client *http.Client, endpoint Endpoint, token Token, body question,
) (answer, string, *Error) {
	var way way
	request, err := c.request(way.watch(ctx), endpoint, token, body)
	if err != nil {
		return nil, "", &Error{Reason: ReasonConfig, Endpoint: endpoint, detail: "nothing was sent", cause: err}
	}
	c.sent.Add(1)
	response, err := client.Do(request)
	if err != nil {
		failure := transportError(ctx, endpoint, err)
		failure.withhold(body.CustKey, token.value.Reveal())
		failure.stale = failure.Reason == ReasonNetwork && way.kept.Load() && !way.answered.Load()
		return nil, "", failure
	}
	// Reading to the end, within the bound, lets the connection be used again.
	defer response.Body.Close() //nolint:errcheck // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, "", transportError(ctx, endpoint, err)
	}
	if strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		if text, err = unzip(text); err != nil {
			return nil, "", &Error{
				Reason: ReasonInvalidResponse, Endpoint: endpoint, Status: response.StatusCode, detail: "the answer is not valid", cause: err,
			}
		}
	}
	fields, code, failure := interpret(endpoint, response.StatusCode, text)
	if failure != nil {
		failure.RetryAfter = retryAfter(response.Header, c.options.Now())
	}
	return fields, code, failure
}

// unzip decodes an answer that came compressed although nobody asked for it, to
// one byte beyond what is read of an answer at the most.
func unzip(body []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("broken gzip")
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxBody+1))
	if err != nil {
		return nil, errors.New("broken gzip")
	}
	return text, nil
}

// request writes a request as the hub documents it.
func (c *Client) request(
	ctx context.Context, endpoint Endpoint, token Token, body question,
) (*http.Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, errors.New("the request cannot be written as JSON")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL+endpoint.path(), bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the hub's address %q is no URL", c.options.URL)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	if endpoint == EndpointRemain {
		request.Header.Set("Accept", "application/json")
		request.Header.Set("Authorization", "Bearer "+token.value.Reveal())
	}
	if c.options.Referer != "" {
		request.Header.Set("Referer", c.options.Referer)
	}
	request.Header.Set("User-Agent", c.options.UserAgent)
	return request, nil
}

// interpret decides what an answer means. The body is read whatever the
// status, since a refusal may come with any; the status alone counts where the
// body holds no result code, and always where it says "too many".
func interpret(endpoint Endpoint, status int, body []byte) (answer, string, *Error) {
	fields, err := parseAnswer(body)
	code := fields.code()
	switch {
	case status == http.StatusTooManyRequests:
		return nil, code, &Error{
			Reason: ReasonRateLimited, Endpoint: endpoint, Status: status, Code: code, detail: "HTTP 429 Too Many Requests",
		}
	case code != "" && code != endpoint.success():
		return nil, code, refusal(endpoint, status, code)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, code, statusError(ReasonAuth, endpoint, status)
	case status != http.StatusOK && status != http.StatusCreated:
		return nil, code, statusError(ReasonHTTPStatus, endpoint, status)
	case err == nil && code == "":
		err = fields.noCode()
	}
	if err != nil {
		return nil, code, &Error{
			Reason: ReasonInvalidResponse, Endpoint: endpoint, Status: status,
			detail: "the answer is not valid", cause: err,
		}
	}
	return fields, code, nil
}

func statusError(reason Reason, endpoint Endpoint, status int) *Error {
	return &Error{
		Reason: reason, Endpoint: endpoint, Status: status,
		detail: fmt.Sprintf("the answer was HTTP %d %s", status, http.StatusText(status)),
	}
}

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then it is the largest there is
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
