package simulator_test

import (
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/stand"
)

// What is planned is a pure function of the time: asked for any moment, in any
// order, it is the same.
func TestPlannedFaultsComeAndGo(t *testing.T) {
	t.Parallel()
	down, refused, slow := simulator.Status(503, hub.ReasonHTTPStatus), simulator.Result("T0300", hub.ReasonAuth), simulator.Slow(time.Second)
	figures, err := simulator.ParseFault("remain_amt-missing") // of the endpoint remain alone
	if err != nil {
		t.Fatal(err)
	}
	partner := simulator.Partner{Faults: []simulator.TimedFault{
		{From: 5 * time.Minute, Until: 15 * time.Minute, Fault: down},
		{From: 10 * time.Minute, Until: 12 * time.Minute, Fault: refused},
		{From: 30 * time.Minute, Endpoint: hub.EndpointRemain, Fault: slow},
		{From: 20 * time.Minute, Until: 21 * time.Minute, Fault: figures},
	}}
	for _, test := range []struct {
		minutes       float64
		token, remain string
	}{
		{40, "", "slow=1s"},
		{0, "", ""},
		{4.99, "", ""},
		{5, "status=503", "status=503"},
		{10, "result=T0300", "result=T0300"},
		{12, "status=503", "status=503"},
		{15, "", ""},
		{20.5, "", "remain_amt-missing"},
		{1e6, "", "slow=1s"},
	} {
		elapsed := time.Duration(test.minutes * float64(time.Minute))
		token, remain := partner.FaultAt(hub.EndpointToken, elapsed), partner.FaultAt(hub.EndpointRemain, elapsed)
		if token.Name != test.token || remain.Name != test.remain {
			t.Errorf("minute %v: token %q, remain %q; want %q, %q", test.minutes, token.Name, remain.Name, test.token, test.remain)
		}
	}
}

// A key is good from its rotation to the next.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	partner := simulator.Partner{CustKey: "first", Keys: []simulator.KeyChange{{20 * time.Minute, "third"}, {10 * time.Minute, "second"}}}
	for minute, want := range map[int]string{0: "first", 9: "first", 10: "second", 19: "second", 20: "third", 1000: "third"} {
		if got := partner.KeyAt(time.Duration(minute) * time.Minute); got != want {
			t.Errorf("minute %d: %s, want %s", minute, got, want)
		}
	}
}

// ask asks a hub for the figures of store.
func ask(t *testing.T, url, key string) (hub.Limit, error) {
	t.Helper()
	client := hub.NewClient(hub.Options{URL: url})
	return hub.NewSession(client, "store", hub.FixedKey(hub.NewSecret(key), "test")).Remain(t.Context())
}

// The hub plays its plans on the clock it is given, as fast as it is told; a
// person's faults go before planned ones, and mending ends the one under way
// but not the next.
func TestHubPlaysItsPlans(t *testing.T) {
	t.Parallel()
	clock := &simulator.Clock{}
	down := simulator.Status(503, hub.ReasonHTTPStatus)
	sim := stand.NewHub(t, simulator.Options{Now: clock.Now, Speed: 10}, simulator.Partner{
		CstID: "store", CustKey: "first", Plan: simulator.Plan{Start: simulator.Figures{Total: 1_000_000}, DrainPerMinute: 1000},
		Faults: []simulator.TimedFault{{From: 10 * time.Minute, Until: 30 * time.Minute, Fault: down}, {From: 50 * time.Minute, Fault: down}},
		Keys:   []simulator.KeyChange{{40 * time.Minute, "second"}},
	})
	url := stand.ServeHub(t, sim).URL
	expect := func(key string, remain hub.Won, reason hub.Reason) {
		t.Helper()
		limit, err := ask(t, url, key)
		got := hub.Reason("")
		if failure, ok := err.(*hub.Error); ok { //nolint:errorlint // it always is one
			got = failure.Reason
		}
		if got != reason || limit.Remain != remain {
			t.Errorf("got %s %q, want %s %q", limit.Remain, got, remain, reason)
		}
	}
	expect("first", 1_000_000, "")
	clock.Advance(30 * time.Second) // minute 5
	expect("first", 995_000, "")
	clock.Advance(30 * time.Second) // minute 10
	expect("first", 0, hub.ReasonHTTPStatus)
	sim.Break("store", hub.EndpointToken, simulator.Result("T0310", hub.ReasonIPNotAllowed))
	expect("first", 0, hub.ReasonIPNotAllowed)
	sim.Mend("store")
	expect("first", 990_000, "")
	clock.Advance(3 * time.Minute) // minute 40
	expect("first", 0, hub.ReasonAuth)
	expect("second", 960_000, "")
	clock.Advance(time.Minute) // minute 50
	expect("second", 0, hub.ReasonHTTPStatus)
	sim.SetCustKey("store", "mine")
	sim.Mend("store")
	expect("mine", 950_000, "")
}

