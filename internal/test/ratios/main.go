// Command ratios reads the output of Go benchmarks and compares those named
// …/ours with those named …/bare, which were measured beside them:
//
//	go test -run '^$' -bench . -count 4 ./web | go run ./internal/ratios -max Scrape=1.2
//
// It prints a Markdown table of medians. With -max, which can be repeated, it
// exits with 1 where a ratio is above the limit of a pattern, and where there
// is nothing to compare: a check that checks nothing must not pass. Times differ
// from machine to machine and from minute to minute; ratios hardly do.
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	var limits limits
	flag.Var(&limits, "max", "pattern=ratio: benchmarks whose names match may take so many times as long as bare")
	flag.Parse()
	if err := compare(os.Stdin, os.Stdout, limits); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

// limit is the largest ratio for benchmarks whose names match.
type limit struct {
	pattern *regexp.Regexp
	ratio   float64
}

type limits []limit

// String implements [flag.Value].
func (l *limits) String() string { return fmt.Sprint(len(*l), " limits") }

// Set implements [flag.Value].
func (l *limits) Set(text string) error {
	cut := strings.LastIndex(text, "=")
	if cut < 0 {
		return errors.New("want pattern=ratio")
	}
	pattern, err := regexp.Compile(text[:cut])
	if err != nil {
		return err
	}
	ratio, err := strconv.ParseFloat(text[cut+1:], 64)
	if err != nil || ratio <= 0 {
		return fmt.Errorf("%q is no ratio", text[cut+1:])
	}
	*l = append(*l, limit{pattern, ratio})
	return nil
}

// pair is what one benchmark took on both sides, in nanoseconds, once for each
// run.
type pair struct{ ours, bare []float64 }

func (p pair) ratio() float64 { return median(p.ours) / median(p.bare) }

// compare writes a table of all pairs and returns what breaks the limits.
func compare(from io.Reader, to io.Writer, limits limits) error {
	pairs, names, err := read(from)
	if err != nil {
		return err
	}
	fmt.Fprintln(to, "| benchmark | ours | bare | ratio | limit |\n|---|---|---|---|---|")
	var broken []error
	used := make([]bool, len(limits))
	for _, name := range names {
		p := pairs[name]
		if len(p.ours) == 0 || len(p.bare) == 0 {
			continue
		}
		shown := ""
		for i, limit := range limits {
			if !limit.pattern.MatchString(name) {
				continue
			}
			used[i] = true
			shown = strconv.FormatFloat(limit.ratio, 'g', -1, 64)
			if p.ratio() > limit.ratio {
				broken = append(broken, fmt.Errorf("%s takes %.2f times as long as bare, above the limit of %s", name, p.ratio(), shown))
			}
		}
		fmt.Fprintf(to, "| %s | %s | %s | %.2f | %s |\n", name, duration(median(p.ours)), duration(median(p.bare)), p.ratio(), shown)
	}
	for i, used := range used {
		if !used {
			broken = append(broken, fmt.Errorf("no pair of benchmarks matches %s", limits[i].pattern))
		}
	}
	return errors.Join(broken...)
}

// read returns the pairs in a benchmark's output, and their names in order.
func read(from io.Reader) (map[string]pair, []string, error) {
	pairs := make(map[string]pair)
	var names []string
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") || fields[3] != "ns/op" {
			continue
		}
		took, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, nil, fmt.Errorf("%q: no time: %w", lines.Text(), err)
		}
		name, side := split(fields[0])
		p, known := pairs[name]
		switch side {
		case "ours":
			p.ours = append(p.ours, took)
		case "bare":
			p.bare = append(p.bare, took)
		default:
			continue
		}
		if !known {
			names = append(names, name)
		}
		pairs[name] = p
	}
	return pairs, names, lines.Err()
}

// split takes the side and the number of processors off a benchmark's name.
func split(full string) (name, side string) {
	full = regexp.MustCompile(`-\d+$`).ReplaceAllString(strings.TrimPrefix(full, "Benchmark"), "")
	cut := strings.LastIndex(full, "/")
	return full[:max(cut, 0)], full[cut+1:]
}

func median(all []float64) float64 {
	sorted := slices.SortedFunc(slices.Values(all), cmp.Compare[float64])
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// duration shows nanoseconds with three digits.
func duration(ns float64) string {
	d := time.Duration(ns)
	for unit := time.Duration(1); unit <= time.Second; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}
