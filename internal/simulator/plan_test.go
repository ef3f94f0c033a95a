package simulator

import (
	"testing"
	"time"

	"payple_exporter/hub"
)

// Money is neither lost nor paid twice: the figures at any time follow from
// the plan alone.
func TestPlanMovesMoney(t *testing.T) {
	t.Parallel()
	start := Figures{Total: 10_000_000, Transferred: 56_000}
	for name, test := range map[string]struct {
		plan    Plan
		elapsed time.Duration
		want    Figures
	}{
		"nothing moves":             {Plan{Start: start}, 90 * time.Minute, start},
		"drain":                     {Plan{Start: start, DrainPerMinute: 60_000}, 90 * time.Second, Figures{10_000_000, 146_000}},
		"drain stops at the end":    {Plan{Start: start, DrainPerMinute: 60_000}, 240 * time.Hour, Figures{10_000_000, 10_000_000}},
		"before a batch":            {Plan{Start: start, Events: []Event{{After: time.Hour, Pay: 1000}}}, time.Hour - 1, start},
		"at a batch":                {Plan{Start: start, Events: []Event{{After: time.Hour, Pay: 1000}}}, time.Hour, Figures{10_000_000, 57_000}},
		"once is once":              {Plan{Start: start, Events: []Event{{After: time.Hour, Pay: 1000}}}, 9 * time.Hour, Figures{10_000_000, 57_000}},
		"a batch comes again":       {Plan{Start: start, Events: []Event{{After: time.Hour, Every: 2 * time.Hour, Pay: 1000}}}, 5 * time.Hour, Figures{10_000_000, 59_000}},
		"a batch beyond what there": {Plan{Start: start, Events: []Event{{After: time.Hour, Pay: 99_000_000}}}, time.Hour, Figures{10_000_000, 10_000_000}},
		"top-up":                    {Plan{Start: start, Events: []Event{{After: time.Minute, TopUp: 5}}}, time.Hour, Figures{10_000_005, 56_000}},
		"top-up in mid-drain": {
			Plan{
				Start: Figures{Total: 100, Transferred: 90}, DrainPerMinute: 10,
				Events: []Event{{After: 5 * time.Minute, TopUp: 30}},
			}, 6 * time.Minute, Figures{130, 110},
		},
		"empty": {Plan{Start: Figures{100, 100}, DrainPerMinute: 5}, time.Hour, Figures{100, 100}},
		"overdrawn stays overdrawn": {
			Plan{Start: Figures{100, 150}, DrainPerMinute: 5}, time.Hour, Figures{100, 150},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.plan.At(test.elapsed); got != test.want {
				t.Errorf("at %s: %+v, want %+v", test.elapsed, got, test.want)
			}
		})
	}
}

// A fault that a person can name is the fault that tests use, and one that
// cannot be is refused.
func TestParseFault(t *testing.T) {
	t.Parallel()
	for _, fault := range Faults() {
		got, err := ParseFault(fault.Name)
		if err != nil || got.Name != fault.Name || got.Reason != fault.Reason {
			t.Errorf("ParseFault(%q) = %q %q, %v", fault.Name, got.Name, got.Reason, err)
		}
	}
	for name, reason := range map[string]hub.Reason{"result=B0001": hub.ReasonRejected, "status=418": hub.ReasonHTTPStatus, "slow=20ms": ""} {
		if got, err := ParseFault(name); err != nil || got.Reason != reason {
			t.Errorf("ParseFault(%q) = %q, %v; want reason %q", name, got.Reason, err, reason)
		}
	}
	for _, name := range []string{"", "nonsense", "status=", "status=200", "status=x", "slow=", "slow=-1s", "result="} {
		if _, err := ParseFault(name); err == nil {
			t.Errorf("ParseFault(%q) is taken", name)
		}
	}
}
