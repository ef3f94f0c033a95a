package web

import (
	"encoding/json"
	"net/http"
)

// targetGroup is one entry of Prometheus' HTTP service discovery.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discovery lists one target for each merchant, to be scraped at /probe.
func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	address := s.options.SDAddress
	if address == "" {
		address = r.Host
	}
	if !IsTarget(address) {
		http.Error(w, "the Host header is no host name with or without a port: ask with one, or set --web.sd-address", http.StatusBadRequest)
		return
	}
	groups := []targetGroup{}
	for _, merchant := range s.options.Collector.Merchants() {
		groups = append(groups, targetGroup{
			Targets: []string{address},
			Labels: map[string]string{
				"__metrics_path__": "/probe",
				"__param_merchant": merchant.Name,
				"merchant":         merchant.Name,
			},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups) // the client may be gone: its business
}
