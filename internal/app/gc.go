package app

const (
	// manyFrom is how many merchants take the heap well above the 4 MiB under
	// which Go collects nothing. With fewer, a lower percentage would only have
	// the collector start, which takes 1 MiB itself.
	manyFrom = 500
	// gcPercentOfMany is for a process of many merchants. Nearly all that is in
	// use there stays: histories, label sets, the table of a scrape. What it
	// saves, and the processor time that it costs: docs/development.md.
	gcPercentOfMany = 30
)

// holdLessMemory sets by how much the heap may grow over what is in use before
// it is collected, unless the operator has, with GOGC.
func (p *program) holdLessMemory(merchants int) {
	percent := 100 // Go's own
	if merchants >= manyFrom {
		percent = gcPercentOfMany
	}
	if p.SetGCPercent != nil && p.Getenv("GOGC") == "" {
		p.SetGCPercent(percent)
	}
}
