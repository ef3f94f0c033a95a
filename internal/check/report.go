package check

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/lang"
)

// report writes what check found for people, in one language.
type report struct {
	texts    textTable
	language lang.Language
}

// manyNames is how many merchants of a group are named.
const manyNames = 5

// say returns a text in the report's language, its verbs filled in.
func (r report) say(text lang.Text, args ...any) string {
	if len(args) == 0 {
		return text.In(r.language)
	}
	return fmt.Sprintf(text.In(r.language), args...)
}

// WriteText writes findings for people: how each group of merchants was asked,
// then all figures.
func WriteText(w io.Writer, findings []Finding, language lang.Language) error {
	r := report{allTexts(), language}
	var out bytes.Buffer
	for _, group := range alike(findings) {
		r.group(&out, group)
	}
	r.figures(&out, findings)
	_, err := w.Write(out.Bytes())
	return err
}

// group tells step by step what was tried for merchants that went the same
// way, and what to do if it failed.
func (r report) group(out *bytes.Buffer, group []Finding) {
	names := make([]string, 0, manyNames)
	for _, f := range group[:min(len(group), manyNames)] {
		names = append(names, f.Merchant)
	}
	who := strings.Join(names, ", ")
	if more := len(group) - len(names); more > 0 {
		who = r.say(r.texts.AndMore, who, more)
	}
	_, _ = fmt.Fprintln(out, r.say(r.texts.Asks, who, group[0].HubURL))
	var rows [][]string
	for i, step := range group[0].Steps {
		rows = append(rows, []string{
			"", r.say(r.texts.Steps[step.Step]), r.say(r.texts.States[step.State]), r.took(group, i), r.detail(group, step),
		})
	}
	lang.WriteRows(out, rows)
	if first := group[0]; !first.OK {
		lang.WriteRows(out, [][]string{
			{"", r.say(r.texts.Problem), r.say(first.advice.Problem)},
			{"", r.say(r.texts.Action), r.say(first.advice.Action)},
			{"", r.say(r.texts.InFull), group[0].Error},
		})
	}
	_, _ = fmt.Fprintln(out)
}

// took says how long a step took; for several merchants, the longest.
func (r report) took(group []Finding, step int) string {
	state := group[0].Steps[step].State
	if state != StepOK && state != StepFailed {
		return "-"
	}
	longest := time.Duration(slowest(group, step) * float64(time.Second))
	text := fmt.Sprintf("%.0f ms", longest.Seconds()*1000)
	switch {
	case longest < 50*time.Microsecond:
		return "<0.1 ms"
	case longest < 10*time.Millisecond:
		text = fmt.Sprintf("%.1f ms", longest.Seconds()*1000)
	}
	if len(group) > 1 {
		return r.say(r.texts.UpTo, text)
	}
	return text
}

// detail says what a step was about and what came of it.
func (r report) detail(group []Finding, step StepFinding) string {
	switch {
	case step.State == StepNotNeeded && step.Step == StepAddress:
		return step.Target
	case step.State == StepNotNeeded:
		return r.say(r.texts.NotNeeded[step.Step])
	case step.Step == StepKey && step.Found == foundWrapped:
		return r.key(group) + ", " + r.say(r.texts.KeyWrapped)
	case step.Step == StepKey:
		return r.key(group)
	case step.Step == StepTLS && step.Found != "":
		return r.say(r.texts.CertificateUntil, step.Target, step.Found)
	}
	var parts []string
	for _, part := range []string{step.Target, step.Found} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	switch {
	case step.Shared && step.Step == StepConnection && len(group) == 1:
		parts = append(parts, r.say(r.texts.Shared))
	case len(parts) == 2:
		return r.say(r.texts.With, parts[0], parts[1])
	}
	return strings.Join(parts, ", ")
}

// DemoKey is what the demo calls the source of its key.
const DemoKey = "the demo"

// key says where the keys of a group come from.
func (r report) key(group []Finding) string {
	source := group[0].key
	for _, f := range group {
		if f.key != source {
			return r.say(r.texts.OwnKeys)
		}
	}
	switch {
	case source.Name == "":
	case source.Kind == hub.SourceFile:
		return r.say(r.texts.KeyFile, source.Name)
	case source.Kind == hub.SourceEnv:
		return r.say(r.texts.KeyEnv, source.Name)
	case source.Name == DemoKey:
		return r.say(r.texts.KeyDemo)
	}
	return r.say(r.texts.KeyUnnamed)
}

// figures is the table of all merchants.
func (r report) figures(out *bytes.Buffer, findings []Finding) {
	t := r.texts
	rows := [][]string{{
		r.say(t.Merchant), r.say(t.Hub), r.say(t.Remaining), r.say(t.Transferred), r.say(t.Total),
		r.say(t.KoreanTime), r.say(t.LocalTime, time.Now().Format("MST")), r.say(t.Result),
	}}
	answered, low := 0, 0
	var enough hub.Won
	for _, f := range findings {
		if !f.OK {
			rows = append(rows, []string{f.Merchant, f.Hub, "-", "-", "-", "-", "-", r.say(t.Bad, r.say(advice.Name(f.Reason)))})
			continue
		}
		answered++
		korean, local := "-", "-"
		if f.HubTime != nil {
			korean, local = f.HubTime.In(hub.KST()).Format(time.DateTime), f.HubTime.Local().Format(time.DateTime)
		}
		result := r.say(t.Good)
		if f.Below != nil {
			low, enough = low+1, *f.Below
			result = r.say(t.Below, enough.Grouped())
		}
		rows = append(rows, []string{f.Merchant, f.Hub, f.Remain.String(), f.Paid.String(), f.Total.String(), korean, local, result})
	}
	lang.WriteRows(out, rows)
	_, _ = fmt.Fprintf(out, "\n%s\n", r.say(t.Answered, answered, len(findings)))
	if low > 0 {
		_, _ = fmt.Fprintln(out, r.say(t.Low, low, enough.Grouped()))
	}
}

// slowest returns the longest duration of one step among findings, in seconds.
func slowest(findings []Finding, step int) float64 {
	var longest float64
	for _, f := range findings {
		longest = max(longest, f.Steps[step].Duration)
	}
	return longest
}

// sameWay reports whether two findings differ in nothing that a person has to
// know but their names, figures and times.
func sameWay(a, b Finding) bool {
	if a.HubURL != b.HubURL || a.Error != b.Error {
		return false
	}
	for i, step := range a.Steps {
		other := b.Steps[i]
		if step.State != other.State || step.Found != other.Found && step.Step != StepAddress {
			return false
		}
	}
	return true
}

// alike puts findings that went the same way together, those that succeeded
// first, else in the order of configuration.
func alike(findings []Finding) [][]Finding {
	var good, bad [][]Finding
	for _, f := range findings {
		groups := &good
		if !f.OK {
			groups = &bad
		}
		at := 0
		for at < len(*groups) && !sameWay((*groups)[at][0], f) {
			at++
		}
		if at == len(*groups) {
			*groups = append(*groups, nil)
		}
		(*groups)[at] = append((*groups)[at], f)
	}
	return append(good, bad...)
}
