package hub

import (
	"context"
	"errors"
	"sync"
)

// keyReader reads a session's key for callers who cannot wait for ever: the
// file may be on a disk that does not answer, and reading a file cannot be
// called off. At most one read is under way at a time; whoever comes meanwhile
// shares it.
type keyReader struct {
	mu  sync.Mutex
	key Key
	// source counts the sources so far: a token that was asked for with the
	// key of another source is not used any more.
	source int
	under  *keyRead // nil if none is under way
}

// keyRead is one reading of a key. Its results are there once done is closed.
type keyRead struct {
	done   chan struct{}
	source int
	key    Secret
	err    error
}

// errKeySlow is for a key that could not be read in time.
var errKeySlow = errors.New("the key could not be read in time")

// read returns the key and the number of its source. An error may come of ctx,
// and then the read goes on for those who come later.
func (r *keyReader) read(ctx context.Context) (key Secret, source int, err error) {
	read := r.join()
	select {
	case <-read.done:
		return read.key, read.source, read.err
	case <-ctx.Done():
		return Secret{}, read.source, errKeySlow
	}
}

// join returns the read that is under way, or begins one.
func (r *keyReader) join() *keyRead {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under == nil {
		r.under = &keyRead{done: make(chan struct{}), source: r.source}
		go r.finish(r.under, r.key)
	}
	return r.under
}

func (r *keyReader) finish(read *keyRead, key Key) {
	read.key, read.err = key.Secret()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under == read {
		r.under = nil
	}
	close(read.done)
}

// busy tells whether a read is under way.
func (r *keyReader) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.under != nil
}

// replace makes all later reads ask another source.
func (r *keyReader) replace(key Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key, r.under = key, nil
	r.source++
}

// current returns the number of the source that is asked now.
func (r *keyReader) current() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source
}
