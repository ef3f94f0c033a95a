package hub

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
)

// keyReader reads a session's key for callers who cannot wait for ever: the
// file may be on a disk that does not answer, and reading a file cannot be
// called off.
type keyReader struct{ source atomic.Pointer[keySource] }

// keySource is a key and the reading of it: at most one is under way at a time,
// and callers who come meanwhile share it. Its address stands for it: a
// token that was asked for with the key of another source is not used any more.
type keySource struct {
	key   Key
	reads singleflight.Group
	busy  atomic.Bool // a read is under way
}

// errKeySlow is for a key that could not be read in time.
var errKeySlow = errors.New("the key could not be read in time")

// read returns the key and its source. An error may come of ctx, and then the
// read goes on for those who come later.
func (r *keyReader) read(ctx context.Context) (Secret, *keySource, error) {
	source := r.source.Load()
	done := source.reads.DoChan("", func() (any, error) {
		source.busy.Store(true)
		defer source.busy.Store(false)
		return source.key.Secret()
	})
	select {
	case result := <-done:
		key, _ := result.Val.(Secret)
		return key, source, result.Err
	case <-ctx.Done():
		return Secret{}, source, errKeySlow
	}
}

// busy reports whether a read is under way.
func (r *keyReader) busy() bool { return r.source.Load().busy.Load() }

// replace makes all later reads ask another source.
func (r *keyReader) replace(key Key) { r.source.Store(&keySource{key: key}) }
