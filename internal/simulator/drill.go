package simulator

import (
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/strictyaml"
)

// Drill is one drill.
type Drill struct {
	// About says in a sentence or two what is drilled. Where the file has it in
	// one language, that one stands for both.
	About lang.Text
	// Merchants are in the order of the file.
	Merchants []DrillMerchant
}

// DrillMerchant is one partner of the simulated hub, and what happens to it.
type DrillMerchant struct {
	CstID          string
	CustKey        string
	Start          Figures
	DrainPerMinute hub.Won
	Events         []DrillEvent
	Faults         []TimedFault
}

// DrillEvent is something that happens at a moment: so long after the beginning, or
// at a time of day in Korea.
type DrillEvent struct {
	// After is since the beginning of the drill; it counts unless Daily is set.
	After time.Duration
	// Daily says that Clock counts, every day again.
	Daily bool
	// Clock is the time of day in Korea, since midnight.
	Clock time.Duration
	// Every repeats the event; 0 means once, or for a daily one every day.
	Every time.Duration

	Pay     hub.Won // goes to sellers
	TopUp   hub.Won // comes in, or is taken away where it is negative
	CustKey string  // the key that the hub wants from then on
}

// maxFileBytes bounds a drill file.
const maxFileBytes = 1 << 20

// LoadDrill reads a drill file. All faults in it are reported together, each on
// a line of its own with file, line and what to do. custKey is the key of
// merchants that name none.
func LoadDrill(path, custKey string) (Drill, error) {
	text, err := strictyaml.Read(path, "scenario file", maxFileBytes)
	if err != nil {
		return Drill{}, err
	}
	return ParseDrill(path, text, custKey)
}

// ParseDrill reads the text of a drill file; path is what faults call it.
func ParseDrill(path string, text []byte, custKey string) (Drill, error) {
	r := &drillReader{strictyaml.New(path, "keys of a drill are invented and stand under cust_key"), custKey}
	root, err := r.Root(text, "one file is one drill")
	if err != nil {
		return Drill{}, err
	}
	drill := r.read(root)
	if err := r.Err(); err != nil {
		return Drill{}, err
	}
	return drill, nil
}

// Partners returns the partners of a simulation that begins at began and is so
// many times as fast as the world: times of day are reached when the world
// reaches them, whatever the speed.
func (s Drill) Partners(began time.Time, speed int) []Partner {
	partners := make([]Partner, 0, len(s.Merchants))
	for _, m := range s.Merchants {
		partner := Partner{
			CstID: m.CstID, CustKey: m.CustKey, Faults: m.Faults,
			Plan: Plan{Start: m.Start, DrainPerMinute: m.DrainPerMinute},
		}
		for _, e := range m.Events {
			after, every := e.times(began, max(1, speed))
			if e.CustKey != "" {
				partner.Keys = append(partner.Keys, KeyChange{After: after, CustKey: e.CustKey})
				continue
			}
			partner.Plan.Events = append(partner.Plan.Events, Event{After: after, Every: every, Pay: e.Pay, TopUp: e.TopUp})
		}
		partners = append(partners, partner)
	}
	return partners
}

const day = 24 * time.Hour

// times returns when an event first happens, and how often after that, by the
// clock of the plan.
func (e DrillEvent) times(began time.Time, speed int) (after, every time.Duration) {
	if !e.Daily {
		return e.After, e.Every
	}
	korean := began.In(hub.KST())
	sinceMidnight := time.Duration(korean.Hour())*time.Hour + time.Duration(korean.Minute())*time.Minute +
		time.Duration(korean.Second())*time.Second + time.Duration(korean.Nanosecond())
	wait := (e.Clock - sinceMidnight + day) % day
	if wait == 0 {
		wait = day // a plan's events come after its beginning
	}
	hurried := func(d time.Duration) time.Duration { return time.Duration(int64(d) * int64(speed)) }
	return hurried(wait), hurried(day)
}
