package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ProxyError is a proxy's refusal to connect to the hub, with the HTTP status of
// its answer.
type ProxyError struct{ Status int }

func (e ProxyError) Error() string {
	return fmt.Sprintf("the proxy answered HTTP %d %s", e.Status, http.StatusText(e.Status))
}

// NewTransport returns a transport fit for the hub: TLS 1.2 or newer with
// verification, proxies from the environment, connections kept for as many
// queries at once as maxConcurrent says.
func NewTransport(maxConcurrent int) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: refuseProxy,
		DialContext:            newDialer().DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           maxConcurrent,
		MaxIdleConnsPerHost:    maxConcurrent,
		// Less than the minute after which load balancers close idle connections.
		IdleConnTimeout: 50 * time.Second,
		// A header is no place for 64 KiB either.
		MaxResponseHeaderBytes: maxBody,
		// The answers are a few hundred bytes: nothing to gain, and a small
		// body that swells is one fault less to think of.
		DisableCompression: true,
		// A connection that a firewall dropped silently must not swallow one
		// query after the other.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
}

func refuseProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return ProxyError{answer.StatusCode}
}

// CheckProxy reports whether what the environment says of a proxy to the hub can
// be used. [http.ProxyFromEnvironment] takes an address that it cannot read for
// none, and the hub would be asked directly, from an address that Payple does
// not know. getenv is [os.Getenv].
//
// Both spellings must be good: which of them counts depends on the version of
// Go. HTTP_PROXY may be anything, because http is spoken to this machine only,
// and there through no proxy.
func CheckProxy(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if value := getenv(name); value != "" && !isProxy(value) {
			return errors.New(name + ": want the address of a proxy, such as http://proxy.example:3128, its name and password " +
				"percent-encoded (%25 for %); what stands there is not shown, since it may hold a password")
		}
	}
	return nil
}

// UnusedProxy names the variable in which a proxy stands that nobody asks: of
// all there are, [http.ProxyFromEnvironment] uses HTTPS_PROXY alone for https.
// It is empty where there is none, or HTTPS_PROXY is set. getenv is [os.Getenv].
func UnusedProxy(getenv func(string) string) string {
	if getenv("HTTPS_PROXY") == "" && getenv("https_proxy") == "" {
		for _, name := range []string{"ALL_PROXY", "all_proxy"} {
			if getenv(name) != "" {
				return name
			}
		}
	}
	return ""
}

// isProxy reports whether [http.ProxyFromEnvironment] will read value as a person
// does. Where a password holds an @, # or / as it is, the two may differ.
func isProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(value, "?#") {
		return false
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u.Port() == "" || isPort(u.Port())
	}
	return false
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
