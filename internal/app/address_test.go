package app

import "testing"

func TestLocalURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":10911": "http://localhost:10911", "0.0.0.0:10911": "http://localhost:10911", "[::]:10911": "http://localhost:10911", "127.0.0.1:1": "http://127.0.0.1:1",
		"[::1]:1": "http://[::1]:1", "exporter.example:1": "http://exporter.example:1", "vsock://:1": "vsock://:1",
	} {
		if got := localURL(address); got != want {
			t.Errorf("%q is reached at %s, want %s", address, got, want)
		}
	}
}
