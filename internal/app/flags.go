package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"payple_exporter/internal/config"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/web"
)

const (
	appName            = "payple_exporter"
	commandServe       = "serve"
	commandHealthcheck = "healthcheck"
)

// flags are what the command line and the environment say.
type flags struct {
	cstID, custKeyFile, hub, referer string
	minInterval, maxAge, timeout     time.Duration
	maxConcurrency                   int
	maxRequestsPerSecond             float64
	warning, critical                []string
	configFile                       string
	configCheck, demo                bool

	web             *toolkit.FlagConfig
	telemetryPath   string
	timeoutOffset   time.Duration
	maxRequests     int
	lifecycle       bool
	withoutExporter bool
	sdAddress       string

	logLevel, logFormat string

	checkJSON  bool
	lang       string
	keysUnread bool // of check, which tells of a bad key where it tells of the rest

	simulateAddress, simulateFault      string
	simulateScenario, simulateConfigDir string
	simulateKeyFile                     string
	simulateSpeed                       int

	healthAddresses []string
}

// program is a parsed command line: what to do, and all that it needs.
type program struct {
	Options

	flags flags
	// command is the name of the command.
	command string
	// execute is the command; nil if the command line asked for help or the
	// version, which have been printed.
	execute action
}

// action is what a command of the program does.
type action func(context.Context) error

// parse reads the command line and the environment.
func parse(args []string, options Options) (*program, error) {
	p := &program{Options: options}
	app, commands := p.define()
	answered := false
	app.Terminate(func(int) { answered = true })
	name, err := app.Parse(wholeWords(args))
	if answered {
		return p, nil
	}
	if err != nil {
		err = fmt.Errorf("%w, try --help", err)
		if slices.Contains(args, commandHealthcheck) {
			// Healthy or not: Docker, for one, knows 0 and 1, and reserves 2.
			return nil, err
		}
		return nil, usageError{err}
	}
	p.command, p.execute = name, commands[name]
	return p, nil
}

// reloads tells whether the command is one that reloads its configuration.
func (p *program) reloads() bool { return p.command == commandServe && !p.flags.configCheck }

// wholeWords leaves out the beginning of a command's name that a shell wants
// completed: kingpin takes it for the default command's argument and offers
// nothing, while of all names the shell picks the fitting ones itself.
func wholeWords(args []string) []string {
	last := len(args) - 1
	if last < 1 || args[0] != "--completion-bash" || strings.HasPrefix(args[last], "-") {
		return args
	}
	if previous := args[last-1]; last > 1 && strings.HasPrefix(previous, "--") && !strings.Contains(previous, "=") {
		return args // the value of a flag
	}
	return args[:last]
}

// define defines all commands and flags, and what the commands do.
func (p *program) define() (*kingpin.Application, map[string]action) {
	app := kingpin.New(appName, "Exposes how much a Payple partner may still pay out as Prometheus metrics.")
	app.HelpFlag.Short('h')
	app.Version(version.Print(appName))
	app.VersionFlag.Short('v')
	for _, own := range app.Model().Flags {
		// What asks for help, the version or completion is for a command line.
		// In the environment, PAYPLE_EXPORTER_VERSION is some deployment's note
		// of what it deploys.
		app.GetFlag(own.Name).NoEnvar()
	}
	app.UsageWriter(p.Stdout)
	app.ErrorWriter(p.Stderr)
	app.DefaultEnvars()
	p.flags.merchants(app)
	p.flags.logging(app)

	serve := app.Command(commandServe, "Serve metrics. This is what happens without a command.").Default()
	p.flags.serving(serve)

	check := app.Command("check", "Ask the hub once for each merchant and print, step by step, what was tried and what it says.")
	check.Flag("json", "Print JSON for scripts, in English always.").BoolVar(&p.flags.checkJSON)
	p.flags.speaking(check)

	simulate := app.Command("simulate", "Run the simulated hub alone, for drills.")
	p.flags.simulating(simulate)
	p.flags.speaking(simulate)

	health := app.Command(commandHealthcheck, "Ask the running exporter whether it is healthy, for images without a shell.")
	health.Flag("web.listen-address", "Address that the exporter listens on; of several, the first is asked.").
		Default(":10911").StringsVar(&p.flags.healthAddresses)

	return app, map[string]action{
		serve.FullCommand(): p.serve, check.FullCommand(): p.check,
		simulate.FullCommand(): p.simulate, health.FullCommand(): p.healthcheck,
	}
}

