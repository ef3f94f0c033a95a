package app

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/hub"
	"payple_exporter/internal/check"
	"payple_exporter/internal/config"
	"payple_exporter/internal/simulator"
)

// merchantFlags say whom to ask, and how. All commands take them.
type merchantFlags struct {
	cstID, custKeyFile, hub, referer string
	minInterval, maxAge, timeout     time.Duration
	maxConcurrency                   int
	maxRequestsPerSecond             float64
	warning, critical                []string
	configFile                       string
	demo                             bool
}

func (f *merchantFlags) define(app *kingpin.Application) {
	app.Flag("payple.cst-id", "Partner id, for the set-up with one merchant.").
		Envar("PAYPLE_CST_ID").StringVar(&f.cstID)
	app.Flag("payple.cust-key-file", "Regular file that holds the partner's custKey alone, in one line of UTF-8; read anew for every token, less one trailing newline. "+
		"The key itself may stand in the environment variable PAYPLE_CUST_KEY instead, in the same form, never in a flag.").
		Envar("PAYPLE_CUST_KEY_FILE").StringVar(&f.custKeyFile)
	app.Flag("payple.hub", "Hub to ask: real, test, or an https:// address (http:// only to this machine).").
		Envar("PAYPLE_HUB").Default("real").StringVar(&f.hub)
	app.Flag("payple.min-interval", "A merchant is asked at most this often, however many scrape it; from 1s to 5m.").
		Default("25s").DurationVar(&f.minInterval)
	app.Flag("payple.max-age", "How old a figure may be served while queries fail; 0 means never after a failure.").
		Default("5m").DurationVar(&f.maxAge)
	app.Flag("payple.timeout", "Time-out of one query, both steps.").
		Default("5s").DurationVar(&f.timeout)
	app.Flag("payple.referer", "Referer header to send, if Payple asked you for one.").
		StringVar(&f.referer)
	app.Flag("payple.max-concurrency", "How many queries may be under way at once, over all merchants.").
		Default("32").IntVar(&f.maxConcurrency)
	app.Flag("payple.max-requests-per-second", "How many requests a second the hub gets at most, over all merchants; 0 means no limit.").
		Default("0").Float64Var(&f.maxRequestsPerSecond)
	app.Flag("threshold.warning", "When a remaining limit is low enough for a ticket: 5000000 won, 20% of the total, 24h of runway, or 1.2x what the coming 24 hours took last week. "+
		"Repeatable, one of each kind; 24h if none is set.").StringsVar(&f.warning)
	app.Flag("threshold.critical", "When a remaining limit is low enough for a page. "+
		"Repeatable, one of each kind; 4h if none is set.").StringsVar(&f.critical)
	app.Flag("config.file", "File that lists many merchants.").StringVar(&f.configFile)
	app.Flag("demo", "Ask an in-process simulated hub with invented merchants; needs no credentials.").BoolVar(&f.demo)
}

// validate refuses values that no flag type can refuse.
func (f *merchantFlags) validate() error {
	return errors.Join(
		refuse(f.timeout <= 0 || f.timeout > time.Minute, "--payple.timeout %s: want above 0 and up to 1m", f.timeout),
		refuse(f.maxAge < 0, "--payple.max-age %s: want 0 or more", f.maxAge),
		refuse(f.referer != "" && !isReferer(f.referer),
			"--payple.referer: want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"),
		refuse(f.maxConcurrency < 1, "--payple.max-concurrency %d: want at least 1", f.maxConcurrency),
		refuse(!(f.maxRequestsPerSecond >= 0), "--payple.max-requests-per-second %v: want 0 or more", f.maxRequestsPerSecond),
	)
}

// isReferer reports whether a text can be sent as the header Referer. With a line
// break from the file that it was read from, say, no request would leave.
func isReferer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' })
}

// defaults returns what holds where a merchants file says nothing.
func (f *merchantFlags) defaults() (config.Defaults, error) {
	address, err := config.ParseHub(f.hub)
	if err != nil {
		return config.Defaults{}, fmt.Errorf("--payple.%w", err)
	}
	standard := config.DefaultLevels()
	if f.demo { // its totals begin again each day, and its page is to show merchants in every state from the start
		standard = config.Levels{config.Warning: {{Kind: config.Ratio, Value: 0.2}}, config.Critical: {{Kind: config.Ratio, Value: 0.1}}}
	}
	levels, err := config.ParseLevels(f.warning, f.critical, standard)
	if err != nil {
		return config.Defaults{}, fmt.Errorf("--threshold: %w", err)
	}
	if err := config.CheckMinInterval(f.minInterval); err != nil {
		return config.Defaults{}, fmt.Errorf("--payple.min-interval: %w", err)
	}
	return config.Defaults{Hub: address, MinInterval: f.minInterval, Thresholds: levels}, nil
}

// source is where a configuration comes from, and how to end what stands
// behind it.
type source struct {
	load  func() (config.Config, error)
	close func() error
	// simulator is the address of the simulated hub of a demo; else empty.
	simulator string
}

