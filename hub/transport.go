package hub

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// proxyError is a proxy's refusal to connect to the hub.
type proxyError struct{ status int }

func (e proxyError) Error() string {
	return fmt.Sprintf("the proxy answered HTTP %d %s", e.status, http.StatusText(e.status))
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
		IdleConnTimeout:        90 * time.Second,
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
	return proxyError{answer.StatusCode}
}
