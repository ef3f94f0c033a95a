package hub_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unsafe"

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
		asXML, _ := xml.Marshal(value)
		expectHidden(t, name+" XML", string(asXML))
		var asGob, asText, asLine bytes.Buffer
		if err := gob.NewEncoder(&asGob).Encode(value); err != nil {
			expectHidden(t, name+" gob", err.Error())
		}
		expectHidden(t, name+" gob", asGob.String())
		slog.New(slog.NewTextHandler(&asLine, nil)).Info("m", "value", value)
		expectHidden(t, name+" slog text", asLine.String())
		slog.New(slog.NewJSONHandler(&asText, nil)).Info("m", "value", value, slog.Group("g", "value", value))
		expectHidden(t, name+" slog JSON", asText.String())
		expectHidden(t, name+" joined", errors.Join(fmt.Errorf("a: %v", value), fmt.Errorf("b: %+v", value)).Error())
		expectHidden(t, name+" by reflection", strings.Join(reachable(value), "\n"))
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

// reachable returns every text and every run of bytes that can be got at from
// value by reflection, in unexported fields too, as deep printers find them.
func reachable(value any) []string {
	var (
		found []string
		walk  func(reflect.Value)
		seen  = make(map[unsafe.Pointer]bool)
	)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			found = append(found, v.String())
		case reflect.Pointer:
			if !v.IsNil() && !seen[v.UnsafePointer()] {
				seen[v.UnsafePointer()] = true
				walk(v.Elem())
			}
		case reflect.Interface:
			walk(v.Elem())
		case reflect.Struct:
			for _, field := range v.Fields() {
				walk(field)
			}
		case reflect.Map:
			for entries := v.MapRange(); entries.Next(); {
				walk(entries.Key())
				walk(entries.Value())
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				found = append(found, fmt.Sprintf("%s", v))
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		default: // a number, a function, or nothing
		}
	}
	walk(reflect.ValueOf(value))
	return found
}

// Reflection finds what is there to be found, or the test above proves nothing.
func TestReachableFindsTexts(t *testing.T) {
	t.Parallel()
	type inner struct{ hidden any }
	text := theSecret
	got := strings.Join(reachable(map[string]any{"k": &inner{[]inner{{&text}, {[]byte("bytes")}}}, "secret": hub.NewSecret("other")}), " ")
	for _, want := range []string{"k", theSecret, "bytes"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not found in %q", want, got)
		}
	}
	if strings.Contains(got, "other") {
		t.Error("a secret can be reached")
	}
}

// expectSafe fails if an error that the hub brought about holds the partner's
// key or a token, in its text, in any form in which it may be printed, or
// anywhere that reflection reaches.
func expectSafe(t *testing.T, err error) {
	t.Helper()
	forms := append(reachable(err), err.Error())
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%X"} {
		forms = append(forms, fmt.Sprintf(verb, err), fmt.Sprintf(verb, fmt.Errorf("asking: %w", err)), fmt.Sprintf(verb, errors.Join(err, err)))
	}
	asJSON, _ := json.Marshal(err)
	forms = append(forms, string(asJSON))
	for _, form := range forms {
		form = pointers().ReplaceAllString(form, "")
		for _, secret := range []string{custKey, custKey[:7], custKey[7:], "eyJ"} {
			for _, spelled := range []string{
				secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), base64.StdEncoding.EncodeToString([]byte(secret))[:4],
			} {
				if strings.Contains(form, spelled) {
					t.Errorf("the error shows a secret, %s: %s", spelled, form)
				}
			}
		}
	}
}

// pointers matches how %#v shows where a value is in memory. Now and then such
// an address has the digits of a short secret, without anything of it.
func pointers() *regexp.Regexp { return regexp.MustCompile(`\(0x[0-9a-f]+\)`) }

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	a := hub.NewSecret("a")
	if !a.Equal(hub.NewSecret("a")) || a.Equal(hub.NewSecret("b")) || a.Equal(hub.Secret{}) || !(hub.Secret{}).Empty() || a.Empty() {
		t.Error("Equal or Empty is wrong")
	}
}

// A key file is read again each time, loses one trailing newline and no more,
// and an unusable one is an error that names the file and not the key.
func TestFileKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	key := hub.FileKey(path)
	if _, err := key.Secret(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file: %v", err)
	}
	for text, want := range map[string]string{
		"abcd": "abcd", "abcd\n": "abcd", "abcd\r\n": "abcd", "ab cd": "ab cd", " abcd ": " abcd ", "\"열쇠\"": "\"열쇠\"",
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
