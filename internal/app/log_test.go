package app

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"payple_exporter/hub"
	"payple_exporter/internal/test/secrets"
)

// The loggers of this program cannot print a secret, on its own, within other
// values, or in an error that was made of it.
func TestLogsCannotPrintSecrets(t *testing.T) {
	t.Parallel()
	const key = `test+cust/key="7f3a91&b2<c8>d4`
	secret := hub.NewSecret(key)
	values := map[string]any{
		"secret": secret, "pointer": &secret, "credentials": hub.Credentials{CstID: "p", CustKey: secret}, "key": hub.FixedKey(secret, "test"),
		"slice": []hub.Secret{secret}, "map": map[string]hub.Secret{"k": secret}, "error": fmt.Errorf("with %v: %+v, %#v, %s, %q, %x", secret, secret, secret, secret, secret, secret),
	}
	for _, format := range []string{"logfmt", "json"} {
		var text bytes.Buffer
		loggers := logFlags{level: "debug", format: format}.loggers(&text)
		for name, value := range values {
			_ = log.With(loggers.kit, "with", value).Log("msg", name, "value", value)
			loggers.slog.With("with", value).WithGroup("g").Error(name, "value", value)
			_, _ = fmt.Fprintf(serverLog{loggers.slog, &webFault{}}, "%s: %v %+v %#v", name, value, value, value)
		}
		if strings.Count(text.String(), "\n") < len(values)*3 {
			t.Errorf("lines are missing:\n%s", text.String())
		}
		secrets.ExpectNone(t, "the log as "+format, text.String(), key)
	}
}
