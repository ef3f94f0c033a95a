package hub_test

import (
	"strings"
	"testing"

	"payple_exporter/hub"
)

// A value that is told wrong is shown where it helps, and never where it may be
// a key.
func TestQuote(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{
		"", "5", "on", "true ", "10 seconds", "5초", "100ms", "-1s", ":10911", "[::1]:10911", "foo:bar", "https://exporter.example:99999", "https://exporter.example/payple?x",
		"/%70robe", "/a/../b", "/a//b", "1,000,000", "12345678901", "earthquake", "lots", "Inf", "1e9", "status=200", "/etc/payple_exporter/merchants.yml",
	} {
		if got := hub.Quote(plain); got != `"`+plain+`"` {
			t.Errorf("%q is told as %s", plain, got)
		}
	}
	for _, key := range []string{
		"abcd1234567890", "a7f3b291c2d8e4f60718", "a7f3b291-c2d8-e4f6-0718-a7f3b291c2d8", `test+cust/key="7f3a91&b2<c8>d4`, "new!cust~key<5e08", "12345678901234567", "c2VjcmV0LWtleQ==",
		"abcdefghijklmnopqrstuvwxyz", "https://u:p@exporter.example", "https://hub.example/?k=a7f3b291", strings.Repeat("ab ", 40), ":a7f3b291c2d8e4f60718",
	} {
		if got := hub.Quote(key); strings.Contains(got, key) || !strings.Contains(got, "not shown") {
			t.Errorf("%q is told as %s", key, got)
		}
	}
}

// A key that stands somewhere else is found, unless it is as short as words are.
func TestSecretIn(t *testing.T) {
	t.Parallel()
	key := hub.NewSecret("a7f3b291c2d8e4f60718")
	if !key.In("https://hub.example/a7f3b291c2d8e4f60718") || key.In("https://hub.example") || hub.NewSecret("p").In("partner") || hub.NewSecret("").In("") {
		t.Error("a key is found where there is none, or not where it is")
	}
}
