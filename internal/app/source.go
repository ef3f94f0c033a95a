package app

import (
	"errors"
	"fmt"
	"maps"
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
	cstID, custKeyFile, referer  string
	hub                          config.Hub
	minInterval, maxAge, timeout time.Duration
	maxConcurrency               int
	maxRequestsPerSecond         float64
	warning, critical            []string
	configFile                   string
	demo                         bool
}

func (f *merchantFlags) define(app *kingpin.Application) {
	app.Flag("payple.cst-id", "Partner id, for the set-up with one merchant.").
		StringVar(&f.cstID)
	app.Flag("payple.cust-key-file", "Regular file that holds the partner's custKey alone, in one line of UTF-8; read anew for every token, less one trailing newline. "+
		"The key itself may stand in the environment variable PAYPLE_CUST_KEY instead, in the same form, never in a flag.").
		StringVar(&f.custKeyFile)
	app.Flag("payple.hub", "Hub to ask: real, test, or an https:// address (http:// only to this machine).").
		Default("real").SetValue(hubFlag{&f.hub})
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
	app.Flag("payple.max-requests-per-second", "How many requests a second the hub gets at most, over all merchants: at least 2, since a query without a token takes two at once; 0 means no limit.").
		Default("0").Float64Var(&f.maxRequestsPerSecond)
	app.Flag("threshold.warning", "When a remaining limit is low enough for a ticket: 5000000 won, 20% of the total, 24h of runway, or 1.2x what the coming 24 hours took last week. "+
		"Repeatable, one of each kind; 24h if none is set.").SetValue(thresholdsFlag{&f.warning})
	app.Flag("threshold.critical", "When a remaining limit is low enough for a page. "+
		"Repeatable, one of each kind; 4h if none is set.").SetValue(thresholdsFlag{&f.critical})
	app.Flag("config.file", "File that lists many merchants.").StringVar(&f.configFile)
	app.Flag("demo", "Ask an in-process simulated hub with invented merchants; needs no credentials.").BoolVar(&f.demo)
}

// maxRate is the highest rate that bounds anything.
const maxRate = 1e6

// validate refuses values that no flag type can refuse.
func (f *merchantFlags) validate() error {
	var mixed error
	if f.demo && (f.cstID != "" || f.custKeyFile != "" || f.configFile != "") {
		mixed = errors.New("--demo invents its merchants: take out --payple.cst-id, --payple.cust-key-file and --config.file")
	}
	return errors.Join(
		refuse(f.timeout <= 0 || f.timeout > time.Minute, "payple.timeout", f.timeout, "want above 0 and up to 1m"),
		refuse(f.maxAge < 0, "payple.max-age", f.maxAge, "want 0 or more"),
		refuse(f.referer != "" && !isReferer(f.referer), "payple.referer", f.referer,
			"want the address that Payple told you, such as https://shop.example, without spaces, line breaks, # and a name or password"),
		refuse(f.maxConcurrency < 1, "payple.max-concurrency", f.maxConcurrency, "want at least 1"),
		// Below 2 it would be no bound: a query without a token takes two at once.
		refuse(f.maxRequestsPerSecond != 0 && !(f.maxRequestsPerSecond >= 2 && f.maxRequestsPerSecond <= maxRate), "payple.max-requests-per-second", f.maxRequestsPerSecond,
			fmt.Sprintf("want 0 for no limit, or from 2, which a query without a token takes at once, to %d", int(maxRate))),
		mixed,
	)
}

// isReferer reports whether a text can be sent as the header Referer. With a line
// break from the file that it was read from, say, no request would leave.
func isReferer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' })
}

// hubFlag and thresholdsFlag are flags that know what is wrong with a value.
type hubFlag struct{ address *config.Hub }

// Set implements [kingpin.Value].
func (f hubFlag) Set(text string) (err error) {
	address, err := config.ParseHub(text)
	if err == nil {
		*f.address = address
	}
	return err
}

// String implements [kingpin.Value].
func (f hubFlag) String() string { return f.address.Label }

type thresholdsFlag struct{ texts *[]string }

// Set implements [kingpin.Value].
func (f thresholdsFlag) Set(text string) error {
	_, err := config.ParseThreshold(text)
	if err == nil {
		*f.texts = append(*f.texts, text)
	}
	return err
}

// String implements [kingpin.Value].
func (f thresholdsFlag) String() string { return strings.Join(*f.texts, ",") }

// IsCumulative tells kingpin of a flag that may be repeated.
func (thresholdsFlag) IsCumulative() bool { return true }

