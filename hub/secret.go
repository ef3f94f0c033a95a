package hub

import (
	"crypto/subtle"
	"fmt"
)

// hidden is what a Secret prints as, on every surface.
const hidden = "<secret>"

// Secret is a text that cannot print itself: every verb of package fmt, JSON,
// YAML and text marshalling give "<secret>". The zero value is the empty
// secret.
//
// The text is held by a closure and not by a field, because fmt and other
// reflecting printers do not call the methods of a value in an unexported
// field: they walk into it and print what they find, and here they find the
// address of a function.
type Secret struct {
	reveal func() string
}

// NewSecret hides text.
func NewSecret(text string) Secret {
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text. It is for the one place that sends it to the hub.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is no text at all.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Equal compares two secrets without telling by its duration where they differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Format answers every verb of package fmt, %#v and %d among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// String implements [fmt.Stringer].
func (Secret) String() string { return hidden }

// GoString implements [fmt.GoStringer].
func (Secret) GoString() string { return hidden }

// MarshalText implements [encoding.TextMarshaler].
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON implements [encoding/json.Marshaler].
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalYAML implements the marshaller of go.yaml.in/yaml.
func (Secret) MarshalYAML() (any, error) { return hidden, nil }
