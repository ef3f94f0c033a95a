package app

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/text/width"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
)

// report writes what check found for people, in one language: how each group
// of merchants was asked, then all figures.
type report struct {
	texts    checkTable
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

func (r report) write(w io.Writer, findings []finding) error {
	var out bytes.Buffer
	for _, group := range grouped(findings) {
		r.group(&out, group)
	}
	r.figures(&out, findings)
	_, err := w.Write(out.Bytes())
	return err
}

// group tells step by step what was tried for merchants that went the same
// way, and what to do if it failed.
func (r report) group(out *bytes.Buffer, group []finding) {
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
	writeRows(out, rows)
	if first := group[0]; !first.OK {
		writeRows(out, [][]string{
			{"", r.say(r.texts.Problem), r.say(first.advice.Problem)},
			{"", r.say(r.texts.Action), r.say(first.advice.Action)},
			{"", r.say(r.texts.InFull), group[0].Error},
		})
	}
	_, _ = fmt.Fprintln(out)
}

// took tells how long a step took; for several merchants, the longest.
func (r report) took(group []finding, step int) string {
	state := group[0].Steps[step].State
	if state != hub.StepOK && state != hub.StepFailed {
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

// detail tells what a step was about and what came of it.
func (r report) detail(group []finding, step stepFinding) string {
	switch {
	case step.State == hub.StepNotNeeded && step.Step == hub.StepAddress:
		return step.Target
	case step.State == hub.StepNotNeeded:
		return r.say(r.texts.NotNeeded[step.Step])
	case step.Step == hub.StepKey:
		return r.key(keySource(group))
	case step.Step == hub.StepTLS && step.Found != "":
		return r.say(r.texts.CertificateUntil, step.Target, step.Found)
	}
	var parts []string
	for _, part := range []string{step.Target, step.Found} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	switch {
	case step.Shared && step.Step == hub.StepConnection && len(group) == 1:
		parts = append(parts, r.say(r.texts.Shared))
	case len(parts) == 2:
		return parts[0] + " (" + parts[1] + ")"
	}
	return strings.Join(parts, ", ")
}

// demoKeySource is what the demo calls the source of its key.
const demoKeySource = "the demo"

// key tells where a key comes from, in words that package hub has in English.
func (r report) key(source string) string {
	if source == "" {
		return r.say(r.texts.OwnKeys)
	}
	for prefix, text := range map[string]lang.Text{"file ": r.texts.KeyFile, "environment variable ": r.texts.KeyEnv} {
		if name, found := strings.CutPrefix(source, prefix); found {
			return r.say(text, name)
		}
	}
	if source == demoKeySource {
		return r.say(r.texts.KeyDemo)
	}
	return r.say(r.texts.KeyUnnamed)
}

// figures is the table of all merchants.
func (r report) figures(out *bytes.Buffer, findings []finding) {
	t := r.texts
	var rows [][]string
	head := []lang.Text{t.Merchant, t.Hub, t.Remaining, t.Transferred, t.Total, t.KoreanTime, t.LocalTime, t.Result}
	titles := make([]string, 0, len(head))
	for _, title := range head {
		titles = append(titles, r.say(title))
	}
	rows = append(rows, titles)
	answered := 0
	for _, f := range findings {
		if !f.OK {
			rows = append(rows, []string{f.Merchant, f.Hub, "-", "-", "-", "-", "-", r.say(t.Bad, f.Reason)})
			continue
		}
		answered++
		korean, local := "-", "-"
		if f.HubTime != nil {
			korean, local = f.HubTime.In(hub.KST()).Format(time.DateTime), f.HubTime.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{f.Merchant, f.Hub, f.Remain.String(), f.Paid.String(), f.Total.String(), korean, local, r.say(t.Good)})
	}
	writeRows(out, rows)
	_, _ = fmt.Fprintf(out, "\n%s\n", r.say(t.Answered, answered, len(findings)))
}

// writeRows writes rows in columns, as a terminal shows them: a Korean letter
// takes two places.
func writeRows(out *bytes.Buffer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], places(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-places(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
}

// places is how many places of a terminal a text takes.
func places(text string) int {
	n := 0
	for _, c := range text {
		switch width.LookupRune(c).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// slowest returns the longest duration of one step among findings, in seconds.
func slowest(findings []finding, step int) float64 {
	var longest float64
	for _, f := range findings {
		longest = max(longest, f.Steps[step].Duration)
	}
	return longest
}

// sameWay tells whether two findings differ in nothing that a person has to
// know but their names, figures and times.
func sameWay(a, b finding) bool {
	if a.HubURL != b.HubURL || a.Error != b.Error {
		return false
	}
	for i, step := range a.Steps {
		other := b.Steps[i]
		if step.State != other.State || step.Found != other.Found && step.Step != hub.StepAddress {
			return false
		}
	}
	return true
}

// grouped puts findings that went the same way together, those that succeeded
// first, else in the order of configuration.
func grouped(findings []finding) [][]finding {
	var good, bad [][]finding
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

// keySource returns where the keys of a group come from, or empty if each has
// its own.
func keySource(group []finding) string {
	source := group[0].Steps[0].Target
	for _, f := range group {
		if f.Steps[0].Target != source {
			return ""
		}
	}
	return source
}
