package app

import (
	"strings"
	"testing"
)

// An address that nobody can listen on is found before anything runs; one that
// the web toolkit takes is taken.
func TestListenAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{
		":10911": exitOK, "127.0.0.1:10911": exitOK, "[::1]:10911": exitOK, "[fe80::1%eth0]:10911": exitOK, "exporter.example:10911": exitOK,
		":0": exitOK, "localhost:": exitOK, ":http": exitOK, "vsock://:10911": exitOK, "vsock://2:4294967295": exitOK,
		"": exitUsage, "foo": exitUsage, "10911": exitUsage, "::1": exitUsage, "::1:10911": exitUsage, "127.0.0.1": exitUsage, ":65536": exitUsage, ":-1": exitUsage,
		":no-such-service": exitUsage, "http://localhost:10911": exitUsage, "vsock://": exitUsage, "vsock://10911": exitUsage, "vsock://:http": exitUsage, "vsock://:4294967296": exitUsage, "vsock://%": exitUsage,
	} {
		code, stdout, stderr := command(t, "--demo", "--config.check", "--web.listen-address="+address)
		if code != want || (code == exitOK) != (stderr == "") || (code == exitOK) == (stdout == "") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%q: exit %d, says %q %q", address, code, stdout, stderr)
		}
	}
	// With systemd's sockets, addresses are not used.
	if code, _, stderr := command(t, "--demo", "--config.check", "--web.systemd-socket", "--web.listen-address=foo"); code != exitOK {
		t.Errorf("systemd: exit %d, %s", code, stderr)
	}
}

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
