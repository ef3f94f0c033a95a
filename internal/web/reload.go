package web

import (
	"net/http"

	"github.com/go-kit/log/level"
)

// reload reads the configuration again.
func (s *server) reload(w http.ResponseWriter, r *http.Request) {
	if s.options.Reload == nil {
		http.Error(w, "reload over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	if err := s.options.Reload(r.Context()); err != nil {
		http.Error(w, "the last good configuration stays: "+err.Error(), http.StatusInternalServerError)
		return
	}
	_ = level.Debug(s.options.Logger).Log("msg", "reloaded over HTTP")
	_, _ = w.Write([]byte("reloaded\n")) // the client may be gone: its business
}
