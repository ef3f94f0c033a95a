package hub

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// tokenMargin is how long before its end a token is no longer shown, so that
// it is still good when the request arrives.
const tokenMargin = 5 * time.Second

// keyPatience is how long KeyChanged waits for a key to be read. A disk that
// answers at all does so in far less.
const keyPatience = time.Second

// Session asks for one merchant's limit and remembers its token from one call
// to the next. It is safe for use by many goroutines.
type Session struct {
	client *Client
	cstID  string
	keys   keyReader

	// lock is held by the goroutine that uses the fields below. It is a channel and not a
	// mutex so that waiting for a token request of another goroutine ends with
	// the context.
	lock  chan struct{}
	token Token
	// used is the key that the latest token was asked for with, usedSource
	// where it came from, and broken whether it could not be read.
	used       Secret
	usedSource *keySource
	broken     bool

	sent atomic.Uint64
}

// NewSession returns a session of partner cstID, which holds no token yet.
func NewSession(client *Client, cstID string, key Key) *Session {
	s := &Session{cstID: cstID, lock: make(chan struct{}, 1)}
	s.client = client.counting(&s.sent)
	s.keys.replace(key)
	return s
}

// SetKey makes the session read its key from another source, and get a new
// token for the next query. A query that is under way keeps the one it has.
func (s *Session) SetKey(key Key) { s.keys.replace(key) }

// Remain asks how much the merchant may still pay out: with the remembered
// token if there is one, and once more with a new one if the hub refuses that.
// The error is always an [*Error].
func (s *Session) Remain(ctx context.Context) (Limit, error) {
	token, credentials, remembered, err := s.obtain(ctx, Token{})
	if err != nil {
		return Limit{}, err
	}
	limit, err := s.client.Remain(ctx, token, credentials)
	if !refusesToken(err) {
		return limit, err
	}
	if remembered {
		if token, credentials, _, err = s.obtain(ctx, token); err != nil {
			return Limit{}, err
		}
		limit, err = s.client.Remain(ctx, token, credentials)
	}
	if refusesToken(err) {
		s.forget(ctx, token)
	}
	return limit, err
}

// refusesToken reports whether err, which may be nil, says that the token is no
// longer good.
func refusesToken(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.refusesToken()
}

// obtain returns a token other than refused, and whether it was remembered. At
// most one token request is under way at a time.
func (s *Session) obtain(ctx context.Context, refused Token) (_ Token, _ Credentials, remembered bool, _ error) {
	if err := s.take(ctx); err != nil {
		return Token{}, Credentials{}, false, err
	}
	defer s.release()
	if s.usable() && !s.token.value.Equal(refused.value) {
		return s.token, Credentials{s.cstID, s.used}, true, nil
	}
	s.token = Token{}
	key, source, err := s.keys.read(ctx)
	s.used, s.usedSource, s.broken = key, source, err != nil
	if err != nil {
		return Token{}, Credentials{}, false, &Error{
			Reason: ReasonConfig, detail: "nothing was asked: no usable key", cause: err,
		}
	}
	credentials := Credentials{s.cstID, key}
	s.token, err = s.client.Token(ctx, credentials)
	return s.token, credentials, false, err
}

// usable reports whether there is a token that will still be good on arrival.
// Both clocks must agree: the monotonic one stands still while a machine is
// suspended, the other is set by hand and over the network. No token at all
// has expired long ago.
func (s *Session) usable() bool {
	if s.usedSource != s.keys.source.Load() {
		return false
	}
	now, last := s.client.options.Now(), s.token.Expires.Add(-tokenMargin)
	return now.Before(last) && now.Round(0).Before(last.Round(0))
}

// forget drops token if it is still the remembered one.
func (s *Session) forget(ctx context.Context, token Token) {
	if s.take(ctx) != nil {
		return
	}
	defer s.release()
	if s.token.value.Equal(token.value) {
		s.token = Token{}
	}
}

// KeyChanged reports whether the key differs from the one that the latest token
// was asked for with, so that a refusal of that one says nothing any more. It
// is false where the key cannot be read, or not soon.
func (s *Session) KeyChanged(ctx context.Context) bool {
	if s.keys.busy() {
		return false // the goroutine that began that read looks at it, or it hangs
	}
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	key, source, err := s.keys.read(ctx)
	if err != nil || s.take(ctx) != nil {
		return false
	}
	defer s.release()
	return s.broken || s.usedSource != source || !s.used.Equal(key)
}

func (s *Session) take(ctx context.Context) error {
	select {
	case s.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Reason: ReasonTimeout, Endpoint: EndpointToken, detail: "waiting for a token", cause: ctx.Err()}
	}
}

func (s *Session) release() { <-s.lock }

// Needs returns how many requests the next call of Remain takes if all goes
// well: one with a remembered token, else two.
func (s *Session) Needs(ctx context.Context) int {
	if s.take(ctx) != nil {
		return 1
	}
	defer s.release()
	if s.usable() {
		return 1
	}
	return 2
}

// Sent counts the requests of this session so far.
func (s *Session) Sent() uint64 { return s.sent.Load() }
