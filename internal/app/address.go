package app

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/internal/web"
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

// refuseAddress returns the mistake of a flag that names an address on which
// nobody can listen.
func refuseAddress(ctx context.Context, flag, address string) error {
	if strings.HasPrefix(address, unixScheme) {
		return wrong(flag, address, "want --web.systemd-socket and a socket unit with ListenStream=/path: systemd opens the socket")
	}
	return refuse(!canListen(ctx, address), flag, address,
		"want a port with or without a host, such as :10911, localhost:10911 or [::1]:10911, or vsock://:10911")
}

// unixScheme begins the address of a socket in the file system, which systemd
// may hand over.
const unixScheme = "unix:"

// localURL returns where what listens on an address is reached from this
// machine, without a scheme, which depends on who asks, for one of TCP.
func localURL(ctx context.Context, address string) string {
	if strings.HasPrefix(address, vsockScheme) || strings.HasPrefix(address, unixScheme) {
		return address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "//" + address
	}
	if number, err := new(net.Resolver).LookupPort(ctx, "tcp", port); err == nil { // it may be a name
		port = strconv.Itoa(number)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "//" + net.JoinHostPort(strings.ReplaceAll(host, "%", "%25"), port) // the zone of a link
}

// listenerURL returns the same for a listener.
func listenerURL(ctx context.Context, listener net.Addr, secure bool) string {
	scheme := "http:"
	if secure {
		scheme = "https:"
	}
	switch listener.Network() {
	case "tcp":
		return scheme + localURL(ctx, listener.String())
	case "unix":
		return unixScheme + listener.String()
	}
	return vsockScheme + listener.String()
}

// routeFlags say under which addresses the exporter is reached, as in Prometheus.
type routeFlags struct {
	externalURL, routePrefix string

	external *url.URL // nil if it is not set
	prefix   string   // without a slash at its end; empty for none
}

func (f *routeFlags) define(command *kingpin.CmdClause) {
	command.Flag("web.external-url", "Address under which people and Prometheus reach the exporter, where a proxy is in between, such as https://monitoring.example/payple: for /sd, and for links in alerts and /status.json.").
		StringVar(&f.externalURL)
	command.Flag("web.route-prefix", "Prefix of the exporter's own paths; by default the path of --web.external-url. With / the proxy takes the path off.").
		StringVar(&f.routePrefix)
}

// resolve reads the flags.
func (f *routeFlags) resolve() (err error) {
	if f.externalURL != "" {
		if f.external, err = parseBase(f.externalURL); err == nil && !web.IsTarget(f.external.Host) {
			err = errors.New("want a host that Prometheus can scrape")
		}
		if err != nil {
			return wrong("web.external-url", f.externalURL, err.Error())
		}
		f.prefix = f.external.Path
	}
	if f.routePrefix != "" {
		f.prefix = strings.TrimSuffix("/"+strings.Trim(f.routePrefix, "/"), "/")
	}
	return refuse(f.prefix != "" && !web.IsPath(f.prefix), "web.route-prefix", f.prefix,
		"want a path such as /payple, without //, .. and characters such as % or :; or / where the proxy takes it off")
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
