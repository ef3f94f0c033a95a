package simulator

import (
	"cmp"
	"time"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/strictyaml"
)

// drillReader walks a drill file.
type drillReader struct {
	*strictyaml.File
	DrillOptions
}

func (r *drillReader) read(root *yaml.Node) Drill {
	top := r.Mapping(root, "about", "about_ko", "cust_key", "merchants")
	about, korean := r.optional(top, "about"), r.optional(top, "about_ko")
	drill := Drill{About: lang.Text{English: cmp.Or(about, korean), Korean: cmp.Or(korean, about)}}
	r.CustKey = cmp.Or(r.optional(top, "cust_key"), r.CustKey)
	list, ok := top["merchants"]
	if !ok || list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		if !ok {
			list = root
		}
		r.Fault(list, "no merchants: list at least one under the key merchants, with cst_id and total")
		return drill
	}
	seen := make(map[string]int)
	for _, node := range list.Content {
		merchant := r.merchant(node)
		if line, twice := seen[merchant.CstID]; twice && merchant.CstID != "" {
			r.Fault(node, "the cst_id %s is taken already, on line %d: give each merchant its own", merchant.CstID, line)
		}
		seen[merchant.CstID] = node.Line
		drill.Partners = append(drill.Partners, merchant)
	}
	return drill
}

func (r *drillReader) merchant(node *yaml.Node) Partner {
	fields := r.Mapping(node, "cst_id", "cust_key", "total", "transferred", "drain_per_minute", "events", "week_before", "faults")
	p := Partner{CstID: r.required(node, fields, "cst_id"), CustKey: cmp.Or(r.optional(fields, "cust_key"), r.CustKey)}
	if _, given := fields["total"]; !given {
		r.Fault(node, "no total: say what the account can draw on at the start, in won, such as 120,000,000")
	}
	p.Plan.Start = Figures{Total: r.won(fields, "total", 0), Transferred: r.won(fields, "transferred", 0)}
	p.Plan.DrainPerMinute = r.won(fields, "drain_per_minute", 0)
	if p.Plan.DrainPerMinute > mostDrain {
		r.Fault(fields["drain_per_minute"], "drain_per_minute %s: want %s or less", p.Plan.DrainPerMinute.Grouped(), mostDrain.Grouped())
	}
	for _, item := range r.list(fields, "events") {
		r.event(item, &p)
	}
	for _, item := range r.list(fields, "week_before") {
		p.Plan.WeekBefore = append(p.Plan.WeekBefore, r.dailyEvent(item))
	}
	if before := p.Plan.before().Start; len(p.Plan.WeekBefore) > 0 && (before.Total < 0 || before.Transferred < 0) {
		r.Fault(fields["week_before"], "week_before: more comes in or goes out than total and transferred hold: raise both by as much")
	}
	for _, item := range r.list(fields, "faults") {
		p.Faults = append(p.Faults, r.timedFault(item))
	}
	return p
}

// mostDrain keeps months of draining within what an amount can hold.
const mostDrain hub.Won = 1_000_000_000

// event reads when something happens to a partner, and what.
func (r *drillReader) event(node *yaml.Node, p *Partner) {
	fields := r.Mapping(node, "after", "at", "every", "pay", "top_up", "cust_key")
	e := Event{
		After: r.duration(fields, "after"), Every: r.duration(fields, "every"),
		Pay: r.won(fields, "pay", 0), TopUp: r.won(fields, "top_up", -hub.MaxWon),
	}
	key := r.optional(fields, "cust_key")
	if node.Kind != yaml.MappingNode {
		return
	}
	if given(fields, "after", "at") != 1 {
		r.Fault(node, "when? Give either after (such as 10m from the start) or at (such as 10:00 in Korea, every day)")
	}
	at, daily := fields["at"]
	if daily {
		e.After, e.Every = r.daily(r.clock(at))
	}
	every, repeated := fields["every"]
	switch {
	case repeated && (daily || key != ""):
		r.Fault(every, "every goes with after, and with pay or top_up: take it out")
	case repeated && e.Every > 0 && e.Every < shortest:
		r.Fault(every, "every %s: want %s or more", e.Every, shortest)
	}
	if given(fields, "pay", "top_up", "cust_key") != 1 {
		r.Fault(node, "what happens? Give one of pay, top_up and cust_key")
	}
	if key != "" {
		p.Keys = append(p.Keys, KeyChange{e.After, key})
		return
	}
	p.Plan.Events = append(p.Plan.Events, e)
}

