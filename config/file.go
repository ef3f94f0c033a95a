package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/threshold"
)

// maxFileBytes bounds a merchants file: ten thousand merchants are 2 MB.
const maxFileBytes = 16 << 20

// Load reads a merchants file. All faults in it are reported together, each on
// a line of its own with file, line and what to do. getenv is os.Getenv.
func Load(path string, defaults Defaults, getenv func(string) string) (Config, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return Config{}, fmt.Errorf("configuration file: %w", err)
	}
	defer file.Close() //nolint:errcheck // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("configuration file: %w", err)
	}
	if len(text) > maxFileBytes {
		return Config{}, fmt.Errorf("%s: larger than %d bytes: is it the right file?", path, maxFileBytes)
	}
	return Parse(path, text, defaults, getenv)
}

// Parse reads the text of a merchants file; path is what faults call it.
func Parse(path string, text []byte, defaults Defaults, getenv func(string) string) (Config, error) {
	r := &reader{path: path, defaults: defaults, getenv: getenv}
	root, line, err := document(text)
	if err != nil {
		return Config{}, fmt.Errorf("%s:%d: %w", path, max(1, line), err)
	}
	config := r.read(root)
	if err := errors.Join(r.faults...); err != nil {
		return Config{}, err
	}
	return config, nil
}

// document returns the one document of a YAML text, or the line on which it
// goes wrong.
func document(text []byte) (_ *yaml.Node, line int, _ error) {
	var documents []yaml.Node
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		var broken *yaml.LoadError
		if !errors.As(err, &broken) {
			return nil, 0, errors.New("not a YAML document")
		}
		return nil, broken.Mark.Line, errors.New("not valid YAML: " + withoutQuotes(broken.Message))
	}
	if len(documents) != 1 {
		return nil, 0, fmt.Errorf("want one YAML document, found %d: list the merchants under the key merchants", len(documents))
	}
	root := &documents[0]
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	return root, 0, nil
}

// withoutQuotes takes what the YAML library quotes of the file out of its
// message: a key that somebody wrote there by mistake may be in it.
func withoutQuotes(message string) string {
	before, rest, found := strings.Cut(message, "'")
	if !found || strings.HasPrefix(message, "did not find") {
		return message
	}
	_, after, _ := strings.Cut(rest, "'")
	return before + "…" + withoutQuotes(after)
}

// reader walks a file and gathers its faults. It walks nodes and does not fill
// structs, so that every fault has its line and its own advice.
type reader struct {
	path     string
	defaults Defaults
	getenv   func(string) string
	faults   []error
}

// fault notes what is wrong at a node. Its text must never quote a value that
// may be a key.
func (r *reader) fault(node *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d: %w", r.path, max(1, node.Line), fmt.Errorf(format, args...)))
}

// read reads the whole file.
func (r *reader) read(root *yaml.Node) Config {
	top := r.mapping(root, names(TopKeys())...)
	if node, ok := top["hub"]; ok {
		r.defaults.Hub = r.hub(node)
	}
	if node, ok := top["min_interval"]; ok {
		r.defaults.MinInterval = r.interval(node)
	}
	config := Config{MinInterval: r.defaults.MinInterval}
	list, ok := top["merchants"]
	if !ok || list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		if !ok {
			list = root
		}
		r.fault(list, "no merchants: list at least one under the key merchants, with cst_id and cust_key_file")
		return config
	}
	names, partners := make(map[string]int), make(map[string]int)
	for _, node := range list.Content {
		merchant, ok := r.merchant(node)
		if !ok {
			continue
		}
		r.once(node, names, merchant.Name, "the name "+merchant.Name, "give each merchant its own name")
		r.once(node, partners, merchant.Hub.URL+" "+merchant.CstID,
			"the partner "+merchant.CstID+" on the same hub", "keep one of the two")
		config.Merchants = append(config.Merchants, merchant)
	}
	return config
}

// once notes a fault if what stands under key was seen before.
func (r *reader) once(node *yaml.Node, seen map[string]int, key, what, advice string) {
	if line, twice := seen[key]; twice {
		r.fault(node, "%s is taken already, on line %d: %s", what, line, advice)
		return
	}
	seen[key] = node.Line
}

// mapping returns the values of a mapping's keys, all of which must be among
// known and stand there once.
func (r *reader) mapping(node *yaml.Node, known ...string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node)
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		r.fault(node, "want keys and values here: %s", strings.Join(known, ", "))
		return values
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], resolve(node.Content[i+1])
		_, twice := values[key.Value]
		switch {
		case looksLikeKey(key.Value):
			r.fault(key, "%s: the key itself does not belong in this file: put it into a file of its own and name that with cust_key_file", key.Value)
		case !slices.Contains(known, key.Value):
			r.fault(key, "unknown key%s: want one of %s", misspelt(key.Value), strings.Join(known, ", "))
		case twice:
			r.fault(key, "the key %s stands here twice: keep one", key.Value)
		default:
			values[key.Value] = value
		}
	}
	return values
}

// looksLikeKey tells whether somebody may have written a custKey behind name.
func looksLikeKey(name string) bool {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)) {
	case "custkey", "key", "secret", "token", "password":
		return true
	}
	return false
}

// maxMisspelt is how long a word may be to pass for a misspelt key.
const maxMisspelt = 20

