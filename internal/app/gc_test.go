package app

import (
	"slices"
	"testing"
)

// The heap of a small process is left to Go, that of a large one is collected
// sooner, a reload may make one of the other, and GOGC in the environment
// decides where it is set.
func TestGarbageIsCollectedSoonerOfMany(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env       string
		merchants []int // of each configuration in turn
		want      []int
	}{
		"one merchant":                {"", []int{1}, []int{100}},
		"many":                        {"", []int{10_000}, []int{30}},
		"many, few, and many again":   {"", []int{500, 499, 500}, []int{30, 100, 30}},
		"many where the operator set": {"100", []int{10_000}, nil},
		"turned off by the operator":  {"off", []int{1, 10_000}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			p := &program{
				Options: Options{
					Getenv:       func(name string) string { return map[string]string{"GOGC": c.env}[name] },
					SetGCPercent: func(percent int) int { got = append(got, percent); return 0 },
				},
			}
			for _, merchants := range c.merchants {
				p.holdLessMemory(merchants)
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("set to %v, want %v", got, c.want)
			}
		})
	}
}
