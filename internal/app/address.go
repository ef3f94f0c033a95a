package app

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// vsockScheme begins an address between a virtual machine and its host.
const vsockScheme = "vsock://"

// canListen reports whether an address is of a form that the web toolkit listens
// on. Whether it is free, and this machine's, shows when that tries.
func canListen(ctx context.Context, address string) bool {
	hostPort, vsock := address, strings.HasPrefix(address, vsockScheme)
	if u, err := url.Parse(address); vsock && err == nil {
		hostPort = u.Host
	}
	_, port, err := net.SplitHostPort(hostPort)
	switch {
	case err != nil:
	case vsock:
		_, err = strconv.ParseUint(port, 10, 32)
	default:
		_, err = new(net.Resolver).LookupPort(ctx, "tcp", port) // it may be a name, such as http
	}
	return err == nil
}

// localURL returns where a listen address is reached from this machine.
func localURL(address string) string {
	if strings.HasPrefix(address, vsockScheme) {
		return address // only from outside
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// parseBase reads an address below which there are others, such as
// https://exporter.example/payple; without the slash at its end.
func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "" || base.User != nil || strings.ContainsAny(text, "?#") {
		return nil, errors.New("want an address such as https://exporter.example/payple, without ?, # and a name or password")
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), strings.TrimRight(base.RawPath, "/")
	return base, nil
}
