package main

import "runtime/debug"

// gcPercent is by how much the heap may grow over what is in use before it is
// collected. Nearly all that is in use here stays: histories, label sets, the
// table of a scrape. Go's own 100 would take a third more memory of ten
// thousand merchants for little processor time: docs/performance.md.
const gcPercent = 40

// holdLessMemory sets the collector, unless the operator has, with GOGC.
func holdLessMemory(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
