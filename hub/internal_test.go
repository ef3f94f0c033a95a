package hub

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// Every code is ten letters and digits with some of each, whatever the random
// source gives, and no two of many are the same.
func TestNewCode(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	seen := make(map[string]bool)
	for range 20_000 {
		code, err := newCode(random)
		if err != nil {
			t.Fatal(err)
		}
		letters := strings.ContainsAny(code, codeLetters)
		digits := strings.ContainsAny(code, codeDigits)
		if len(code) != 10 || strings.Trim(code, codeLetters+codeDigits) != "" || !letters || !digits {
			t.Fatalf("code %q is malformed", code)
		}
		if seen[code] {
			t.Fatalf("code %q came twice", code)
		}
		seen[code] = true
	}
	if _, err := newCode(iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("a code was made without randomness")
	}
}

// Every character is equally likely: a count of each far from its share would
// show a modulo bias.
func TestNewCodeIsUniform(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{2})
	counts := make([]int, 36)
	const draws = 360_000
	for range draws {
		n, err := below(random, len(counts))
		if err != nil {
			t.Fatal(err)
		}
		counts[n]++
	}
	for n, count := range counts {
		if want := draws / len(counts); count < want*95/100 || count > want*105/100 {
			t.Errorf("%d came %d times of %d, want about %d", n, count, draws, want)
		}
	}
}

func TestParseTranTime(t *testing.T) {
	t.Parallel()
	got, err := parseTranTime("20211103090426239")
	want := time.Date(2021, 11, 3, 0, 4, 26, 239_000_000, time.UTC)
	if err != nil || !got.Equal(want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{
		"", "20211103090426", "2021110309042623", "202111030904262399", "20211303090426239", "20211132090426239",
		"20210229090426239", "20211103250426239", "20211103096026239", "2021110309042623x", "20211103090426+39", "20211103090426 39",
	} {
		if got, err := parseTranTime(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// The lifetime is what expires_in says, as a string or a number, or none.
func TestLifetime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		`"60"`: time.Minute, `60`: time.Minute, `"0"`: 0, `-1`: 0, `"x"`: 0, `null`: 0, `1.5`: 0,
		`"99999999999"`: maxLifetime, `9007199254740992`: maxLifetime,
	} {
		if got := (answer{"expires_in": []byte(text)}).lifetime(); got != want {
			t.Errorf("expires_in %s: %s, want %s", text, got, want)
		}
	}
	if got := (answer{}).lifetime(); got != 0 {
		t.Errorf("no expires_in: %s", got)
	}
}

// Retry-After is read in both of its forms and bounded in each.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "90": 90 * time.Second, "0": 0, "-5": 0, "soon": 0, "4294967295": maxRetryAfter,
		"4294967296": maxRetryAfter, "99999999999999999999999999": maxRetryAfter, "1e3": 0, "86401": maxRetryAfter, "86400": 24 * time.Hour,
		"Mon, 23 Nov 2026 00:02:00 GMT": 2 * time.Minute, "Mon, 23 Nov 2020 00:02:00 GMT": 0,
		"Fri, 01 Jan 2055 00:00:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(map[string][]string{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}
