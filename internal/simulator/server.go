package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"payple_exporter/hub"
)

// controlPath is where a person changes the simulation while it runs. No
// endpoint of the real hub is there.
const controlPath = "/simulator/"

// Server is a Hub that listens.
type Server struct {
	// URL is the hub's address, for the exporter's --payple.hub.
	URL string

	server *http.Server
	served chan error
	opened atomic.Int64 // connections so far
}

// connectionKey is where the context of a request has the number of its
// connection.
type connectionKey struct{}

// Start serves h on address, such as "127.0.0.1:0", until Close.
func Start(h *Hub, address string) (*Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated hub: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET "+controlPath, func(w http.ResponseWriter, _ *http.Request) { show(w, h.States()) })
	mux.HandleFunc("GET "+controlPath+"departures", func(w http.ResponseWriter, _ *http.Request) { show(w, h.Departures()) })
	mux.HandleFunc("POST "+controlPath+"fault", h.control)
	s := &Server{
		URL:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second},
		served: make(chan error, 1),
	}
	s.server.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, s.opened.Add(1))
	}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// OpenNow returns a function that reports whether a request comes over a
// connection that was opened before now.
func (s *Server) OpenNow() func(*http.Request) bool {
	last := s.opened.Load()
	return func(r *http.Request) bool {
		number, _ := r.Context().Value(connectionKey{}).(int64)
		return number <= last
	}
}

// Close stops the server and breaks whatever requests are under way.
func (s *Server) Close() error {
	if err := s.server.Close(); err != nil {
		return fmt.Errorf("stopping the simulated hub: %w", err)
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the simulated hub stopped by itself: %w", err)
	}
	return nil
}

// State is what the simulator tells of one partner.
type State struct {
	CstID    string                  `json:"cst_id"`
	Remain   hub.Won                 `json:"remain_amt"`
	Total    hub.Won                 `json:"total_account_amt"`
	Paid     hub.Won                 `json:"total_transfer_amt"`
	Requests map[hub.Endpoint]int    `json:"requests"`
	Faults   map[hub.Endpoint]string `json:"faults,omitempty"`
}

// States returns every partner's figures as they are now, and its faults.
func (h *Hub) States() []State {
	h.mu.Lock()
	defer h.mu.Unlock()
	elapsed := h.elapsed()
	states := make([]State, 0, len(h.partners))
	for _, id := range h.cstIDs() {
		account := h.partners[id]
		figures := account.Plan.At(elapsed)
		state := State{
			CstID: id, Remain: figures.Remain(), Total: figures.Total, Paid: figures.Transferred,
			Requests: make(map[hub.Endpoint]int), Faults: make(map[hub.Endpoint]string),
		}
		for endpoint, traffic := range account.traffic {
			state.Requests[endpoint] = traffic.requests
		}
		for _, endpoint := range hub.Endpoints() {
			if fault := account.fault(endpoint, elapsed); fault.Name != "" {
				state.Faults[endpoint] = fault.Name
			}
		}
		states = append(states, state)
	}
	return states
}

func show(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(what) // the client may be gone: its business
}

// control breaks or mends: POST fault?cst_id=…[&endpoint=remain]&fault=NAME,
// as Apply does.
func (h *Hub) control(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if err := h.Apply(query.Get("cst_id"), hub.Endpoint(query.Get("endpoint")), query.Get("fault")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintln(w, "ok") // the client may be gone: its business
}

// Apply breaks or mends by name: the fault "none" mends, an empty endpoint
// means both and an empty cstID all partners. A fault of both endpoints takes
// the place of whatever the partner meets at either, even where it spoils the
// answers of one alone: the other is well again.
func (h *Hub) Apply(cstID string, endpoint hub.Endpoint, name string) error {
	var fault Fault
	if name != "none" {
		var err error
		if fault, err = ParseFault(name); err != nil {
			return err
		}
	}
	if err := checkEndpoint(endpoint, fault); err != nil {
		return err
	}
	ids := []string{cstID}
	if cstID == "" {
		ids = h.cstIDs()
	}
	for _, id := range ids {
		if !h.on(id, func(a *account) {
			if endpoint == "" || fault.Name == "" {
				a.mend(h.elapsed())
			}
			for _, at := range fault.Endpoints {
				if endpoint == "" || endpoint == at {
					a.faults[at] = fault
				}
			}
		}) {
			return fmt.Errorf("no partner %q", id)
		}
	}
	return nil
}

// checkEndpoint refuses an endpoint that there is not, and one that cannot have
// the fault. Empty means each that can; the fault may be none.
func checkEndpoint(endpoint hub.Endpoint, fault Fault) error {
	switch {
	case endpoint == "":
	case !slices.Contains(hub.Endpoints(), endpoint):
		return fmt.Errorf("no endpoint %q: want token or remain", endpoint)
	case fault.Name != "" && !slices.Contains(fault.Endpoints, endpoint):
		return fmt.Errorf("the fault %s is none of the endpoint %s: take endpoint out", fault.Name, endpoint)
	}
	return nil
}
