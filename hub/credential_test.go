package hub_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"payple_exporter/hub"
)

// oddKeys are texts that cannot be keys, by what is said of each.
func oddKeys() map[string]string {
	return map[string]string{
		"\ufeffsk-4711": "begins with a byte order mark (U+FEFF)", "\ufeff": "begins with a byte order mark (U+FEFF)", "sk-\ufeff4711": "holds a control or invisible character (U+FEFF)",
		"sk-\xff": "is not text in UTF-8", "\xff\xfes\x00k\x00": "is not text in UTF-8", "s\x00k\x00": "holds a control or invisible character (U+0000)",
		"   ": "holds nothing but blanks", "\t": "holds nothing but blanks", "\u00a0\u3000": "holds nothing but blanks", "\n\n": "holds nothing but blanks",
		"sk-4711\nsk-4712\n": "holds several lines", "sk-4711\r\n\r\n": "holds several lines", "\nsk-4711": "holds several lines", "sk\r4711": "holds several lines",
		"sk\u20284711": "holds several lines", "sk\v4711": "holds several lines", "\ufeffsk\nsk": "holds several lines",
		"sk\t4711": "holds a control or invisible character (U+0009)", "sk-\x1b[31m": "holds a control or invisible character (U+001B)", "sk-\x7f": "holds a control or invisible character (U+007F)",
		"sk\u00a04711": "holds a control or invisible character (U+00A0)", "sk-4711\u200b": "holds a control or invisible character (U+200B)", "s\u00adk": "holds a control or invisible character (U+00AD)",
		"\u202esk": "holds a control or invisible character (U+202E)", "sk\u2066": "holds a control or invisible character (U+2066)", "sk\u3164": "holds a control or invisible character (U+3164)",
		"sk\uffa0": "holds a control or invisible character (U+FFA0)", "sk\u115f": "holds a control or invisible character (U+115F)", "sk\u2800": "holds a control or invisible character (U+2800)",
		"sk\ufe0f": "holds a control or invisible character (U+FE0F)", "sk\U000e0041": "holds a control or invisible character (U+E0041)", "sk\ufffd": "holds a control or invisible character (U+FFFD)",
		"sk\ue000": "holds a control or invisible character (U+E000)", "sk\u034f": "holds a control or invisible character (U+034F)",
	}
}

// What cannot be a key is refused in one line that names the file or the
// variable and what is odd, with nothing of the text but that character.
func TestOddKeysAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	for text, says := range oddKeys() {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for source, key := range map[string]hub.Key{
			"key file " + path: hub.FileKey(path), "environment variable K": hub.EnvKey("K", func(string) string { return text }),
		} {
			got, err := key.Secret()
			if want := source + " " + says + ": want the custKey alone, in one line of plain text"; err == nil || err.Error() != want || !got.Empty() {
				t.Errorf("%q: %v, want %s", text, err, want)
			}
		}
	}
}

// A key file is a regular file, at the end of whatever links: any other may keep
// the program waiting, or is empty when it is read again.
func TestKeyFilesAreRegular(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pipe, at := filepath.Join(folder, "pipe"), func(name string) string { return filepath.Join(folder, name) }
	if err := errors.Join(
		syscall.Mkfifo(pipe, 0o600), os.Symlink("pipe", at("link")),
		// As Kubernetes mounts a secret.
		os.Mkdir(at("..2026"), 0o700), os.WriteFile(at("..2026/k"), []byte("sk-4711\n"), 0o600), os.Symlink("..2026", at("..data")), os.Symlink("..data/k", at("k")),
	); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, at("link"), folder, "/dev/zero", "."} {
		if _, err := hub.FileKey(path).Secret(); !errors.Is(err, hub.ErrNotRegular) || !strings.Contains(err.Error(), path+": not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if key, err := hub.FileKey(at("k")).Secret(); err != nil || key.Reveal() != "sk-4711" {
		t.Errorf("a secret of Kubernetes: %v", err)
	}
}

// A file that goes bad while it is in use fails its merchant for want of a key,
// in the words of the start, and nothing of it is sent.
func TestAKeyThatGoesBadIsNotSent(t *testing.T) {
	t.Parallel()
	path, books := filepath.Join(t.TempDir(), "key"), &scribe{}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good")
	session := books.session(hub.FileKey(path))
	if _, err := session.Remain(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := books.notes()
	for text, says := range oddKeys() {
		write(text)
		session.SetKey(hub.FileKey(path)) // as if the token had expired
		_, err := session.Remain(t.Context())
		failure, ok := errors.AsType[*hub.Error](err)
		if !ok || failure.Reason != hub.ReasonConfig || !strings.Contains(err.Error(), "key file "+path+" "+says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got := books.notes(); got != before {
		t.Errorf("asked %q", got)
	}
}

// A blank or a quote at an end of a key may be meant, and is told; others are
// nothing to tell.
func TestWrapped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "k": false, "a b": false, `a"b`: false, "'": true, " k": true, "k ": true, `"k"`: true, "'k": true, "k`": true, "“k”": true, "열쇠": false, "=k=": false,
	} {
		if got := hub.NewSecret(text).Wrapped(); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// However odd a text is: what is taken for a key can be seen whole, in one line;
// and what is said of one that is not depends on nothing in it but its odd
// characters, so that it cannot tell the key.
func FuzzKey(f *testing.F) {
	for text := range oddKeys() {
		f.Add(text)
	}
	for _, text := range []string{"", "sk-4711", " k", "\"k\"\n", "want", "U+200B\u200b", "열쇠\u1160"} {
		f.Add(text)
	}
	judge := func(text string) (string, error) {
		key, err := hub.EnvKey("K", func(string) string { return text }).Secret()
		return key.Reveal(), err
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := judge(text)
		if err == nil {
			if strings.TrimSpace(got) == "" || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' }) {
				t.Fatalf("taken: %q as %q", text, got)
			}
			return
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || got != "" {
			t.Fatalf("not one plain line: %q gives %q, %q", text, got, err)
		}
		masked := strings.Map(func(r rune) rune {
			if _, unseen := hub.Unseen(string(r)); unseen || r == ' ' {
				return r
			}
			return 'x'
		}, text)
		if !utf8.ValidString(text) {
			masked = "\xff"
		}
		if _, again := judge(masked); again == nil || again.Error() != err.Error() {
			t.Fatalf("%q: %v, but %v of %q", text, err, again, masked)
		}
	})
}

// Only HTTPS_PROXY leads to a hub.
func TestUnusedProxy(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"": "", "ALL_PROXY": "ALL_PROXY", "all_proxy": "all_proxy", "ALL_PROXY HTTPS_PROXY": "", "all_proxy https_proxy": "", "ALL_PROXY NO_PROXY": "ALL_PROXY", "HTTPS_PROXY": "",
	} {
		got := hub.UnusedProxy(func(name string) string {
			if strings.Contains(" "+set+" ", " "+name+" ") {
				return fmt.Sprint("http://user:pass@", name)
			}
			return ""
		})
		if got != want {
			t.Errorf("%s: %q, want %q", set, got, want)
		}
	}
}
