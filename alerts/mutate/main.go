// Command mutate breaks the alerting rules in every way it knows, one at a time, and runs the promtool tests on each broken list. A
// mutant that no test notices is a survivor: a page that could go wrong without anybody being told.
//
//	go run ./alerts/mutate             every mutant but those explained in survivors.go; exit status 1 if one survives
//	go run ./alerts/mutate -all        those as well, to see whether the explanations are still needed
//	go run ./alerts/mutate -sample 10  every tenth
//	go run ./alerts/mutate -rule Low   the mutants of rules whose name contains Low
//	go run ./alerts/mutate -list       names them, runs nothing
//
// PROMTOOL names the promtool to use.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"payple_exporter/alerts/internal/rules"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

type options struct {
	tests   string
	rule    string
	sample  int
	workers int
	list    bool
	all     bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.tests, "tests", "alerts/tests", "directory of the promtool tests")
	flags.StringVar(&o.rule, "rule", "", "only rules whose name contains this")
	flags.IntVar(&o.sample, "sample", 1, "only every n-th mutant")
	flags.IntVar(&o.workers, "workers", runtime.NumCPU(), "mutants tested at once")
	flags.BoolVar(&o.list, "list", false, "name the mutants and stop")
	flags.BoolVar(&o.all, "all", false, "run the mutants that are explained as equivalent, too, and tell explanations that none needs")
	if err := flags.Parse(args); err != nil {
		return 2
	}

	mutants := choose(allMutants(rules.All()), o)
	if o.list {
		for _, m := range mutants {
			fmt.Fprintln(stdout, m.name)
		}
		return 0
	}
	begin := time.Now()
	results, err := testAll(ctx, mutants, o, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "mutate:", err)
		return 1
	}
	return report(stdout, results, o, time.Since(begin))
}

func choose(all []mutant, o options) []mutant {
	var chosen []mutant
	for _, m := range all {
		if _, skip := equivalents[m.name]; !strings.Contains(m.rule, o.rule) || skip && !o.all && !o.list {
			continue
		}
		chosen = append(chosen, m)
	}
	if o.sample <= 1 {
		return chosen
	}
	var sampled []mutant
	for i := 0; i < len(chosen); i += o.sample {
		sampled = append(sampled, chosen[i])
	}
	return sampled
}

// outcome of a mutant's test.
type outcome int

const (
	killed   outcome = iota
	survived         // no test noticed
	invalid          // not a rule file; proves nothing
)

type result struct {
	mutant
	outcome outcome
}

// testAll runs the mutants, several at once, each worker in a directory of its own.
func testAll(ctx context.Context, mutants []mutant, o options, progress io.Writer) ([]result, error) {
	tool, err := newPromtool(o.tests)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "payple-mutants-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the directory for temporary files: no harm if it stays
	if err := tool.baseline(ctx, filepath.Join(dir, "baseline"), o.workers); err != nil {
		return nil, err
	}

	queue := make(chan int)
	results := make([]result, len(mutants))
	errs := make([]error, o.workers)
	var wg sync.WaitGroup
	for w := range o.workers {
		wg.Go(func() {
			for i := range queue {
				if errs[w] != nil || ctx.Err() != nil {
					continue
				}
				results[i].mutant = mutants[i]
				results[i].outcome, errs[w] = tool.test(ctx, filepath.Join(dir, fmt.Sprint(w)), mutants[i])
				if results[i].outcome != killed {
					fmt.Fprintf(progress, "%d/%d not killed: %s\n", i+1, len(mutants), mutants[i].name)
				}
			}
		})
	}
	for i := range mutants {
		queue <- i
	}
	close(queue)
	wg.Wait()
	for _, err := range append(errs, ctx.Err()) {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// report prints what survived and returns the exit status. An explanation that no survivor needs is wrong as well.
func report(w io.Writer, results []result, o options, took time.Duration) int {
	count := map[outcome]int{}
	explained := map[string]bool{}
	status := 0
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.name, b.name) })
	for _, r := range results {
		count[r.outcome]++
		if r.outcome == invalid {
			status = 1
			fmt.Fprintln(w, "INVALID ", r.name)
		}
		if r.outcome != survived {
			continue
		}
		if why, ok := equivalents[r.name]; ok {
			explained[r.name] = true
			fmt.Fprintf(w, "equivalent  %s: %s\n", r.name, why)
			continue
		}
		status = 1
		fmt.Fprintln(w, "SURVIVED", r.name)
	}
	for name := range equivalents {
		if o.all && o.rule == "" && o.sample <= 1 && !explained[name] {
			status = 1
			fmt.Fprintln(w, "NOT A SURVIVOR, drop its explanation:", name)
		}
	}
	fmt.Fprintf(w, "%d mutants: %d killed, %d survived, %d invalid, in %s; %d more are explained as equivalent\n",
		len(results)-len(explained), count[killed], count[survived]-len(explained), count[invalid], took.Round(time.Second), len(equivalents))
	return status
}
