package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/sync/errgroup"

	"payple_exporter/alerts/internal/rules"
)

// promtool runs the test files on rule lists, the file that is likeliest to kill first: one that has killed a mutant of the same rule, or
// else one that names the rule or an alert that follows from it.
//
// Expanding the texts takes most of promtool's time. A mutant whose texts are as they were is therefore tested without any, in rules and
// tests alike; should it survive that, it has to survive the whole tests, too.
type promtool struct {
	path    string
	files   map[string]testFile
	follows map[string][]string // the rules that use a rule, directly or not, and itself

	mu     sync.Mutex
	cheap  []string            // all files, cheapest first
	killer map[string][]string // files that killed mutants of a rule, the latest first
}

type testFile struct{ whole, bare string }

func newPromtool(tests string) (*promtool, error) {
	path, err := exec.LookPath(cmp.Or(os.Getenv("PROMTOOL"), "promtool"))
	if err != nil {
		return nil, fmt.Errorf("promtool is needed (Debian: apt-get install prometheus; or set PROMTOOL): %w", err)
	}
	files, err := filepath.Glob(filepath.Join(tests, "*.yml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tests in %s: run this from the top of the repository", tests)
	}
	p := &promtool{path: path, files: map[string]testFile{}, follows: followers(rules.All()), killer: map[string][]string{}}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		cases, err := split(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for i, c := range cases {
			p.files[fmt.Sprintf("%s-%d.yml", strings.TrimSuffix(filepath.Base(f), ".yml"), i)] = c
		}
	}
	return p, nil
}

// split makes a file of each case, so that a case that kills is not kept waiting by its neighbours.
func split(text string) ([]testFile, error) {
	var document yaml.Node
	if err := yaml.Load([]byte(text), &document); err != nil {
		return nil, err
	}
	inline(&document)
	root := document.Content[0]
	at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == "tests" }) + 1
	if at == 0 {
		return nil, errors.New("no tests")
	}
	var out []testFile
	cases := root.Content[at].Content
	for _, c := range cases {
		root.Content[at] = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{c}}
		whole, err := yaml.Dump(&document)
		if err != nil {
			return nil, err
		}
		bare, err := withoutTexts(string(whole))
		if err != nil {
			return nil, err
		}
		out = append(out, testFile{whole: string(whole), bare: bare})
	}
	return out, nil
}

// inline puts what an alias stands for in its place: the anchor may be in another case.
func inline(node *yaml.Node) {
	node.Anchor = ""
	for i, child := range node.Content {
		if child.Kind == yaml.AliasNode {
			node.Content[i] = child.Alias
		}
		inline(node.Content[i])
	}
}

// followers returns for each rule of a list, which has them in the order of their use, itself and the rules that use it, directly or not.
func followers(list []rules.Rule) map[string][]string {
	follows := map[string][]string{}
	for _, used := range slices.Backward(list) {
		names := []string{used.Alert}
		for _, r := range list {
			if r.Alert != used.Alert && strings.Contains(r.Expr, used.Alert) {
				names = append(names, follows[r.Alert]...)
			}
		}
		slices.Sort(names)
		follows[used.Alert] = slices.Compact(names)
	}
	return follows
}

// baseline makes sure that the rules pass as they are, without which no failure means anything, and times each file.
func (p *promtool) baseline(ctx context.Context, dir string, workers int) error {
	p.cheap = slices.Sorted(maps.Keys(p.files))
	original := mutant{name: "baseline", rulesYAML: rules.YAML(rules.All())}
	for _, texts := range []bool{true, false} {
		if err := p.prepare(dir, original, texts); err != nil {
			return err
		}
		took := make(map[string]*time.Duration, len(p.cheap))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(workers)
		for _, f := range p.cheap {
			took[f] = new(time.Duration)
			group.Go(func() error {
				begin := time.Now()
				pass, err := p.passes(ctx, "test", "rules", filepath.Join(dir, "tests", f))
				*took[f] = time.Since(begin)
				if err == nil && !pass {
					err = fmt.Errorf("%s fails on the rules as they are", f)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		slices.SortFunc(p.cheap, func(a, b string) int { return cmp.Compare(*took[a], *took[b]) })
	}
	return nil
}

func (p *promtool) test(ctx context.Context, dir string, m mutant) (outcome, error) {
	if !m.inTexts {
		if o, err := p.testWith(ctx, dir, m, false); err != nil || o != survived {
			return o, err
		}
	}
	return p.testWith(ctx, dir, m, true)
}

func (p *promtool) testWith(ctx context.Context, dir string, m mutant, texts bool) (outcome, error) {
	if err := p.prepare(dir, m, texts); err != nil {
		return invalid, err
	}
	for _, f := range p.order(m.rule) {
		if texts && p.files[f].bare == p.files[f].whole {
			continue // no text is expected here
		}
		pass, err := p.passes(ctx, "test", "rules", filepath.Join(dir, "tests", f))
		if err != nil {
			return invalid, err
		}
		if pass {
			continue
		}
		valid, err := p.passes(ctx, "check", "rules", filepath.Join(dir, rules.RulesFile))
		if err != nil || !valid {
			return invalid, err
		}
		p.remember(m.rule, f)
		return killed, nil
	}
	return survived, nil
}

// prepare lays out a directory like that of the real rules, with all texts or with none.
func (p *promtool) prepare(dir string, m mutant, texts bool) error {
	if err := os.MkdirAll(filepath.Join(dir, "tests"), 0o755); err != nil {
		return err
	}
	for name, file := range p.files {
		content := file.whole
		if !texts {
			content = file.bare
		}
		if err := os.WriteFile(filepath.Join(dir, "tests", name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	content := m.rulesYAML
	if !texts {
		var err error
		if content, err = withoutTexts(content); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, rules.RulesFile), []byte(content), 0o644)
}

// withoutTexts drops the annotations of rules, or those that tests expect. It works on nodes, because a series of "0x9" is no number.
func withoutTexts(text string) (string, error) {
	var document yaml.Node
	if err := yaml.Load([]byte(text), &document); err != nil {
		return "", err
	}
	dropTexts(&document)
	out, err := yaml.Dump(&document)
	return string(out), err
}

func dropTexts(node *yaml.Node) {
	if node.Kind == yaml.MappingNode {
		var kept []*yaml.Node
		for i := 0; i < len(node.Content); i += 2 {
			if key := node.Content[i].Value; key != "annotations" && key != "exp_annotations" {
				kept = append(kept, node.Content[i], node.Content[i+1])
			}
		}
		node.Content = kept
	}
	for _, child := range node.Content {
		dropTexts(child)
	}
}

// passes runs promtool; a failure that is not promtool's own verdict is an error.
func (p *promtool) passes(ctx context.Context, args ...string) (bool, error) {
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env = append(os.Environ(), "GOGC=400") // short runs: memory is cheaper than time
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return false, nil
	}
	return err == nil, err
}

func (p *promtool) order(rule string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	order := slices.Clone(p.killer[rule])
	for _, likely := range []bool{true, false} {
		for _, f := range p.cheap {
			if p.names(f, rule) == likely && !slices.Contains(p.killer[rule], f) {
				order = append(order, f)
			}
		}
	}
	return order
}

// names reports whether a file names a rule or what follows from it.
func (p *promtool) names(file, rule string) bool {
	return slices.ContainsFunc(p.follows[rule], func(name string) bool { return strings.Contains(p.files[file].whole, name) })
}

func (p *promtool) remember(rule, file string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(p.killer[rule]), func(f string) bool { return f == file })
	p.killer[rule] = append([]string{file}, rest...)
}
