package web

import (
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// discovery lists one target for each merchant, to be scraped at /probe, as
// Prometheus' HTTP service discovery wants it.
func (s *server) discovery(w http.ResponseWriter, r *http.Request) {
	address, path, scheme := cmp.Or(s.options.SDAddress, r.Host), s.options.Prefix, ""
	if external := s.options.External; external != nil && s.options.SDAddress == "" {
		address, path, scheme = external.Host, external.Path, external.Scheme
	}
	if !IsTarget(address) {
		http.Error(w, "the Host header is no host name with or without a port: ask with one, or set --web.sd-address", http.StatusBadRequest)
		return
	}
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, merchant := range s.options.Collector.Merchants() {
		labels := map[string]string{"__metrics_path__": path + "/probe", "__param_merchant": merchant.Name, "merchant": merchant.Name}
		if scheme != "" {
			labels["__scheme__"] = scheme
		}
		groups = append(groups, group{[]string{address}, labels})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups) // the client may be gone: its business
}

// IsTarget reports whether Prometheus can take address for a target: a host name
// or an IP address, in brackets if it is one of IPv6, and a port if there is
// one.
func IsTarget(address string) bool {
	host := address
	if _, port, err := net.SplitHostPort(address); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		host = strings.TrimSuffix(address, ":"+port)
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		inner, whole := strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return whole && err == nil && ip.Is6() && ip.Zone() == ""
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	const longest = 253 // by the rules of DNS
	return host != "" && len(host) <= longest && strings.Trim(host, letters) == ""
}
