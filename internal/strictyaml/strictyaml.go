// Package strictyaml reads YAML files that people write, so that each fault in
// them has its line and its own advice, and all are told together. It walks
// nodes and fills no structs. What it says never quotes what may be a key that
// somebody put into the wrong place.
package strictyaml

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Read returns the text of the file at path, of at most maxBytes; what names it
// in errors, such as "configuration file".
func Read(path, what string, maxBytes int64) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer file.Close() //nolint:errcheck // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if int64(len(text)) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes: is it the right file?", path, maxBytes)
	}
	return text, nil
}

// File is a file while it is read: it gathers the faults.
type File struct {
	path string
	// keyAdvice is what to do where a key itself stands in the file.
	keyAdvice string
	faults    []error
}

// New returns a file of that name without faults. keyAdvice completes "the key
// itself does not belong in this file: ".
func New(path, keyAdvice string) *File { return &File{path: path, keyAdvice: keyAdvice} }

// Root returns the one document of a text. onlyOne is what to do where there
// are several.
func (f *File) Root(text []byte, onlyOne string) (*yaml.Node, error) {
	var documents []yaml.Node
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		broken, ok := errors.AsType[*yaml.LoadError](err)
		if !ok {
			return nil, f.at(0, errors.New("not a YAML document"))
		}
		return nil, f.at(broken.Mark.Line, errors.New("not valid YAML: "+withoutQuotes(broken.Message)))
	}
	if len(documents) != 1 {
		return nil, f.at(0, fmt.Errorf("want one YAML document, found %d: %s", len(documents), onlyOne))
	}
	root := &documents[0]
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	return root, nil
}

// Fault notes what is wrong at a node. Its text must never quote a value that
// may be a key.
func (f *File) Fault(node *yaml.Node, format string, args ...any) {
	f.faults = append(f.faults, f.at(node.Line, fmt.Errorf(format, args...)))
}

// Err returns all faults so far, each on a line of its own, or nil.
func (f *File) Err() error { return errors.Join(f.faults...) }

func (f *File) at(line int, err error) error {
	return fmt.Errorf("%s:%d: %w", f.path, max(1, line), err)
}

// Mapping returns the values of a mapping's keys, all of which must be among
// known and stand there once.
func (f *File) Mapping(node *yaml.Node, known ...string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node)
	node = Resolve(node)
	if node.Kind != yaml.MappingNode {
		f.Fault(node, "want keys and values here: %s", strings.Join(known, ", "))
		return values
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], Resolve(node.Content[i+1])
		_, twice := values[key.Value]
		switch {
		case !slices.Contains(known, key.Value) && looksLikeKey(key.Value):
			f.Fault(key, "%s: the key itself does not belong in this file: %s", key.Value, f.keyAdvice)
		case !slices.Contains(known, key.Value):
			f.Fault(key, "unknown key%s: want one of %s", misspelt(key.Value), strings.Join(known, ", "))
		case twice:
			f.Fault(key, "the key %s stands here twice: keep one", key.Value)
		default:
			values[key.Value] = value
		}
	}
	return values
}

// Text returns a scalar as it is written, and whether there is one; name is
// what faults call it.
func (f *File) Text(node *yaml.Node, name string) (string, bool) {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" || node.Value == "" {
		f.Fault(node, "%s: want a value", name)
		return "", false
	}
	return node.Value, true
}

// Resolve follows an alias to what it stands for.
func Resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
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

// looksLikeKey reports whether somebody may have written a custKey behind name.
func looksLikeKey(name string) bool {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)) {
	case "custkey", "key", "secret", "token", "password":
		return true
	}
	return false
}

// misspelt quotes a word that may be a misspelt key of the file, and nothing
// that may hold a custKey: "cust_key=abc123" is one key to YAML.
func misspelt(word string) string {
	const longest = 20
	if len(word) > longest || strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz_-") != "" {
		return " (not shown, since a custKey may be in it)"
	}
	return fmt.Sprintf(" %q", word)
}
