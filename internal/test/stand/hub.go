package stand

import (
	"testing"

	"payple_exporter/internal/simulator"
)

// NewHub returns a simulated hub. In the end all requests that it has seen must
// have had the documented form.
func NewHub(tb testing.TB, options simulator.Options, partners ...simulator.Partner) *simulator.Hub {
	tb.Helper()
	sim := simulator.New(options, partners...)
	tb.Cleanup(func() {
		if departures := sim.Departures(); len(departures) > 0 {
			tb.Errorf("departures from the documented form: %q", departures)
		}
	})
	return sim
}

// ServeHub serves a simulated hub until the test ends.
func ServeHub(tb testing.TB, sim *simulator.Hub) *simulator.Server {
	tb.Helper()
	server, err := simulator.Start(sim, "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server
}
