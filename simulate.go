package main

import (
	"context"
	"fmt"

	"payple_exporter/hub/hubtest"
)

// simulate runs the simulated hub alone until ctx ends.
func (p *program) simulate(ctx context.Context) error {
	simulated := hubtest.New(hubtest.Options{}, demoPartners()...)
	if p.flags.simulateFault != "" {
		if err := simulated.Apply("", "", p.flags.simulateFault); err != nil {
			return usageError{fmt.Errorf("--simulate.fault: %w", err)}
		}
	}
	server, err := hubtest.Start(simulated, p.flags.simulateAddress)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, `A simulated Payple hub listens on %[1]s. It is no real one: no money moves.

Merchants: healthy, draining, nearly-empty, empty; key-refused has another key than this.
Watch one: PAYPLE_CUST_KEY=%[2]s %[3]s --payple.hub=%[1]s --payple.cst-id=draining
Its state: curl %[1]s/simulator/
Break it:  curl -X POST '%[1]s/simulator/fault?cst_id=draining&fault=hang'
Mend it:   curl -X POST '%[1]s/simulator/fault?cst_id=draining&fault=none'
`, server.URL, demoKey, appName)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	<-ctx.Done()
	return server.Close()
}
