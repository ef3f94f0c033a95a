package hub_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"

	"payple_exporter/hub"
)

// checkProxy checks one variable's value.
func checkProxy(name, value string) error {
	return hub.CheckProxy(func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	})
}

func TestCheckProxy(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"", "http://proxy.example:3128", "https://proxy.example", "http://proxy.example:3128/", "proxy.example:3128", "proxy.example", "10.0.0.1:3128",
		"[::1]:3128", "http://user:pass@proxy.example", "user:pass@proxy.example:1", "http://user:%25%40%23%2F@proxy.example", "socks5://proxy.example:1080",
		"socks5h://proxy.example", "HTTP://proxy.example", "http://proxy.example:", "localhost:3128",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
			if err := checkProxy(name, good); err != nil {
				t.Errorf("%s=%s: %v", name, good, err)
			}
		}
	}
	for _, bad := range []string{
		"http://user:secretpw%@proxy.example", "http://user:secretpw#1@proxy.example", "http://user:1/secretpw@proxy.example", "http://user:1?secretpw@proxy.example",
		"http://user:secret^pw@proxy.example", "http://proxy.example:http", "http://proxy.example:99999", "http://proxy.example:0", "http://", "//proxy.example",
		"http://:3128", " http://proxy.example", "http://proxy.example\n", "proxy example", " ", "ftp://proxy.example", "htp://proxy.example", "http://proxy.example/proxy.pac",
		"proxy.example#", "http://[::1", "secretpw%",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
			err := checkProxy(name, bad)
			if err == nil || !strings.HasPrefix(err.Error(), name+": want the address of a proxy") || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s=%q: %v", name, bad, err)
			}
		}
	}
	if err := checkProxy("HTTP_PROXY", "http://user:secretpw%@proxy.example"); err != nil {
		t.Errorf("a variable that is not used: %v", err)
	}
}

// Whatever is taken for a proxy is one that is then used, with the host that
// stands there: the HTTP client reads the environment as this package of the
// same authors does.
func FuzzCheckProxy(f *testing.F) {
	for _, seed := range []string{
		"http://proxy.example:3128", "proxy:1", "user:pass@proxy", "http://u:%25@h", "[::1]:1", "//proxy", "http://http://", "socks5://h", "http://h/", "h/%2f", ":1", "a://b", "http://h:01",
	} {
		f.Add(seed)
	}
	hubURL := &url.URL{Scheme: "https", Host: "hub.payple.kr"}
	f.Fuzz(func(t *testing.T, value string) {
		if value == "" || checkProxy("HTTPS_PROXY", value) != nil {
			return
		}
		proxy, err := (&httpproxy.Config{HTTPSProxy: value}).ProxyFunc()(hubURL)
		if err != nil || proxy == nil || proxy.Hostname() == "" || !strings.Contains(value, proxy.Hostname()) && !strings.Contains(value, "%") {
			t.Fatalf("%q is taken, and %v used, %v", value, proxy, err)
		}
		if !strings.HasSuffix(strings.TrimRight(value, "/"), proxy.Host) && !strings.Contains(value, "%") {
			t.Fatalf("%q is taken, and its host is %q", value, proxy.Host)
		}
	})
}
