package simulator

import (
	"slices"
	"time"

	"payple_exporter/hub"
)

// TimedFault is a fault that comes and goes by plan, whenever that is asked
// for: it is a pure function of the time since the simulation began.
type TimedFault struct {
	From time.Duration
	// Until is when the fault is over; 0 means never.
	Until time.Duration
	// Endpoint is the one that fails; empty means each that can fail so.
	Endpoint hub.Endpoint
	Fault    Fault
}

// under reports whether the fault is under way.
func (f TimedFault) under(elapsed time.Duration) bool {
	return f.From <= elapsed && (f.Until == 0 || elapsed < f.Until)
}

// KeyChange is a rotation of a partner's key: from After on the hub wants
// CustKey and refuses the one before.
type KeyChange struct {
	After   time.Duration
	CustKey string
}

// FaultAt returns the planned fault that an endpoint meets once elapsed has
// passed, if there is one; of several, the one that began last.
func (p Partner) FaultAt(endpoint hub.Endpoint, elapsed time.Duration) Fault {
	latest := TimedFault{From: -1}
	for _, fault := range p.Faults {
		concerned := (fault.Endpoint == "" || fault.Endpoint == endpoint) && slices.Contains(fault.Fault.Endpoints, endpoint)
		if concerned && fault.under(elapsed) && fault.From >= latest.From {
			latest = fault
		}
	}
	return latest.Fault
}

// KeyAt returns the key that the hub wants once elapsed has passed.
func (p Partner) KeyAt(elapsed time.Duration) string {
	key, since := p.CustKey, time.Duration(-1)
	for _, change := range p.Keys {
		if change.After <= elapsed && change.After > since {
			key, since = change.CustKey, change.After
		}
	}
	return key
}
