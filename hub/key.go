package hub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxKeyBytes bounds what is read of a key file, so that a path to an endless
// file is an error and not a process without memory.
const maxKeyBytes = 64 << 10

// Key tells a partner's custKey whenever it is needed, so that a key that is
// rotated on disk is taken up without a restart.
type Key interface {
	// Secret returns the custKey as it is now. An error says which source
	// could not be read and why; it never holds the key.
	Secret() (Secret, error)
	// Source is where the key comes from.
	Source() KeySource
}

// SourceKind is what kind of place a key comes from.
type SourceKind string

// The kinds, as people call them.
const (
	SourceFile  SourceKind = "file"
	SourceEnv   SourceKind = "environment variable"
	SourceOther SourceKind = ""
)

// KeySource is where a key comes from. Name is the path, the variable or, of
// another kind, the whole description; it is empty where it may be the key
// itself, put where its name belongs.
type KeySource struct {
	Kind SourceKind
	Name string
}

// String names the source for people: "file /run/secrets/k".
func (s KeySource) String() string {
	switch {
	case s.Kind == SourceOther:
		return s.Name
	case s.Name == "":
		return "the " + string(s.Kind) + " (whose name is not shown, since it may be the key itself)"
	}
	return string(s.Kind) + " " + s.Name
}

// EmptyKeyError says that there is nothing where a key should be.
type EmptyKeyError struct{ source string }

func (e EmptyKeyError) Error() string { return e.source + " is empty" }

// ErrNameNotShown stands in errors about a source that must not be named.
var ErrNameNotShown = errors.New("the name of the file is not shown, since it may be the key itself: name the file by its whole path")

// FixedKey returns a Key that never changes. source says where it came from.
func FixedKey(key Secret, source string) Key {
	return fixedKey{key, KeySource{SourceOther, source}}
}

// EnvKey returns the key in an environment variable, which never changes, as
// the environment of a process does not; like a file's, the text loses one
// trailing newline.
//
// An empty variable whose name is not written in capitals is not named: the
// key itself may have been put where its name belongs.
func EnvKey(name string, getenv func(string) string) Key {
	text := getenv(name)
	if text == "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
		name = ""
	}
	return fixedKey{withoutNewline(text), KeySource{SourceEnv, name}}
}

type fixedKey struct {
	key    Secret
	source KeySource
}

func (k fixedKey) Source() KeySource { return k.source }

func (k fixedKey) Secret() (Secret, error) { return usable(k.key, k.source.String()) }

// withoutNewline drops one trailing newline, as editors and `echo` leave one.
func withoutNewline(text string) Secret {
	return NewSecret(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"))
}

// FileKey returns a Key that reads path again each time. One trailing newline
// is dropped.
func FileKey(path string) Key { return fileKey{path, path} }

// FileKeyIn returns the same for a file whose name counts from dir, unless it
// is a whole path.
func FileKeyIn(dir, name string) Key {
	if filepath.IsAbs(name) {
		return FileKey(name)
	}
	return fileKey{name, filepath.Join(dir, name)}
}

type fileKey struct {
	name string // as it was given: what people see
	path string
}

func (k fileKey) Source() KeySource { return KeySource{SourceFile, k.name} }

func (k fileKey) Secret() (Secret, error) {
	file, err := openRegular(k.path)
	if err != nil {
		return Secret{}, k.cannotOpen(err)
	}
	defer file.Close() //nolint:errcheck // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(file, maxKeyBytes+1))
	if err != nil {
		return Secret{}, fmt.Errorf("reading the key: %w", err)
	}
	if len(text) > maxKeyBytes {
		return Secret{}, fmt.Errorf("key file %s is larger than %d bytes: is it the right file?", k.name, maxKeyBytes)
	}
	return usable(withoutNewline(string(text)), "key file "+k.name)
}

// ErrNotRegular is for a file that may keep its reader waiting, and that gives
// what it holds only once: a pipe, for one.
var ErrNotRegular = errors.New("not a regular file, as it must be to be read again")

// openRegular opens a file that can be read again and again.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	return os.Open(path) //nolint:gosec // the operator names it
}

// cannotOpen says why the file cannot be opened. What is no whole path may be
// the key itself, put where the name of its file belongs, and is not shown.
func (k fileKey) cannotOpen(err error) error {
	var path *os.PathError
	if filepath.IsAbs(k.name) || errors.Is(err, ErrNotRegular) || !errors.As(err, &path) {
		return fmt.Errorf("reading the key: %w", err)
	}
	return fmt.Errorf("reading the key: %w (%w)", path.Err, ErrNameNotShown)
}
