package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
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

	mu          sync.Mutex
	connections map[net.Conn]http.ConnState
}

// Start serves h on address, such as "127.0.0.1:0", until Close.
func Start(h *Hub, address string) (*Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting the simulated hub: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET "+controlPath, h.show)
	mux.HandleFunc("POST "+controlPath+"fault", h.control)
	s := &Server{
		URL:         "http://" + listener.Addr().String(),
		served:      make(chan error, 1),
		connections: make(map[net.Conn]http.ConnState),
	}
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ConnState: s.count}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// count keeps the connections that are open. One that a fault took over is
// closed by it.
func (s *Server) count(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive, http.StateIdle:
		s.connections[conn] = state
	case http.StateHijacked, http.StateClosed:
		delete(s.connections, conn)
	}
}

// Busy returns how many connections a request is on.
func (s *Server) Busy() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	busy := 0
	for _, state := range s.connections {
		if state == http.StateActive {
			busy++
		}
	}
	return busy
}

// OpenNow returns a function that reports whether a request comes over a
// connection that is open now.
func (s *Server) OpenNow() func(*http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make(map[string]bool, len(s.connections))
	for conn := range s.connections {
		open[conn.RemoteAddr().String()] = true
	}
	return func(r *http.Request) bool { return open[r.RemoteAddr] }
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
		maps.Copy(state.Requests, account.requests)
		for _, endpoint := range hub.Endpoints() {
			if fault := account.fault(endpoint, elapsed); fault.Name != "" {
				state.Faults[endpoint] = fault.Name
			}
		}
		states = append(states, state)
	}
	return states
}

func (h *Hub) show(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(h.States()) // the client may be gone: its business
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
	fault, err := faultAt(endpoint, name)
	if err != nil {
		return err
	}
	ids := []string{cstID}
	if cstID == "" {
		ids = h.cstIDs()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		account, known := h.partners[id]
		if !known {
			return fmt.Errorf("no partner %q", id)
		}
		if endpoint == "" || name == noFault {
			account.mend(h.elapsed())
		}
		for _, at := range fault.Endpoints {
			if endpoint == "" || endpoint == at {
				account.faults[at] = fault
			}
		}
	}
	return nil
}

// noFault is the name of no fault at all.
const noFault = "none"

// faultAt reads a fault's name, and refuses one that the endpoint cannot have.
// For the name that mends it returns no fault.
func faultAt(endpoint hub.Endpoint, name string) (Fault, error) {
	if endpoint != "" && !slices.Contains(hub.Endpoints(), endpoint) {
		return Fault{}, fmt.Errorf("no endpoint %q: want token or remain", endpoint)
	}
	if name == noFault {
		return Fault{}, nil
	}
	fault, err := ParseFault(name)
	if err == nil && endpoint != "" && !slices.Contains(fault.Endpoints, endpoint) {
		err = fmt.Errorf("the fault %s is none of the endpoint %s: take endpoint out", name, endpoint)
	}
	return fault, err
}
