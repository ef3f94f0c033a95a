package simulator_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/golden"
)

var update = flag.Bool("update", false, "write the golden file anew")

const whole = `
about: All that a drill can have.
about_ko: 훈련에 쓸 수 있는 모든 것.
cust_key: for-all
merchants:
  - cst_id: one
    total: 120,000,000
    transferred: 20,000,000
    drain_per_minute: 1,000,000
    events:
      - {after: 10m, every: 30m, pay: 2000000}
      - {at: "10:00", pay: "50,000,000"}
      - {after: 45m, top_up: -10000000}
      - {after: 5m, cust_key: rotated}
    faults:
      - {from: 5m, until: 15m, fault: status=503}
      - {from: 0s, fault: slow=1s, endpoint: token}
  - cst_id: two
    total: 1
    cust_key: own
`

// A file is played as it is written: amounts, moments, keys and faults.
func TestParseWhole(t *testing.T) {
	t.Parallel()
	// 09:20 in Seoul: 10:00 comes in 40 minutes.
	drill, err := simulator.ParseDrill("drill.yml", []byte(whole), simulator.DrillOptions{CustKey: "unused", Began: time.Date(2026, 11, 23, 0, 20, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if drill.About != (lang.Text{English: "All that a drill can have.", Korean: "훈련에 쓸 수 있는 모든 것."}) || len(drill.Partners) != 2 {
		t.Fatalf("got %+v", drill)
	}
	one := drill.Partners[0]
	if one.CustKey != "for-all" || one.Plan.Start != (simulator.Figures{Total: 120_000_000, Transferred: 20_000_000}) || one.Plan.DrainPerMinute != 1_000_000 {
		t.Errorf("got %+v", one)
	}
	wantEvents := []simulator.Event{
		{After: 10 * time.Minute, Every: 30 * time.Minute, Pay: 2_000_000},
		{After: 40 * time.Minute, Every: 24 * time.Hour, Pay: 50_000_000},
		{After: 45 * time.Minute, TopUp: -10_000_000},
	}
	if !reflect.DeepEqual(one.Plan.Events, wantEvents) {
		t.Errorf("events are %+v, want %+v", one.Plan.Events, wantEvents)
	}
	if want := []simulator.KeyChange{{After: 5 * time.Minute, CustKey: "rotated"}}; !reflect.DeepEqual(one.Keys, want) {
		t.Errorf("keys are %+v", one.Keys)
	}
	if len(one.Faults) != 2 || one.Faults[0].Fault.Name != "status=503" || one.Faults[0].Until != 15*time.Minute || one.Faults[1].Endpoint != hub.EndpointToken {
		t.Errorf("faults are %+v", one.Faults)
	}
	if two := drill.Partners[1]; two.CustKey != "own" || two.Plan.Start.Total != 1 {
		t.Errorf("second %+v", two)
	}
}

// A drill that says in one language what it is about says so to everybody.
func TestAboutInOneLanguage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file string
		want lang.Text
	}{
		{"about: It runs dry.\n", lang.Text{English: "It runs dry.", Korean: "It runs dry."}},
		{"about_ko: 한도가 소진됩니다.\n", lang.Text{English: "한도가 소진됩니다.", Korean: "한도가 소진됩니다."}},
		{"", lang.Text{}},
	} {
		drill, err := simulator.ParseDrill("drill.yml", []byte(test.file+"merchants: [{cst_id: a, total: 10}]\n"), simulator.DrillOptions{CustKey: "k"})
		if err != nil || drill.About != test.want {
			t.Errorf("%q: %+v, %v", test.file, drill.About, err)
		}
	}
}

// A time of day is Korea's, the next one to come, and the same moment however
// fast the plan passes.
func TestTimesOfDay(t *testing.T) {
	t.Parallel()
	const file = `merchants: [{cst_id: a, total: 10, events: [{at: "10:00", pay: 1}]}]`
	korea := func(hour, minute, second int) time.Time {
		return time.Date(2026, 11, 23, hour, minute, second, 0, hub.KST())
	}
	for _, test := range []struct {
		began time.Time
		speed int
		want  time.Duration
	}{
		{korea(9, 0, 0), 1, time.Hour},
		{korea(9, 59, 59).UTC(), 1, time.Second},
		{korea(10, 0, 0), 1, 24 * time.Hour},
		{korea(10, 0, 1), 1, 24*time.Hour - time.Second},
		{korea(23, 30, 0), 1, 10*time.Hour + 30*time.Minute},
		{korea(9, 0, 0), 60, 60 * time.Hour},
	} {
		drill, err := simulator.ParseDrill("drill.yml", []byte(file), simulator.DrillOptions{CustKey: "k", Began: test.began, Speed: test.speed})
		if err != nil {
			t.Fatal(err)
		}
		if got := drill.Partners[0].Plan.Events[0].After; got != test.want {
			t.Errorf("from %s at speed %d: after %s, want %s", test.began, test.speed, got, test.want)
		}
	}
}

// misplaced is a real key that somebody wrote into a drill.
const misplaced = "sk-misplaced-16180339"

// Every refusal is, word for word, that of the golden file: what is wrong,
// where, and what to do. No key is in it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	one := func(rest string) string { return "merchants:\n  - cst_id: a\n    total: 10\n" + rest }
	var got strings.Builder
	for _, file := range []struct{ name, text string }{
		{"empty file", ""},
		{"not YAML", "merchants: [\n"},
		{"a text", "hello\n"},
		{"two documents", one("") + "---\n" + one("")},
		{"no merchants", "about: nothing\n"},
		{"nothing about it", "about:\nabout_ko: []\n" + one("")},
		{"unknown key at the top", "merchant: 1\n" + one("")},
		{"unknown key of a merchant", one("    drain: 5\n")},
		{"duplicate key", one("    total: 11\n")},
		{"the same merchant twice", one("") + "  - cst_id: a\n    total: 1\n"},
		{"no id and no total", "merchants: [{}]\n"},
		{"amounts", "merchants:\n  - {cst_id: a, total: -1, transferred: 1.5, drain_per_minute: lots}\n"},
		{"no time of an event", one("    events: [{pay: 1}]\n")},
		{"two times of an event", one("    events: [{after: 5m, at: \"10:00\", pay: 1}]\n")},
		{"nothing happens", one("    events: [{after: 5m}]\n")},
		{"two things happen", one("    events: [{after: 5m, pay: 1, top_up: 2}]\n")},
		{"times", one("    events: [{after: 5, pay: 1}, {at: noon, pay: 1}, {at: 10:00, every: 5m, pay: 1}]\n")},
		{"too often, too much", one("    drain_per_minute: 1,000,000,001\n    events: [{after: 5m, every: 1ms, pay: 1}]\n")},
		{"events no list", one("    events: {after: 5m}\n")},
		{"an event that is none", one("    events: [5m]\n")},
		{"no fault", one("    faults: [{from: 5m}]\n")},
		{"over before it begins", one("    faults: [{from: 5m, until: 5m, fault: hang}]\n")},
		{"endpoint", one("    faults: [{fault: hang, endpoint: transfer}, {fault: cst-id-other, endpoint: token}]\n")},
		{"a key in a wrong place", one("    password: " + misplaced + "\n    cust_key=" + misplaced + ": 1\n")},
		{"a key that breaks the file", one("    cust_key: *" + misplaced + "\n")},
		{"fault of a wrong kind", one("    faults: [{fault: status=200}]\n")},
	} {
		_, err := simulator.ParseDrill("drill.yml", []byte(file.text), simulator.DrillOptions{CustKey: "k"})
		if err == nil {
			t.Errorf("%s is taken", file.name)
			continue
		}
		if !strings.HasPrefix(err.Error(), "drill.yml:") {
			t.Errorf("%s: the refusal does not say where: %v", file.name, err)
		}
		if strings.Contains(err.Error(), misplaced) {
			t.Errorf("%s: the refusal shows the key: %v", file.name, err)
		}
		fmt.Fprintf(&got, "## %s\n%v\n\n", file.name, err)
	}
	golden.Compare(t, filepath.Join("testdata", "refusals.golden"), got.String(), *update)
	if _, err := simulator.FindDrill("/dev/zero", simulator.DrillOptions{CustKey: "k"}); err == nil || !strings.Contains(err.Error(), "is it the right file?") {
		t.Errorf("/dev/zero: %v", err)
	}
}

// No file makes the parser panic; what it takes can be played.
func FuzzParseDrill(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("merchants: &a [*a]"))
	f.Add([]byte(`merchants: [{cst_id: a, total: 1, events: [{at: "24:00", pay: 1}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		drill, err := simulator.ParseDrill("f.yml", text, simulator.DrillOptions{CustKey: "k", Began: time.Unix(0, 0)})
		if err != nil {
			return
		}
		for _, partner := range drill.Partners {
			figures := partner.Plan.At(time.Hour)
			if partner.CstID == "" || partner.CustKey == "" || figures.Transferred < partner.Plan.Start.Transferred {
				t.Fatalf("taken: %+v", partner)
			}
		}
	})
}
