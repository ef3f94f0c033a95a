// Package config says which merchants to watch and how: from flags for one,
// from a file for many. What it returns is valid; what is not is refused with
// where it stands and what to do.
package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

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
	// Contact is who can raise the limit, for those who are paged; empty if
	// nobody is named.
	Contact string
}

// Config is what to watch.
type Config struct {
	// MinInterval is how often each merchant is asked at most.
	MinInterval time.Duration
	Merchants   []Merchant
	// Roots are the authorities that hubs are verified by; nil leaves it to the
	// system.
	Roots *x509.CertPool
	// Warnings tell, a line each, of what is taken and hardly meant.
	Warnings []string
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
	warnings, keyErr := defaults.checkKey(key, cstID)
	idErr := checkID(cstID)
	if idErr != nil {
		idErr = fmt.Errorf("--payple.cst-id (PAYPLE_CST_ID): %w", idErr)
	}
	if err := errors.Join(idErr, keyErr, CheckMinInterval(defaults.MinInterval)); err != nil {
		return Config{}, err
	}
	return Config{
		MinInterval: defaults.MinInterval, Warnings: warnings,
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
	if unseen, found := hub.Unseen(name); found {
		return fmt.Errorf("a control or invisible character (%U) is in it", unseen)
	}
	return nil
}

// checkID refuses what cannot be a partner id: quotes and blanks that were to
// stay outside, a variable that nobody has filled in.
func checkID(id string) error {
	if err := checkName(id); err != nil {
		return err
	}
	if at := strings.IndexAny(id, hub.BlanksAndQuotes+"$"); at >= 0 {
		wrong, _ := utf8.DecodeRuneInString(id[at:])
		return fmt.Errorf("%q is in it: want the partner id alone, as Payple gave it", wrong)
	}
	return nil
}

// maxContact is how long a contact may be, in characters.
const maxContact = 120

// checkContact refuses what does not fit into a line of a page or of an alert.
func checkContact(contact string) error {
	unseen, found := hub.Unseen(contact)
	switch {
	case strings.TrimSpace(contact) == "":
		return errors.New("it is empty: say who can raise the limit, or take it out")
	case utf8.RuneCountInString(contact) > maxContact:
		return fmt.Errorf("it is longer than %d characters", maxContact)
	case found:
		return fmt.Errorf("a control or invisible character (%U) is in it", unseen)
	}
	return nil
}

// lookalike returns one text for all names that look alike: blanks do not show
// at the ends nor by their number, and Hangul looks the same whether it is
// written in syllables or in letters.
func lookalike(name string) string {
	return norm.NFC.String(strings.Join(strings.Fields(name), " "))
}

// Printable reports whether a text can stand in a line of a log or of a page and
// be seen there as it is.
func Printable(text string) bool {
	_, found := hub.Unseen(text)
	return !found
}

// errKeyShown is for a key that would be shown as something else.
var errKeyShown = errors.New("the custKey itself stands where the name, the cst_id or the contact belongs, which everybody may see")

// checkKey reads the key once, so that one that is not there or cannot be right
// is found at the start and not at night. It returns a warning of one that is
// odd. shown are texts of its merchant that are no secrets.
func (d Defaults) checkKey(key hub.Key, shown ...string) (warnings []string, _ error) {
	if d.KeysUnread {
		return nil, nil
	}
	secret, err := key.Secret()
	if err != nil {
		return nil, fmt.Errorf("no usable custKey: %w", err)
	}
	if slices.ContainsFunc(shown, secret.In) {
		return nil, errKeyShown
	}
	if secret.Wrapped() {
		warnings = []string{fmt.Sprintf("the custKey in %s begins or ends with a blank or a quote: take it out there, unless it belongs to the key", key.Source())}
	}
	return warnings, nil
}
