package hub

import (
	"errors"
	"strconv"
	"time"
)

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