// misspelt quotes a word that may be a misspelt key of the file, and nothing
// that may hold a custKey: "cust_key=abc123" is one key to YAML.
func misspelt(word string) string {
	if len(word) > maxMisspelt || strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz_-") != "" {
		return " (not shown, since a custKey may be in it)"
	}
	return fmt.Sprintf(" %q", word)
}

// resolve follows an alias to what it stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// text returns a scalar as it is written.
func (r *reader) text(node *yaml.Node, name string) (string, bool) {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" || node.Value == "" {
		r.fault(node, "%s: want a value", name)
		return "", false
	}
	return node.Value, true
}

func (r *reader) hub(node *yaml.Node) Hub {
	text, ok := r.text(node, "hub")
	if !ok {
		return Hub{}
	}
	address, err := ParseHub(text)
	if err != nil {
		r.fault(node, "%w", err)
	}
	return address
}

func (r *reader) interval(node *yaml.Node) time.Duration {
	text, ok := r.text(node, "min_interval")
	if !ok {
		return 0
	}
	interval, err := time.ParseDuration(text)
	if err != nil {
		r.fault(node, "min_interval %q: want a duration such as 10s", text)
		return 0
	}
	if err := CheckMinInterval(interval); err != nil {
		r.fault(node, "%w", err)
	}
	return interval
}

// merchant reads one entry of the list, and whether it is good enough to be
// compared with the others.
func (r *reader) merchant(node *yaml.Node) (Merchant, bool) {
	fields := r.mapping(node, names(MerchantKeys())...)
	merchant := Merchant{Hub: r.defaults.Hub, Thresholds: r.defaults.Thresholds}
	id, ok := fields["cst_id"]
	if !ok {
		r.fault(node, "a merchant without cst_id: add the partner id that Payple gave you")
		return merchant, false
	}
	merchant.CstID, ok = r.label(id, "cst_id")
	merchant.Name = merchant.CstID
	if name, given := fields["name"]; given {
		var named bool
		merchant.Name, named = r.label(name, "name")
		ok = ok && named
	}
	if at, given := fields["hub"]; given {
		merchant.Hub = r.hub(at)
	}
	if levels, given := fields["thresholds"]; given {
		merchant.Thresholds = r.levels(levels)
	}
	merchant.Key = r.key(node, fields)
	return merchant, ok
}

// label reads a text that is to become a label.
func (r *reader) label(node *yaml.Node, name string) (string, bool) {
	text, ok := r.text(node, name)
	if !ok {
		return "", false
	}
	if err := checkName(text); err != nil {
		r.fault(node, "%s: %w", name, err)
		return "", false
	}
	return text, true
}

// key returns where the merchant's key comes from.
func (r *reader) key(node *yaml.Node, fields map[string]*yaml.Node) hub.Key {
	file, fromFile := fields["cust_key_file"]
	env, fromEnv := fields["cust_key_env"]
	var (
		key hub.Key
		at  *yaml.Node
	)
	switch {
	case fromFile == fromEnv:
		r.fault(node, "want either cust_key_file or cust_key_env: where is this merchant's custKey?")
		return nil
	case fromFile:
		path, ok := r.source(file, "cust_key_file")
		if !ok {
			return nil
		}
		key, at = hub.FileKey(path), file
	default:
		name, ok := r.source(env, "cust_key_env")
		if !ok {
			return nil
		}
		key, at = EnvKey(name, r.getenv), env
	}
	if err := checkKey(key); err != nil {
		r.fault(at, "%w", err)
	}
	return key
}

// source reads the name of a file or a variable, which errors will show.
func (r *reader) source(node *yaml.Node, name string) (string, bool) {
	text, ok := r.text(node, name)
	if ok && !showable(text) {
		r.fault(node, "%s: a character that cannot be shown", name)
		return "", false
	}
	return text, ok
}

// EnvKey returns the key in an environment variable. It never changes, as the
// environment of a process does not.
//
// An empty variable whose name is not written in capitals is not named: the
// key itself may have been put where its name belongs.
func EnvKey(name string, getenv func(string) string) hub.Key {
	key := hub.NewSecret(getenv(name))
	if key.Empty() && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
		return hub.FixedKey(key, "the environment variable (whose name is not shown, since it may be the key itself)")
	}
	return hub.FixedKey(key, "environment variable "+name)
}

// levels reads a merchant's own thresholds, each severity one or a list.
func (r *reader) levels(node *yaml.Node) threshold.Levels {
	fields := r.mapping(node, string(threshold.Warning), string(threshold.Critical))
	levels, err := threshold.ParseLevels(
		r.texts(fields, threshold.Warning), r.texts(fields, threshold.Critical), r.defaults.Thresholds)
	if err != nil {
		for _, fault := range parts(err) {
			r.fault(node, "%w", fault)
		}
	}
	return levels
}

// parts takes joined errors apart, so that each gets its line.
func parts(err error) []error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, parts(part)...)
	}
	return all
}

// texts returns one severity's thresholds as they are written.
func (r *reader) texts(fields map[string]*yaml.Node, severity threshold.Severity) []string {
	node, ok := fields[string(severity)]
	if !ok {
		return nil
	}
	items := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		items = node.Content
	}
	var texts []string
	for _, item := range items {
		if text, ok := r.text(resolve(item), string(severity)); ok {
			texts = append(texts, text)
		}
	}
	if len(items) == 0 {
		r.fault(node, "%s: an empty list: take the key out, or name a threshold", severity)
	}
	return texts
}
