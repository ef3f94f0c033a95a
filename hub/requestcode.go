package hub

import (
	"fmt"
	"io"
	"strings"
)

// A code ties a token answer to its request. The hub documents exactly ten
// letters and digits, and "영문+숫자" asks for at least one of each.
const (
	codeLength  = 10
	codeDigits  = "0123456789"
	codeLetters = "abcdefghijklmnopqrstuvwxyz"
)

// newCode draws a code from random.
func newCode(random io.Reader) (string, error) {
	const alphabet = codeDigits + codeLetters
	code := make([]byte, codeLength)
	for {
		digits := 0
		for i := range code {
			n, err := below(random, len(alphabet))
			if err != nil {
				return "", err
			}
			code[i] = alphabet[n]
			digits += strings.Count(codeDigits, alphabet[n:n+1])
		}
		// Drawing all ten again keeps every permitted code equally likely.
		if digits > 0 && digits < codeLength {
			return string(code), nil
		}
	}
}

// below draws a number in [0, n), n at most 256, without modulo bias.
func below(random io.Reader, n int) (int, error) {
	limit := 256 - 256%n
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("drawing a random code: %w", err)
		}
		if int(b[0]) < limit {
			return int(b[0]) % n, nil
		}
	}
}
