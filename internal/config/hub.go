package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"payple_exporter/hub"
)

// ParseHub reads "real", "test", or an address: https to any host, http only
// to this machine, since custKey is in every request.
func ParseHub(text string) (Hub, error) {
	switch text {
	case "real":
		return Hub{"real", hub.RealURL}, nil
	case "test":
		return Hub{"test", hub.TestURL}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return Hub{}, errors.New("hub: want real, test or an address such as https://hub.example")
	}
	if u.User != nil {
		return Hub{}, errors.New("hub: a name or password in the address would be shown: take it out")
	}
	if strings.ContainsAny(text, "?#%") {
		return Hub{}, errors.New("hub: want an address without ?, # and %")
	}
	if err := normalize(u); err != nil {
		return Hub{}, fmt.Errorf("hub: %w", err)
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return named(u), nil
	case u.Scheme == "http":
		return Hub{}, fmt.Errorf("hub %s: http would show custKey to the network: use https (http only to 127.0.0.1, ::1 or localhost)", hub.Quote(text))
	}
	return Hub{}, fmt.Errorf("hub %s: want https", hub.Quote(text))
}

// named returns a hub under the name that its label shows.
func named(u *url.URL) Hub {
	switch text := u.String(); text {
	case hub.RealURL:
		return Hub{"real", text}
	case hub.TestURL:
		return Hub{"test", text}
	default:
		return Hub{u.Host, text}
	}
}

// normalize gives an address the one spelling that duplicates are found by: a
// partner who is watched twice is asked twice as often as anybody meant, and
// counted twice in every sum.
func normalize(u *url.URL) error {
	host, ok := canonicalHost(u.Hostname())
	if !ok {
		return errors.New("want a host name of ASCII letters, digits, -, _ and single dots, or an IP address")
	}
	port, ok := portOf(u)
	if !ok {
		return errors.New("want a port from 1 to 65535, or none")
	}
	if !plain(u.Path, "-._~/") {
		return errors.New("want a path of ASCII letters, digits and -._~, or none")
	}
	u.Host = host + port
	u.Path, u.RawPath = strings.TrimRight(path.Clean("/"+u.Path), "/"), ""
	return nil
}

// canonicalHost returns a host as it is written in an address, and whether it is one.
func canonicalHost(host string) (string, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip = ip.Unmap(); ip.Is6() {
			return "[" + ip.String() + "]", true
		}
		return ip.String(), true
	}
	// The dot at the end, which says that a name is whole, makes no other host.
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || !plain(label, "-_") {
			return "", false
		}
	}
	return host, true
}

// portOf returns an address' port as it is written behind the host: with a
// colon, or not at all where it goes without saying.
func portOf(u *url.URL) (string, bool) {
	if u.Port() == "" {
		return "", true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	if u.Scheme == "https" && port == 443 || u.Scheme == "http" && port == 80 {
		return "", true
	}
	return ":" + strconv.FormatUint(port, 10), true
}

// plain reports whether a text holds ASCII letters, digits and others only.
func plain(text, others string) bool {
	return strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"+others) == ""
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
