package hub_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
)

const theSecret = "sk-9f2b-very-secret"

// A secret prints as <secret> wherever it stands: on its own, behind a
// pointer, and in the unexported field of a struct, where fmt calls no method.
func TestSecretCannotPrintItself(t *testing.T) {
	t.Parallel()
	secret := hub.NewSecret(theSecret)
	type holder struct {
		Open   hub.Secret
		closed hub.Secret
	}
	values := map[string]any{
		"secret": secret, "pointer": &secret, "struct": holder{secret, secret}, "slice": []hub.Secret{secret},
		"map": map[string]hub.Secret{"k": secret}, "credentials": hub.Credentials{CstID: "p", CustKey: secret},
		"key": hub.FixedKey(secret, "test"),
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%c", "%U", "%b", "%o", "%T", "%w", "%p"} {
			expectHidden(t, name+" "+verb, fmt.Sprintf(verb, value))
		}
		asJSON, _ := json.Marshal(value)
		expectHidden(t, name+" JSON", string(asJSON))
		asYAML, _ := yaml.Dump(value)
		expectHidden(t, name+" YAML", string(asYAML))
	}
	text, _ := secret.MarshalText()
	for form, got := range map[string]string{
		"%v": fmt.Sprintf("%v", secret), "%#v": fmt.Sprintf("%#v", secret), "%d": fmt.Sprintf("%d", secret),
		"text": string(text), "String": secret.String(), "GoString": secret.GoString(),
	} {
		if got != "<secret>" {
			t.Errorf("%s gives %q, want <secret>", form, got)
		}
	}
}

// expectHidden fails if the secret can be read in got, in any of the ways in
// which fmt spells bytes.
func expectHidden(t *testing.T, where, got string) {
	t.Helper()
	var decimal []string
	for _, b := range []byte(theSecret) {
		decimal = append(decimal, fmt.Sprint(b))
	}
	for _, spelled := range []string{
		theSecret, fmt.Sprintf("%x", theSecret), fmt.Sprintf("%X", theSecret), strings.Join(decimal, " "), "very",
	} {
		if strings.Contains(got, spelled) {
			t.Errorf("%s shows the secret: %s", where, got)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	a := hub.NewSecret("a")
	if !a.Equal(hub.NewSecret("a")) || a.Equal(hub.NewSecret("b")) || a.Equal(hub.Secret{}) || !(hub.Secret{}).Empty() || a.Empty() {
		t.Error("Equal or Empty is wrong")
	}
}

// A key file is read anew each time, loses one trailing newline and no more,
// and an unusable one is an error that names the file and not the key.
func TestFileKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	key := hub.FileKey(path)
	if _, err := key.Secret(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	for text, want := range map[string]string{
		"abcd": "abcd", "abcd\n": "abcd", "abcd\r\n": "abcd", "abcd\n\n": "abcd\n", " abcd ": " abcd ",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := key.Secret(); err != nil || got.Reveal() != want {
			t.Errorf("file %q gives %q, %v; want %q", text, got.Reveal(), err, want)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "only a newline": "\n", "not UTF-8": "sk-\xff\xfe", "too large": strings.Repeat("x", 64<<10+1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := key.Secret()
		if err == nil || !got.Empty() || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "sk-") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hub.FixedKey(hub.NewSecret(""), "environment variable K").Secret(); err == nil {
		t.Error("an empty fixed key is taken")
	}
}
