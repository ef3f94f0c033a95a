package config

import (
	"errors"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/internal/strictyaml"
)

// maxFileBytes bounds a merchants file: ten thousand merchants are 2 MB.
const maxFileBytes = 16 << 20

// Load reads a merchants file. All faults in it are reported together, each on
// a line of its own with file, line and what to do. getenv is os.Getenv.
func Load(path string, defaults Defaults, getenv func(string) string) (Config, error) {
	text, err := strictyaml.Read(path, "configuration file", maxFileBytes)
	if err != nil {
		return Config{}, err
	}
	return Parse(path, text, defaults, getenv)
}

// Parse reads the text of a merchants file; path is what faults call it.
func Parse(path string, text []byte, defaults Defaults, getenv func(string) string) (Config, error) {
	r := &reader{
		File:     strictyaml.New(path, "put it into a file of its own and name that with cust_key_file"),
		defaults: defaults, getenv: getenv, path: path,
	}
	root, err := r.Root(text, "list the merchants under the key merchants")
	if err != nil {
		return Config{}, err
	}
	config := r.read(root)
	if err := r.Err(); err != nil {
		return Config{}, err
	}
	config.Warnings = r.warnings
	return config, nil
}

// reader walks a merchants file.
type reader struct {
	*strictyaml.File

	defaults Defaults
	getenv   func(string) string
	warnings []string
	path     string
}

// read reads the whole file.
func (r *reader) read(root *yaml.Node) Config {
	top := r.Mapping(root, names(TopKeys())...)
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
		r.Fault(list, "no merchants: list at least one under the key merchants, with cst_id and cust_key_file")
		return config
	}
	names, partners := make(map[string]int), make(map[string]int)
	for _, node := range list.Content {
		merchant, ok := r.merchant(node)
		if !ok {
			continue
		}
		r.once(node, names, lookalike(merchant.Name), "the name "+merchant.Name, "give each merchant its own name")
		r.once(node, partners, merchant.Hub.URL+" "+lookalike(merchant.CstID),
			"the partner "+merchant.CstID+" on the same hub", "keep one of the two")
		config.Merchants = append(config.Merchants, merchant)
	}
	return config
}

// once notes a fault if what stands under key was seen before.
func (r *reader) once(node *yaml.Node, seen map[string]int, key, what, advice string) {
	if line, twice := seen[key]; twice {
		r.Fault(node, "%s is taken already, on line %d: %s", what, line, advice)
		return
	}
	seen[key] = node.Line
}

func (r *reader) hub(node *yaml.Node) Hub {
	text, ok := r.Text(node, "hub")
	if !ok {
		return Hub{}
	}
	address, err := ParseHub(text)
	if err != nil {
		r.Fault(node, "%w", err)
	}
	return address
}

func (r *reader) interval(node *yaml.Node) time.Duration {
	text, ok := r.Text(node, "min_interval")
	if !ok {
		return 0
	}
	interval, err := time.ParseDuration(text)
	if err != nil {
		r.Fault(node, "min_interval %s: want a duration such as 25s", hub.Quote(text))
		return 0
	}
	if err := CheckMinInterval(interval); err != nil {
		r.Fault(node, "%w", err)
	}
	return interval
}

// merchant reads one entry of the list, and whether it is good enough to be
// compared with the others.
func (r *reader) merchant(node *yaml.Node) (Merchant, bool) {
	fields := r.Mapping(node, names(MerchantKeys())...)
	merchant := Merchant{Hub: r.defaults.Hub, Thresholds: r.defaults.Thresholds}
	id, ok := fields["cst_id"]
	if !ok {
		r.Fault(node, "a merchant without cst_id: add the partner id that Payple gave you")
		return merchant, false
	}
	merchant.CstID, ok = r.label(id, "cst_id", checkID)
	merchant.Name = merchant.CstID
	if name, given := fields["name"]; given {
		var named bool
		merchant.Name, named = r.label(name, "name", checkName)
		ok = ok && named
	}
	if at, given := fields["hub"]; given {
		merchant.Hub = r.hub(at)
	}
	if levels, given := fields["thresholds"]; given {
		merchant.Thresholds = r.levels(levels)
	}
	if contact, given := fields["contact"]; given {
		merchant.Contact, _ = r.label(contact, "contact", checkContact)
	}
	merchant.Key = r.key(node, fields, merchant)
	return merchant, ok && merchant.Key != nil
}

// label reads a text that is to become a label.
func (r *reader) label(node *yaml.Node, name string, check func(string) error) (string, bool) {
	text, ok := r.Text(node, name)
	if !ok {
		return "", false
	}
	if err := check(text); err != nil {
		r.Fault(node, "%s: %w", name, err)
		return "", false
	}
	return text, true
}

// key returns where the merchant's key comes from; nil if that is not told, or
// if the key is shown elsewhere.
func (r *reader) key(node *yaml.Node, fields map[string]*yaml.Node, of Merchant) hub.Key {
	file, fromFile := fields["cust_key_file"]
	env, fromEnv := fields["cust_key_env"]
	var (
		key hub.Key
		at  *yaml.Node
	)
	switch {
	case fromFile == fromEnv:
		r.Fault(node, "want either cust_key_file or cust_key_env: where is this merchant's custKey?")
		return nil
	case fromFile:
		path, ok := r.source(file, "cust_key_file")
		if !ok {
			return nil
		}
		key, at = hub.FileKeyIn(filepath.Dir(r.path), path), file
	default:
		name, ok := r.source(env, "cust_key_env")
		if !ok {
			return nil
		}
		key, at = hub.EnvKey(name, r.getenv), env
	}
	warnings, err := r.defaults.checkKey(key, of.Name, of.CstID, of.Contact)
	if err != nil {
		r.Fault(at, "%w", err)
	}
	if errors.Is(err, errKeyShown) {
		return nil
	}
	r.warnings = append(r.warnings, warnings...)
	return key
}

// source reads the name of a file or a variable, which errors will show.
func (r *reader) source(node *yaml.Node, name string) (string, bool) {
	text, ok := r.Text(node, name)
	if ok && !Printable(text) {
		r.Fault(node, "%s: a character that cannot be shown", name)
		return "", false
	}
	return text, ok
}

// levels reads a merchant's own thresholds, each severity one or a list.
func (r *reader) levels(node *yaml.Node) Levels {
	fields := r.Mapping(node, string(Warning), string(Critical))
	levels, err := ParseLevels(
		r.texts(fields, Warning), r.texts(fields, Critical), r.defaults.Thresholds)
	if err != nil {
		for _, fault := range parts(err) {
			r.Fault(node, "%w", fault)
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
func (r *reader) texts(fields map[string]*yaml.Node, severity Severity) []string {
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
		if text, ok := r.Text(strictyaml.Resolve(item), string(severity)); ok {
			texts = append(texts, text)
		}
	}
	if len(items) == 0 {
		r.Fault(node, "%s: an empty list: take the key out, or name a threshold", severity)
	}
	return texts
}
