package app

import (
	"net"
	"testing"
)

// Where the exporter is reached from its own machine follows from whatever it
// listens on: names of ports, zones of links, sockets of systemd.
func TestLocalURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":10911": "//localhost:10911", "0.0.0.0:10911": "//localhost:10911", "[::]:10911": "//localhost:10911", "127.0.0.1:1": "//127.0.0.1:1",
		"[::1]:1": "//[::1]:1", "exporter.example:1": "//exporter.example:1", "vsock://:1": "vsock://:1", "unix:/run/payple.sock": "unix:/run/payple.sock",
		":http": "//localhost:80", "127.0.0.1:https": "//127.0.0.1:443", "[fe80::1%eth0]:10911": "//[fe80::1%25eth0]:10911",
	} {
		if got := localURL(t.Context(), address); got != want {
			t.Errorf("%q is reached at %s, want %s", address, got, want)
		}
	}
	for _, tt := range []struct {
		listener net.Addr
		secure   bool
		want     string
	}{
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 10911}, false, "http://localhost:10911"},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 41234}, true, "https://127.0.0.1:41234"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: "eth0"}, false, "http://[fe80::1%25eth0]:1"},
		{&net.UnixAddr{Name: "/run/payple.sock", Net: "unix"}, false, "unix:/run/payple.sock"},
	} {
		if got := listenerURL(t.Context(), tt.listener, tt.secure); got != tt.want {
			t.Errorf("%v is reached at %s, want %s", tt.listener, got, tt.want)
		}
	}
}
