// Package config tells which merchants to watch and how: from flags for one,
// from a file for many. What it returns is valid; what is not is refused with
// where it stands and what to do.
package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"payple_exporter/hub"
)

// Hub is the address of a hub and what it is called in the label hub.
type Hub struct {
	Label string // real, test, or the host
	URL   string
}

// Merchant is one partner to watch.
type Merchant struct {
	Name       string
	CstID      string
	Key        hub.Key
	Hub        Hub
	Thresholds Levels
}

// Config is what to watch.
type Config struct {
	// MinInterval is how often each merchant is asked at most.
	MinInterval time.Duration
	Merchants   []Merchant
}

// Defaults hold where a file says nothing.
type Defaults struct {
	Hub         Hub
	MinInterval time.Duration
	Thresholds  Levels
	// KeysUnread leaves the reading of keys to those who use them: one that
	// cannot be read is no mistake of the configuration then.
	KeysUnread bool
}

// One returns the configuration of a single merchant, named after its id.
func One(cstID string, key hub.Key, defaults Defaults) (Config, error) {
	if err := errors.Join(checkName(cstID), defaults.checkKey(key), CheckMinInterval(defaults.MinInterval)); err != nil {
		return Config{}, err
	}
	return Config{
		MinInterval: defaults.MinInterval,
		Merchants: []Merchant{{
			Name: cstID, CstID: cstID, Key: key, Hub: defaults.Hub, Thresholds: defaults.Thresholds,
		}},
	}, nil
}

// minMinInterval is the shortest interval that may be set. No rate limit of
// the hub is published; a sister API's is one call a second.
const minMinInterval = time.Second

// maxMinInterval is the longest. The alert rules measure the pace of payouts
// from figures that are minutes apart; from some an hour apart they would tell
// of a limit that runs out when it has.
const maxMinInterval = 5 * time.Minute

// CheckMinInterval reports whether a merchant may be asked this often.
func CheckMinInterval(interval time.Duration) error {
	switch {
	case interval < minMinInterval:
		return fmt.Errorf("min interval %s: want from %s to %s", interval, minMinInterval, maxMinInterval)
	case interval > maxMinInterval:
		return fmt.Errorf("min interval %s: want from %s to %s, since the alert rules measure the pace of payouts from figures that are minutes apart at most",
			interval, minMinInterval, maxMinInterval)
	}
	return nil
}

// maxNameBytes bounds a merchant's name and id, which become labels.
const maxNameBytes = 100

// checkName refuses what would make a confusing label.
func checkName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	if len(name) > maxNameBytes {
		return fmt.Errorf("a name or id is longer than %d bytes", maxNameBytes)
	}
	if !Printable(name) {
		return fmt.Errorf("%q holds a character that cannot be shown", name)
	}
	return nil
}

// Printable reports whether a text can stand in a line of a log or of a page: it
// holds neither line breaks nor characters that turn the reading direction or
// have no width. Two
// names that look alike would be taken for one.
func Printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
}

// checkKey reads the key once, so that a wrong path is found at the start and
// not at night.
func (d Defaults) checkKey(key hub.Key) error {
	if d.KeysUnread {
		return nil
	}
	if _, err := key.Secret(); err != nil {
		return fmt.Errorf("no usable custKey: %w", err)
	}
	return nil
}