// defaults returns what holds where a merchants file says nothing.
func (f *merchantFlags) defaults() (config.Defaults, error) {
	standard := config.DefaultLevels()
	if f.demo { // its totals begin again each day, and its page is to show merchants in every state from the start
		standard = config.Levels{config.Warning: {{Kind: config.Ratio, Value: 0.2}}, config.Critical: {{Kind: config.Ratio, Value: 0.1}}}
	}
	levels, err := config.ParseLevels(f.warning, f.critical, standard)
	if err != nil {
		err = fmt.Errorf("--threshold: %w", err)
	}
	interval := f.minInterval
	if wrongInterval := config.CheckMinInterval(interval); wrongInterval != nil {
		_, want, _ := strings.Cut(wrongInterval.Error(), ": ")
		err = errors.Join(err, wrong("payple.min-interval", interval, want))
		interval = time.Minute // so that the rest is looked at
	}
	return config.Defaults{Hub: f.hub, MinInterval: interval, Thresholds: levels}, err
}

// source is where a configuration comes from, and how to end what stands
// behind it.
type source struct {
	load  func() (config.Config, error)
	close func() error
	// simulator is the address of the simulated hub of a demo; else empty.
	simulator string
}

// begin returns where the configuration comes from, and the first one; for a
// demo it starts a simulated hub. All mistakes are one error, and so are others
// that the command has found in its own flags.
func (p *program) begin(others error) (source, config.Config, error) {
	f := &p.merchants
	var wrongDefaults, wrongWay, wrongFirst error
	var first config.Config
	p.defaults, wrongDefaults = f.defaults()
	if !f.demo {
		wrongWay = hub.CheckProxy(p.Getenv)
		first, wrongFirst = p.load()
		wrongFirst = errors.Join(wrongFirst, p.misplacedKeys(first))
	}
	if len(p.mistakes) > 0 && errors.Is(wrongFirst, errNobody) {
		wrongFirst = nil // the flag that says whom may be the mistaken one
	}
	if err := p.refused(others, f.validate(), wrongDefaults, wrongWay, wrongFirst); err != nil {
		return source{}, first, err
	}
	if !f.demo {
		return source{load: p.load, close: func() error { return nil }}, first, nil
	}
	sim := simulator.New(simulator.Options{Now: p.Now}, simulator.DemoPartners()...)
	p.Simulated(sim)
	server, err := simulator.Start(sim, "127.0.0.1:0")
	if err != nil {
		return source{}, first, fmt.Errorf("demo: %w", err)
	}
	load := func() (config.Config, error) {
		demo := demoConfig(server.URL, p.defaults.MinInterval, p.defaults.Thresholds)
		demo.Warnings = p.unknownVariables()
		return demo, nil
	}
	first, err = load()
	return source{load: load, close: server.Close, simulator: server.URL}, first, err
}

// misplacedKeys finds custKeys in flags, most of which are shown somewhere.
func (p *program) misplacedKeys(loaded config.Config) error {
	if p.command == commandCheck {
		return nil // it reads keys where it can say how that went
	}
	var faults []error
	for _, merchant := range loaded.Merchants {
		key, err := merchant.Key.Secret()
		for _, flag := range slices.Sorted(maps.Keys(p.given)) {
			if err == nil && key.In(p.given[flag]) {
				faults = append(faults, fmt.Errorf("%s: the custKey of a merchant is in it: take it out there, and have Payple give you another", named(flag)))
			}
		}
	}
	return errors.Join(faults...)
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
	loaded.Warnings = append(loaded.Warnings, p.unknownVariables()...)
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

var errNobody = errors.New("whom to ask? Set --payple.cst-id and --payple.cust-key-file, name a --config.file, or try --demo")

// loadConfig returns the merchants that the flags name, directly or by file. A key
// that cannot be read is refused, but by check, which asks for the other merchants.
func (p *program) loadConfig() (config.Config, error) {
	f, defaults := &p.merchants, p.defaults
	defaults.KeysUnread = p.command == commandCheck
	switch {
	case f.configFile != "" && (f.cstID != "" || f.custKeyFile != ""):
		return config.Config{}, errors.New("--config.file lists the merchants: take out --payple.cst-id and --payple.cust-key-file (and PAYPLE_CST_ID, PAYPLE_CUST_KEY_FILE)")
	case f.configFile != "":
		loaded, err := config.Load(f.configFile, defaults, p.Getenv)
		return loaded, wrongFile(err)
	case f.cstID == "":
		return config.Config{}, errNobody
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
