package main

import (
	"strings"
	"testing"

	"payple_exporter/internal/test/must"
)

const measured = `goos: linux
BenchmarkScrape/merchants=1/ours-2    57205    10000 ns/op    17686 ns/merchant
BenchmarkScrape/merchants=1/bare-2    57205    20000 ns/op
BenchmarkScrape/merchants=1/ours-2    57205    12000 ns/op
BenchmarkScrape/merchants=1/bare-2    57205    20000 ns/op
BenchmarkScrape/merchants=1/ours-2    57205    90000 ns/op
BenchmarkScrape/merchants=1/bare-2    57205    60000 ns/op
BenchmarkGather/merchants=1-2         57205    1000 ns/op
PASS
`

// The medians of both sides are compared, a limit that is broken is told, and
// so is one that limits nothing.
func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, limit, want string }{
		{"within", "Scrape=0.7", ""},
		{"at the limit", "Scrape=0.6", ""},
		{"broken", "Scrape/merchants=1=0.5", "Scrape/merchants=1 takes 0.60 times as long as bare, above the limit of 0.5"},
		{"nothing to compare", "Gather=1", "no pair of benchmarks matches Gather"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var limits limits
			must.Do(t, limits.Set(c.limit))
			var table strings.Builder
			got := ""
			if err := compare(strings.NewReader(measured), &table, limits); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if want := "| Scrape/merchants=1 | 12µs | 20µs | 0.60 |"; !strings.Contains(table.String(), want) {
				t.Errorf("no %q in\n%s", want, &table)
			}
		})
	}
}

// A limit that cannot be understood is refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "Scrape", "Scrape=", "Scrape=fast", "Scrape=0", "(=1"} {
		if err := new(limits).Set(text); err == nil {
			t.Errorf("%q was taken for a limit", text)
		}
	}
}
