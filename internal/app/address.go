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
func canListen(ctx context.Context, address string) error {
	var err error
	if strings.HasPrefix(address, vsockScheme) {
		err = checkVsock(address)
	} else {
		err = checkTCP(ctx, address)
	}
	if err != nil {
		return errors.New("want a port with or without a host, such as :10911, localhost:10911 or [::1]:10911, or vsock://:10911")
	}
	return nil
}

func checkTCP(ctx context.Context, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = new(net.Resolver).LookupPort(ctx, "tcp", port) // it may be a name, such as http
	}
	return err
}

func checkVsock(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 32)
	}
	return err
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
