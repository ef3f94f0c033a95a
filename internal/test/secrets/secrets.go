// Package secrets searches what a program shows for secrets. Only tests import
// it.
package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ExpectNone fails if one of secrets can be read in text, in any spelling.
func ExpectNone(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if Shows(text, secret) {
			t.Errorf("%s shows a secret, %q:\n%s", where, secret, text)
		}
	}
}

// Shows reports whether a secret can be read in text, in any of its spellings.
func Shows(text, secret string) bool {
	return slices.ContainsFunc(spellings(secret), func(form string) bool { return strings.Contains(text, form) })
}

// spellings returns the forms in which a secret might be shown without being
// recognised at once, and those of its two halves.
func spellings(secret string) []string {
	var all []string
	for _, part := range []string{secret, secret[:len(secret)/2], secret[len(secret)/2:]} {
		inJSON, _ := json.Marshal(part)
		var plainJSON bytes.Buffer
		encoder := json.NewEncoder(&plainJSON)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(part)
		backwards := []byte(part)
		slices.Reverse(backwards)
		all = append(all,
			part, url.QueryEscape(part), url.PathEscape(part), html.EscapeString(part), strings.Trim(strconv.Quote(part), `"`),
			strings.Trim(string(inJSON), `"`), strings.Trim(strings.TrimSpace(plainJSON.String()), `"`),
			hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part))), fmt.Sprintf("% x", part),
			Decimal(part, " "), Decimal(part, ","), string(backwards))
		// Base64 differs by what stands before.
		for shift := range 3 {
			padded := append(make([]byte, shift), part...)
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				text := encoding.EncodeToString(padded)
				all = append(all, text[4:len(text)-2])
			}
		}
	}
	return all
}

// Decimal spells bytes as fmt's %v and as JavaScript do.
func Decimal(text, separator string) string {
	var numbers []string
	for _, b := range []byte(text) {
		numbers = append(numbers, strconv.Itoa(int(b)))
	}
	return strings.Join(numbers, separator)
}
