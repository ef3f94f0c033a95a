// Package must ends a test that cannot go on. Only tests import it.
package must

import (
	"os"
	"path/filepath"
	"testing"
)

// Do ends the test if what had to be done failed.
func Do(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Get returns a function that returns value, or ends the test if there is an error: must.Get(os.Open(path))(t).
func Get[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		Do(tb, err)
		return value
	}
}

// Read returns the text of a file.
func Read(tb testing.TB, path string) string {
	tb.Helper()
	return string(Get(os.ReadFile(path))(tb))
}

// Write writes a text into a file, in folders that are made where they are missing, and returns its path.
func Write(tb testing.TB, path, text string) string {
	tb.Helper()
	Do(tb, os.MkdirAll(filepath.Dir(path), 0o700))
	Do(tb, os.WriteFile(path, []byte(text), 0o600))
	return path
}
