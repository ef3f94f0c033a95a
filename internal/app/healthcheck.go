package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
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
	health.Flag("web.listen-address", "Address that the exporter listens on; of several, the first is asked.").
		Default(":10911").StringsVar(&f.addresses)
	f.routes.define(health)
}

// checkHealth asks the running exporter on this machine whether it is healthy.
func (p *program) checkHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := p.refused(refuseAddress(ctx, "web.listen-address", p.healthcheck.addresses[0]), p.healthcheck.routes.resolve()); err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	plain := localURL(p.healthcheck.addresses[0]) + p.healthcheck.routes.prefix + "/-/healthy"
	status, err := askHealth(ctx, plain)
	if status == http.StatusBadRequest { // what a TLS listener answers to plain HTTP
		_, err = askHealth(ctx, "https"+plain[len("http"):])
	}
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	return nil
}

// askHealth asks one address, and returns the HTTP status if there is one. It
// takes for healthy whatever only a server that is well can answer, since this
// command has no password and no certificate, and shall need none.
func askHealth(ctx context.Context, url string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", url, err)
	}
	var wantsCertificate atomic.Bool
	client := &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
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