// merchants defines the flags that say whom to ask, and how.
func (f *flags) merchants(app *kingpin.Application) {
	app.Flag("payple.cst-id", "Partner id, for the set-up with one merchant.").
		Envar("PAYPLE_CST_ID").StringVar(&f.cstID)
	app.Flag("payple.cust-key-file", "File that holds the partner's custKey, in UTF-8; read anew for every token, less one trailing newline. "+
		"The key itself may stand in the environment variable PAYPLE_CUST_KEY instead, in the same form, never in a flag.").
		Envar("PAYPLE_CUST_KEY_FILE").StringVar(&f.custKeyFile)
	app.Flag("payple.hub", "Hub to ask: real, test, or an https:// address (http:// only to this machine).").
		Envar("PAYPLE_HUB").Default("real").StringVar(&f.hub)
	app.Flag("payple.min-interval", "A merchant is asked at most this often, however many scrape it; from 1s to 5m.").
		Default("10s").DurationVar(&f.minInterval)
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
	app.Flag("threshold.warning", "When a remaining limit is low enough for a ticket: 5000000 won, 20% of the total, or 24h of runway. "+
		"Repeatable, one of each kind; 20% if none is set.").StringsVar(&f.warning)
	app.Flag("threshold.critical", "When a remaining limit is low enough for a page. "+
		"Repeatable, one of each kind; 10% if none is set.").StringsVar(&f.critical)
	app.Flag("config.file", "File that lists many merchants.").StringVar(&f.configFile)
	app.Flag("demo", "Ask an in-process simulated hub with invented merchants; needs no credentials.").BoolVar(&f.demo)
}

func (f *flags) logging(app *kingpin.Application) {
	app.Flag("log.level", "Only log messages of this severity or above: debug, info, warn, error.").
		Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of log lines: logfmt or json.").
		Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
}

// serving defines the flags of the serve command.
func (f *flags) serving(serve *kingpin.CmdClause) {
	f.web = kingpinflag.AddFlags(serve, ":10911")
	serve.Flag("config.check", "Validate the configuration, print what would run with secrets hidden, and exit.").
		BoolVar(&f.configCheck)
	serve.Flag("web.telemetry-path", "Path under which to expose metrics.").
		Default("/metrics").StringVar(&f.telemetryPath)
	serve.Flag("web.timeout-offset", "Time to take off Prometheus' scrape time-out, so that the answer arrives before it.").
		Default("500ms").DurationVar(&f.timeoutOffset)
	serve.Flag("web.max-requests", "How many scrapes, probes and pages are answered at once.").
		Default("40").IntVar(&f.maxRequests)
	serve.Flag("web.enable-lifecycle", "Enable reload over HTTP: POST /-/reload.").
		BoolVar(&f.lifecycle)
	serve.Flag("web.disable-exporter-metrics", "Leave out metrics about the exporter itself (go_*, process_*, promhttp_*).").
		BoolVar(&f.withoutExporter)
	serve.Flag("web.sd-address", "Address that /sd names as every target, where this exporter is behind a proxy; by default the one that /sd was asked under.").
		StringVar(&f.sdAddress)
}

// speaking defines the flag of a command that tells people something.
func (f *flags) speaking(command *kingpin.CmdClause) {
	command.Flag("lang", "Language of what is printed for people: en or ko; by default the terminal's (LC_ALL, LC_MESSAGES, LANG).").
		EnumVar(&f.lang, string(lang.English), string(lang.Korean))
}

// language is the one that the flag names, else the one of the terminal.
func (p *program) language() lang.Language {
	if language, ok := lang.Parse(p.flags.lang); ok {
		return language
	}
	return lang.OfLocale(p.Getenv)
}

