package config

// FileKey is one key of a merchants file, as the documentation has it.
type FileKey struct {
	Name string
	// Default is what holds without the key, in words; empty if it must be
	// there.
	Default string
	Help    string
}

// TopKeys returns the keys at the top of a merchants file. The parser knows
// these and no others.
func TopKeys() []FileKey {
	return []FileKey{
		{"hub", "--payple.hub", "Hub of all merchants that name none: real, test, or an https:// address (http:// only to this machine)."},
		{"min_interval", "--payple.min-interval", "A merchant is asked at most this often, from 1s to 5m."},
		{"merchants", "", "List of at least one merchant."},
	}
}

// MerchantKeys returns the keys of a merchant in a merchants file. The parser
// knows these and no others.
func MerchantKeys() []FileKey {
	return []FileKey{
		{"name", "the cst_id", "Label merchant. Each name once in a file, and best once in a Prometheus; names that look alike count as one."},
		{"cst_id", "", "Partner id that Payple gave, without blanks, quotes and $."},
		{"cust_key_file", "", "Regular file that holds the custKey alone, in one line of UTF-8, less one trailing newline; read anew for every token. A relative name counts from the directory of the merchants file. Either this or cust_key_env."},
		{"cust_key_env", "", "Environment variable that holds the custKey alone, in one line of UTF-8, less one trailing newline."},
		{"hub", "hub at the top", "Another hub for this merchant."},
		{"contact", "", "Who can raise the limit, such as finance on call, 02-555-0100: shown on the page, in /status.json and as a metric, for those who are paged. At most 120 printable characters, no secret."},
		{"thresholds", "--threshold.warning, --threshold.critical", "warning and critical, each one threshold or a list of up to one of each kind."},
	}
}

func names(keys []FileKey) []string {
	all := make([]string, 0, len(keys))
	for _, key := range keys {
		all = append(all, key.Name)
	}
	return all
}