// dailyEvent reads what happened on each day of the week before.
func (r *drillReader) dailyEvent(node *yaml.Node) Event {
	fields := r.Mapping(node, "ago", "after", "pay", "top_up")
	e := Event{After: r.duration(fields, "after") - r.duration(fields, "ago"), Pay: r.won(fields, "pay", 0), TopUp: r.won(fields, "top_up", -hub.MaxWon)}
	if given(fields, "ago", "after") != 1 || given(fields, "pay", "top_up") != 1 || e.After < -12*time.Hour || e.After > 12*time.Hour {
		r.Fault(node, "when, and what? Give ago or after (of the time of day of the start, at most 12h), and pay or top_up")
	}
	return e
}

// shortest is how often something may happen: a plan is worked out from its
// beginning each time that it is asked for.
const shortest = time.Second

// given counts the keys that are there.
func given(fields map[string]*yaml.Node, keys ...string) int {
	n := 0
	for _, key := range keys {
		if _, ok := fields[key]; ok {
			n++
		}
	}
	return n
}

func (r *drillReader) timedFault(node *yaml.Node) TimedFault {
	fields := r.Mapping(node, "from", "until", "fault", "endpoint")
	timed := TimedFault{From: r.duration(fields, "from"), Until: r.duration(fields, "until")}
	if until, given := fields["until"]; given && timed.Until <= timed.From {
		r.Fault(until, "until %s is not after from %s", timed.Until, timed.From)
	}
	if name := r.required(node, fields, "fault"); name != "" {
		var err error
		if timed.Fault, err = ParseFault(name); err != nil {
			r.Fault(fields["fault"], "%w", err)
		}
	}
	timed.Endpoint = hub.Endpoint(r.optional(fields, "endpoint"))
	if err := checkEndpoint(timed.Endpoint, timed.Fault); err != nil {
		r.Fault(fields["endpoint"], "%w", err)
	}
	return timed
}

// list returns the entries of a list; none if it is not there.
func (r *drillReader) list(fields map[string]*yaml.Node, name string) []*yaml.Node {
	node, ok := fields[name]
	if !ok {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		r.Fault(node, "%s: want a list", name)
		return nil
	}
	return node.Content
}

// optional returns a text; empty if it is not there.
func (r *drillReader) optional(fields map[string]*yaml.Node, name string) string {
	node, ok := fields[name]
	if !ok {
		return ""
	}
	text, _ := r.Text(node, name)
	return text
}

func (r *drillReader) required(node *yaml.Node, fields map[string]*yaml.Node, name string) string {
	if _, ok := fields[name]; !ok {
		r.Fault(node, "no %s: add it", name)
	}
	return r.optional(fields, name)
}

// won reads an amount of at least least.
func (r *drillReader) won(fields map[string]*yaml.Node, name string, least hub.Won) hub.Won {
	text := r.optional(fields, name)
	if text == "" {
		return 0
	}
	amount, err := hub.ParseWon(text)
	switch {
	case err != nil:
		r.Fault(fields[name], "%s %s: %w: want an amount such as 1000000 or \"1,000,000\"", name, hub.Quote(text), err)
	case amount < least:
		r.Fault(fields[name], "%s %s: want %s or more", name, text, least.Grouped())
	}
	return amount
}

func (r *drillReader) duration(fields map[string]*yaml.Node, name string) time.Duration {
	text := r.optional(fields, name)
	if text == "" {
		return 0
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration < 0 || duration == 0 && name != "from" {
		r.Fault(fields[name], "%s %s: want a duration such as 5m or 1h30m", name, hub.Quote(text))
		return 0
	}
	return duration
}

// clock reads a time of day.
func (r *drillReader) clock(node *yaml.Node) time.Duration {
	t, err := time.Parse("15:04", node.Value)
	if err != nil {
		r.Fault(node, "at %s: want a time of day in Korea such as 10:00", hub.Quote(node.Value))
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