// faultsOf returns the names of what store meets at token and at remain.
func faultsOf(sim *simulator.Hub) [2]string {
	faults := sim.States()[0].Faults
	return [2]string{faults[hub.EndpointToken], faults[hub.EndpointRemain]}
}

// A fault that is set without an endpoint takes the place of all others, of
// planned ones too; with an endpoint, it leaves the other one as it is.
func TestAFaultTakesThePlaceOfTheOneBefore(t *testing.T) {
	t.Parallel()
	sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{
		CstID: "store", Faults: []simulator.TimedFault{{Fault: simulator.Result("T0310", hub.ReasonIPNotAllowed)}},
	})
	for _, step := range []struct {
		endpoint hub.Endpoint
		fault    string
		want     [2]string
	}{
		{hub.EndpointRemain, "hang", [2]string{"result=T0310", "hang"}},
		{"", "remain_amt-missing", [2]string{"", "remain_amt-missing"}},
		{"", "status=503", [2]string{"status=503", "status=503"}},
		{"", "remain_amt-missing", [2]string{"", "remain_amt-missing"}},
		{hub.EndpointToken, "token-missing", [2]string{"token-missing", "remain_amt-missing"}},
		{hub.EndpointToken, "slow=1s", [2]string{"slow=1s", "remain_amt-missing"}},
		{"", "none", [2]string{"", ""}},
	} {
		if err := sim.Apply("store", step.endpoint, step.fault); err != nil {
			t.Fatal(err)
		}
		if got := faultsOf(sim); got != step.want {
			t.Errorf("after %s at %q: %q, want %q", step.fault, step.endpoint, got, step.want)
		}
	}
}

// What cannot be applied is refused, and changes nothing.
func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	sim := stand.NewHub(t, simulator.Options{}, simulator.Partner{CstID: "store"})
	if err := sim.Apply("", "", "hang"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cstID    string
		endpoint hub.Endpoint
		fault    string
		says     string
	}{
		{"nobody", "", "status=503", `no partner "nobody"`},
		{"nobody", "", "none", `no partner "nobody"`},
		{"store", "transfer", "status=503", `no endpoint "transfer"`},
		{"store", "transfer", "none", `no endpoint "transfer"`},
		{"store", "", "boredom", `no fault "boredom"`},
		{"store", "", "", `no fault ""`},
		{"store", hub.EndpointToken, "remain_amt-missing", "the fault remain_amt-missing is none of the endpoint token: take endpoint out"},
	} {
		if err := sim.Apply(test.cstID, test.endpoint, test.fault); err == nil || !strings.HasPrefix(err.Error(), test.says) {
			t.Errorf("%+v: %v", test, err)
		}
		if got := faultsOf(sim); got != [2]string{"hang", "hang"} {
			t.Errorf("%+v changes the faults to %q", test, got)
		}
	}
}
