package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is the fields of an answer, undecoded, under their exact names.
//
// It is not a struct for encoding/json to fill, because that package takes
// "Remain_Amt" for "remain_amt" and the last of two equal fields: both would
// let a figure through that the hub did not plainly state.
type answer map[string]json.RawMessage

// fieldsRead returns the names of the fields that anything is made of. Of any
// other, which nobody reads, it does not matter how often it is there.
func fieldsRead() []string {
	return []string{
		"result", "code", "access_token", "token_type", "expires_in",
		"cst_id", "total_account_amt", "total_transfer_amt", "remain_amt", "api_tran_dtm",
	}
}

// parseAnswer reads one JSON object and nothing after it.
func parseAnswer(body []byte) (answer, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("longer than %d bytes", maxBody)
	}
	// A byte order mark is no JSON, and some who write it put one first.
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF"))))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	fields := make(answer)
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("broken JSON")
		}
		key, _ := name.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("broken JSON")
		}
		if _, twice := fields[key]; twice && slices.Contains(fieldsRead(), key) {
			return nil, errors.New("a field stands twice: " + key)
		}
		fields[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("broken JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return fields, nil
}

// text returns a field that is a string; empty if it is none.
func (a answer) text(name string) string {
	var text string
	if raw, ok := a[name]; !ok || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// code returns the result code if it is of the hub's form, one capital letter
// and four digits, or the digits alone, as others of Payple's APIs refuse.
// Nothing else may pass for one, since it is shown.
func (a answer) code() string {
	code := a.text("result")
	if code == "" {
		code = string(a["result"]) // a bare number, or none
	}
	digits := code
	if len(code) == 5 && code[0] >= 'A' && code[0] <= 'Z' {
		digits = code[1:]
	}
	if len(digits) != 4 || strings.Trim(digits, codeDigits) != "" {
		return ""
	}
	return code
}

// noCode says what is amiss with an answer that has no result code.
func (a answer) noCode() error {
	if len(a["result"]) == 0 {
		return errors.New("result is missing")
	}
	return errors.New("result is no result code")
}

// checkEcho reports whether a field repeats what the request said. It does not
// where the answer is another's, and says what is amiss where it may not be.
func (a answer) checkEcho(name, sent, other string) error {
	got := a.text(name)
	switch {
	case got == sent:
		return nil
	case len(a[name]) == 0:
		return errors.New(name + " is missing")
	case got == "":
		return errors.New(name + " is empty or no text")
	case strings.EqualFold(got, sent):
		return CaseError{name}
	case strings.EqualFold(strings.TrimSpace(got), sent):
		return errors.New(name + " has blanks around it")
	}
	return fmt.Errorf("it belongs to another %s: %s differs", other, name)
}

// amount returns a field that is an amount, in a string or as a bare number.
func (a answer) amount(name string) (Won, error) {
	raw, ok := a[name]
	if !ok {
		return 0, fmt.Errorf("%s is missing", name)
	}
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		text = a.text(name)
	} else if strings.Contains(text, ",") {
		return 0, fmt.Errorf("%s is neither a string nor a number", name)
	}
	won, err := ParseWon(withoutDress(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return won, nil
}

// checkToken reports whether the fields of a token answer belong to the request
// with code, and hold a token that can be sent.
func (a answer) checkToken(code string) error {
	if err := a.checkEcho("code", code, "request"); err != nil {
		return err
	}
	if kind := a.text("token_type"); kind != "" && !strings.EqualFold(kind, "Bearer") {
		return errors.New("token_type is not Bearer")
	}
	token := a.text("access_token")
	if token == "" {
		return errors.New("access_token is missing")
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return errors.New("access_token holds what no header may")
		}
	}
	return nil
}

// maxLifetime bounds what is understood of expires_in.
const maxLifetime = 24 * time.Hour

// lifetime returns expires_in; 0 if it is missing or senseless, so that the
// token serves the query it was asked for and no other.
func (a answer) lifetime() time.Duration {
	seconds, err := a.amount("expires_in")
	if err != nil {
		return 0
	}
	return time.Duration(min(max(int64(seconds), 0), int64(maxLifetime/time.Second))) * time.Second
}

// limit returns the figures of a remain answer, whole and of partner cstID, or
// an error.
func (a answer) limit(cstID string) (Limit, error) {
	if err := a.checkEcho("cst_id", cstID, "merchant"); err != nil {
		return Limit{}, err
	}
	var limit Limit
	for _, field := range []struct {
		name string
		won  *Won
	}{
		{"total_account_amt", &limit.TotalAccount},
		{"total_transfer_amt", &limit.TotalTransfer},
		{"remain_amt", &limit.Remain},
	} {
		var err error
		if *field.won, err = a.amount(field.name); err != nil {
			return Limit{}, err
		}
	}
	if hubTime, err := parseTranTime(a.text("api_tran_dtm")); err == nil {
		limit.HubTime = hubTime
	}
	return limit, nil
}

// KST is Korean standard time: UTC+9, without daylight saving. It is a fixed
// zone so that an image without a time zone database shows it too.
func KST() *time.Location { return time.FixedZone("KST", 9*60*60) }

// tranTimeDigits is the length of yyyyMMddHHmmssSSS.
const tranTimeDigits = 17

// parseTranTime reads an api_tran_dtm, yyyyMMddHHmmssSSS in Korean time.
// [time.Parse] wants a separator before the milliseconds, so these are read
// on their own.
func parseTranTime(text string) (time.Time, error) {
	if len(text) != tranTimeDigits {
		return time.Time{}, errors.New("not 17 digits")
	}
	const seconds = "20060102150405"
	t, err := time.ParseInLocation(seconds, text[:len(seconds)], KST())
	if err != nil {
		return time.Time{}, errors.New("no such date and time")
	}
	ms, err := strconv.ParseUint(text[len(seconds):], 10, 16)
	if err != nil {
		return time.Time{}, errors.New("no such millisecond")
	}
	// In UTC, so that no time carries a zone of its own about.
	return t.Add(time.Duration(ms) * time.Millisecond).UTC(), nil
}
