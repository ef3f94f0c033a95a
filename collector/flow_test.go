package collector

import (
	"testing"
	"time"

	"payple_exporter/hub"
)

// What flows out and in is the sum of the rises that were seen: a fall adds
// nothing, a failure loses nothing, and a new name does not begin at 0 again.
func TestFlowsAreTheSumsOfTheRises(t *testing.T) {
	inBubble(t, func(*Settings) {}, func(t *testing.T, gate *gate, backend *fakeHub) {
		backend.failWith(hub.ReasonTimeout)
		if s := scrape(t, gate); s.Outflow != 0 || s.Inflow != 0 {
			t.Errorf("before the first answer: out %d, in %d", s.Outflow, s.Inflow)
		}
		for _, step := range []struct {
			name              string
			transfer, account hub.Won
			fails             bool
			out, in           hub.Won
		}{
			{"the first answer has nothing to rise from", 500, 1000, false, 0, 0},
			{"a payout", 530, 1000, false, 30, 0},
			{"a top-up", 530, 1100, false, 30, 100},
			{"a reversal", 520, 1100, false, 30, 100},
			{"a payout after it", 525, 1100, false, 35, 100},
			{"a failure", 0, 0, true, 35, 100},
			{"what happened meanwhile", 625, 1150, false, 135, 150},
			{"the totals begin at zero again", 0, 525, false, 135, 150},
			{"and rise", 7, 530, false, 142, 155},
		} {
			time.Sleep(10 * time.Minute)
			backend.set(func(f *fakeHub) {
				f.err, f.limit = nil, hub.Limit{Remain: step.account - step.transfer, TotalAccount: step.account, TotalTransfer: step.transfer}
			})
			if step.fails {
				backend.failWith(hub.ReasonNetwork)
			}
			if s := scrape(t, gate); s.Outflow != step.out || s.Inflow != step.in {
				t.Errorf("%s: out %d, in %d; want %d and %d", step.name, s.Outflow, s.Inflow, step.out, step.in)
			}
			gate.configure(named("renamed for "+step.name), time.Second)
		}
	})
}