// simulating defines the flags of the simulate command.
func (f *flags) simulating(simulate *kingpin.CmdClause) {
	simulate.Flag("simulate.listen-address", "Address that the simulated hub listens on.").
		Default("127.0.0.1:10912").StringVar(&f.simulateAddress)
	simulate.Flag("simulate.scenario", "Drill to play: "+strings.Join(drillNames(), ", ")+", or a file (docs/drills.md); by default the demo's merchants.").
		StringVar(&f.simulateScenario)
	simulate.Flag("simulate.speed", "How many times as fast as the world the drill passes.").
		Default("1").IntVar(&f.simulateSpeed)
	simulate.Flag("simulate.config-dir", "Directory to write merchants.yml and key files to, for the exporter under drill.").
		StringVar(&f.simulateConfigDir)
	simulate.Flag("simulate.cust-key-file", "File with the key that simulated merchants have where the drill names none.").
		StringVar(&f.simulateKeyFile)
	simulate.Flag("simulate.fault", "Fault that all merchants meet from the start, such as hang, status=503 or result=T0310.").
		StringVar(&f.simulateFault)
}

// validate refuses values that no flag type can refuse.
func (f *flags) validate() error {
	var faults []error
	if f.timeout <= 0 || f.timeout > time.Minute {
		faults = append(faults, fmt.Errorf("--payple.timeout %s: want above 0 and up to 1m", f.timeout))
	}
	if f.maxAge < 0 {
		faults = append(faults, fmt.Errorf("--payple.max-age %s: want 0 or more", f.maxAge))
	}
	if f.referer != "" && !isReferer(f.referer) {
		faults = append(faults, errors.New("--payple.referer: want the address that Payple told you, such as https://shop.example, "+
			"without spaces, line breaks, # and a name or password"))
	}
	if f.maxConcurrency < 1 {
		faults = append(faults, fmt.Errorf("--payple.max-concurrency %d: want at least 1", f.maxConcurrency))
	}
	if !(f.maxRequestsPerSecond >= 0) {
		faults = append(faults, fmt.Errorf("--payple.max-requests-per-second %v: want 0 or more", f.maxRequestsPerSecond))
	}
	return errors.Join(faults...)
}

// isReferer tells whether a text can be sent as the header Referer. With a line
// break from the file that it was read from, say, no request would leave.
func isReferer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' })
}

// validateServing refuses what only the serve command knows.
func (f *flags) validateServing(ctx context.Context) error {
	faults := f.validateAddresses(ctx)
	if f.timeoutOffset < 0 {
		faults = append(faults, fmt.Errorf("--web.timeout-offset %s: want 0 or more", f.timeoutOffset))
	}
	if f.maxRequests < 1 {
		faults = append(faults, fmt.Errorf("--web.max-requests %d: want at least 1", f.maxRequests))
	}
	if !web.FreePath(f.telemetryPath) {
		faults = append(faults, fmt.Errorf(
			"--web.telemetry-path %q: want a path such as /metrics, without //, .. and characters such as %% or :, and other than the exporter's own", f.telemetryPath))
	}
	if f.sdAddress != "" && !web.IsTarget(f.sdAddress) {
		faults = append(faults, fmt.Errorf("--web.sd-address %q: want a host with or without a port, such as exporter.example:443", f.sdAddress))
	}
	if err := toolkit.Validate(*f.web.WebConfigFile); err != nil {
		faults = append(faults, fmt.Errorf("--web.config.file: %w", err))
	}
	return errors.Join(faults...)
}

// validateAddresses refuses what nobody can listen on.
func (f *flags) validateAddresses(ctx context.Context) (faults []error) {
	if f.web.WebSystemdSocket != nil && *f.web.WebSystemdSocket {
		return nil // systemd listens, and the addresses are not used
	}
	for _, address := range *f.web.WebListenAddresses {
		if err := canListen(ctx, address); err != nil {
			faults = append(faults, fmt.Errorf("--web.listen-address %q: %w", address, err))
		}
	}
	return faults
}

// defaults returns what holds where a merchants file says nothing.
func (f *flags) defaults() (config.Defaults, error) {
	address, err := config.ParseHub(f.hub)
	if err != nil {
		return config.Defaults{}, fmt.Errorf("--payple.%w", err)
	}
	levels, err := config.ParseLevels(f.warning, f.critical, config.DefaultLevels())
	if err != nil {
		return config.Defaults{}, fmt.Errorf("--threshold: %w", err)
	}
	if err := config.CheckMinInterval(f.minInterval); err != nil {
		return config.Defaults{}, fmt.Errorf("--payple.min-interval: %w", err)
	}
	return config.Defaults{Hub: address, MinInterval: f.minInterval, Thresholds: levels, KeysUnread: f.keysUnread}, nil
}