// source returns the real configuration, or starts a simulated hub and returns
// one that asks it.
func (p *program) source() (source, error) {
	f := &p.merchants
	if err := f.validate(); err != nil {
		return source{}, usageError{err}
	}
	if !f.demo {
		if err := hub.CheckProxy(p.Getenv); err != nil {
			return source{}, usageError{err}
		}
		return source{load: p.load, close: func() error { return nil }}, nil
	}
	if f.cstID != "" || f.custKeyFile != "" || f.configFile != "" {
		return source{}, usageError{errors.New("--demo invents its merchants: take out --payple.cst-id, --payple.cust-key-file and --config.file")}
	}
	defaults, err := f.defaults()
	if err != nil {
		return source{}, usageError{err}
	}
	sim := simulator.New(simulator.Options{Now: p.Now}, simulator.DemoPartners()...)
	p.Simulated(sim)
	server, err := simulator.Start(sim, "127.0.0.1:0")
	if err != nil {
		return source{}, fmt.Errorf("demo: %w", err)
	}
	load := func() (config.Config, error) {
		return demoConfig(server.URL, defaults.MinInterval, defaults.Thresholds), nil
	}
	return source{load: load, close: server.Close, simulator: server.URL}, nil
}

// load returns the merchants, and what the environment says of the way to them.
func (p *program) load() (config.Config, error) {
	loaded, err := p.loadConfig()
	roots, rootsErr := hub.Roots(p.Getenv)
	if err := errors.Join(err, rootsErr); err != nil {
		return config.Config{}, err
	}
	loaded.Roots = roots
	if name := hub.UnusedProxy(p.Getenv); name != "" {
		loaded.Warnings = append(loaded.Warnings, name+" is set and not used: set HTTPS_PROXY if the hub is to be asked through a proxy")
	}
	return loaded, nil
}

// The usual scrape intervals, from Prometheus' own examples and defaults.
const shortScrapeInterval, longScrapeInterval = 15 * time.Second, time.Minute

// warn tells of a configuration that is not to be served what is hardly meant.
// Of the minimum interval it judges less than a server does, which sees scrapes.
func (p *program) warn(loaded config.Config) {
	if interval := loaded.MinInterval; interval > longScrapeInterval || interval < shortScrapeInterval/2 {
		loaded.Warnings = append(slices.Clip(loaded.Warnings), fmt.Sprintf(
			"min_interval %s fits no usual scrape interval (%s to %s): set it just under yours, and two Prometheus servers and the page cost the hub one query per interval",
			interval, shortScrapeInterval, longScrapeInterval))
	}
	for _, warning := range loaded.Warnings {
		_, _ = fmt.Fprintf(p.Stderr, "payple_exporter: warning: %s\n", warning)
	}
}

// custKeyEnv is where the key of the one-merchant set-up may stand.
const custKeyEnv = "PAYPLE_CUST_KEY"

// loadConfig returns the merchants that the flags name, directly or by file. A key
// that cannot be read is refused, but by check, which asks for the other merchants.
func (p *program) loadConfig() (config.Config, error) {
	f := &p.merchants
	defaults, err := f.defaults()
	defaults.KeysUnread = p.command == commandCheck
	if err != nil {
		return config.Config{}, err
	}
	switch {
	case f.configFile != "" && (f.cstID != "" || f.custKeyFile != ""):
		return config.Config{}, errors.New("--config.file lists the merchants: take out --payple.cst-id and --payple.cust-key-file (and PAYPLE_CST_ID, PAYPLE_CUST_KEY_FILE)")
	case f.configFile != "":
		return config.Load(f.configFile, defaults, p.Getenv)
	case f.cstID == "":
		return config.Config{}, errors.New("whom to ask? Set --payple.cst-id and --payple.cust-key-file, name a --config.file, or try --demo")
	case f.custKeyFile != "" && p.Getenv(custKeyEnv) != "":
		return config.Config{}, errors.New("two keys: take out either --payple.cust-key-file (PAYPLE_CUST_KEY_FILE) or PAYPLE_CUST_KEY")
	case !config.Printable(f.custKeyFile):
		return config.Config{}, errors.New("--payple.cust-key-file (PAYPLE_CUST_KEY_FILE): a control or invisible character is in the name of the file")
	case f.custKeyFile != "":
		return config.One(f.cstID, hub.FileKey(f.custKeyFile), defaults)
	case p.Getenv(custKeyEnv) != "":
		return config.One(f.cstID, hub.EnvKey(custKeyEnv, p.Getenv), defaults)
	}
	return config.Config{}, errors.New("no custKey: name a file with --payple.cust-key-file, or set the environment variable PAYPLE_CUST_KEY")
}

// demoConfig returns the configuration that asks the simulated hub at url.
func demoConfig(url string, minInterval time.Duration, levels config.Levels) config.Config {
	demo := config.Config{MinInterval: minInterval}
	for _, partner := range simulator.DemoPartners() {
		demo.Merchants = append(demo.Merchants, config.Merchant{
			Name: partner.CstID, CstID: partner.CstID,
			Key:        hub.FixedKey(hub.NewSecret(simulator.DemoKey), check.DemoKey),
			Hub:        config.Hub{Label: "demo", URL: url},
			Thresholds: levels, Contact: "finance on call, 02-555-0100",
		})
	}
	return demo
}
