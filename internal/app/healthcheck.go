package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// healthcheckFlags are those of the healthcheck command.
type healthcheckFlags struct {
	addresses []string
	routes    routeFlags
}

func (f *healthcheckFlags) define(health *kingpin.CmdClause) {
	health.Flag("web.listen-address", "Address that the exporter, or its systemd socket, listens on, such as :10911 or unix:/run/payple_exporter.sock; of several, the first is asked.").
		Default(":10911").StringsVar(&f.addresses)
	f.routes.define(health)
}

// checkHealth asks the running exporter on this machine whether it is healthy.
func (p *program) checkHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	address := p.healthcheck.addresses[0]
	if err := p.refused(refuseAsked(ctx, address), p.healthcheck.routes.resolve()); err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	var dial func(context.Context, string, string) (net.Conn, error)
	local := localURL(ctx, address)
	if path, found := strings.CutPrefix(local, unixScheme); found {
		local = "//localhost"
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	local += p.healthcheck.routes.prefix + "/-/healthy"
	status, err := askHealth(ctx, "http:"+local, dial)
	if status == http.StatusBadRequest { // what a TLS listener answers to plain HTTP
		_, err = askHealth(ctx, "https:"+local, dial)
	}
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	return nil
}

// refuseAsked returns the mistake of an address that cannot be asked.
func refuseAsked(ctx context.Context, address string) error {
	const flag = "web.listen-address"
	if _, port, err := net.SplitHostPort(address); err == nil && strings.Trim(port, "0") == "" {
		return wrong(flag, address, "want the port that the exporter has got: the line of its log that begins with serving tells it")
	}
	if path, found := strings.CutPrefix(address, unixScheme); found && path != "" {
		return nil
	}
	return refuseAddress(ctx, flag, address)
}

// askHealth asks one address, over dial if it is no address of TCP, and returns the HTTP status if there is one. It
// takes for healthy whatever only a server that is well can answer, since this
// command has no password and no certificate, and shall need none.
func askHealth(ctx context.Context, url string, dial func(context.Context, string, string) (net.Conn, error)) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", url, err)
	}
	var wantsCertificate atomic.Bool
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       dial,
			// The certificate is for the name that Prometheus uses. Nothing is
			// sent that would have to be kept secret, and the answer is yes or no.
			TLSClientConfig: &tls.Config{
				InsecureSkipVerify: true, //nolint:gosec // see above
				MinVersion:         tls.VersionTLS12,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					wantsCertificate.Store(true)
					return &tls.Certificate{}, nil
				},
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		if wantsCertificate.Load() && ctx.Err() == nil {
			// It asked for a client's certificate, got none, and hung up: a
			// TLS server that can read its configuration and does its duty.
			return 0, nil
		}
		return 0, fmt.Errorf("asking %s: %w", url, err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read
	switch response.StatusCode {
	// 401 comes from a server that is well and wants a password, 429 from one
	// whose rate_limit somebody else has used up.
	case http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests:
		return response.StatusCode, nil
	}
	return response.StatusCode, fmt.Errorf("HTTP %d %s", response.StatusCode, http.StatusText(response.StatusCode))
}
