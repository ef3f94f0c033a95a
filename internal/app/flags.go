package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"

	"payple_exporter/hub"
	"payple_exporter/internal/config"
	"payple_exporter/internal/lang"
)

const (
	appName            = "payple_exporter"
	commandServe       = "serve"
	commandCheck       = "check"
	commandExport      = "export"
	commandHealthcheck = "healthcheck"
	commandSimulate    = "simulate"
)

// program is a parsed command line: what to do, and all that it needs. Each
// command has its flags beside it.
type program struct {
	Options

	merchants   merchantFlags
	log         logFlags
	loggers     loggers // as the flags want them
	serving     serveFlags
	checking    checkFlags
	exporting   exportFlags
	simulating  simulateFlags
	healthcheck healthcheckFlags

	// mistakes are those of the command line and of the environment so far.
	mistakes []error
	// variables are those of all flags, and given is what flags were given, in
	// either way.
	variables []string
	given     map[string]string
	// defaults hold where a merchants file says nothing.
	defaults config.Defaults

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
	args = wholeWords(args)
	if len(args) > 0 && args[0] != "help" && !strings.HasPrefix(args[0], "--completion") {
		line := newCommandLine(app.Model())
		line.read(args)
		args, p.mistakes, p.command = line.args(), line.mistakes, line.command
	}
	name, err := app.Parse(args)
	if answered && len(p.mistakes) == 0 {
		return p, nil
	}
	if err != nil {
		p.mistakes = append(p.mistakes, fmt.Errorf("%w, try --help", err))
		return nil, p.refused()
	}
	p.command, p.execute = name, commands[name]
	return p, nil
}

// refused returns all mistakes so far and others as one error; nil if there is
// none.
func (p *program) refused(others ...error) error {
	err := errors.Join(append(p.mistakes, others...)...)
	if err == nil || p.command == commandHealthcheck {
		// Healthy or not: Docker, for one, knows 0 and 1, and reserves 2.
		return err
	}
	return usageError{err}
}

// reloads reports whether the command is one that reloads its configuration.
func (p *program) reloads() bool { return p.command == commandServe && !p.serving.configCheck }

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
	p.given = make(map[string]string)
	app := kingpin.New(appName, "Exposes how much a Payple partner may still pay out as Prometheus metrics.")
	app.HelpFlag.Short('h')
	app.Version(version.Print(appName))
	app.VersionFlag.Short('v')
	kingpins := app.Model().Flags
	for _, flag := range kingpins {
		p.variables = append(p.variables, envar(flag.Name)) // which do nothing, as said below
	}
	app.UsageWriter(p.Stdout)
	app.ErrorWriter(p.Stderr)
	p.merchants.define(app)
	p.log.define(app)

	serve := app.Command(commandServe, "Serve metrics. This is what happens without a command.").Default()
	p.serving.define(serve)
	check := app.Command(commandCheck, "Ask the hub once for each merchant and print, step by step, what was tried and what it says.")
	p.checking.define(check)
	export := app.Command(commandExport, "Print what the program carries for Prometheus, Alertmanager, Grafana and people, or write it to files.")
	p.exporting.define(export)
	simulate := app.Command(commandSimulate, "Run the simulated hub alone, for drills.")
	p.simulating.define(simulate)
	health := app.Command(commandHealthcheck, "Ask the running exporter whether it is healthy, for images without a shell.")
	p.healthcheck.define(health)

	// What asks for help, the version or completion is for a command line alone:
	// in the environment, PAYPLE_EXPORTER_VERSION is some deployment's note of
	// what it deploys.
	for _, flag := range app.Model().Flags[len(kingpins):] {
		p.takeAll(app.GetFlag(flag.Name))
	}
	for _, command := range []*kingpin.CmdClause{serve, check, export, simulate, health} {
		for _, flag := range command.Model().Flags {
			p.takeAll(command.GetFlag(flag.Name))
		}
		for _, arg := range command.Model().Args {
			command.GetArg(arg.Name).SetValue(takenValue{arg.Value, nil, func(text, want string) {
				if want != "" {
					p.mistakes = append(p.mistakes, fmt.Errorf("%s %s: %s", arg.Name, hub.Quote(text), want))
				}
			}})
		}
	}
	return app, map[string]action{
		serve.FullCommand(): p.serve, check.FullCommand(): p.check, export.FullCommand(): p.export,
		simulate.FullCommand(): p.simulate, health.FullCommand(): p.checkHealth,
	}
}

// Model describes all commands and flags, for documents.
func Model() *kingpin.ApplicationModel {
	app, _ := (&program{Options: Options{Stdout: io.Discard, Stderr: io.Discard}}).define()
	return app.Model()
}

// languageFlag is the flag of a command that prints something for people.
type languageFlag struct{ name string }

func (f *languageFlag) define(command *kingpin.CmdClause) {
	command.Flag("lang", "Language of what is printed for people: en or ko; by default the terminal's (LC_ALL, LC_MESSAGES, LANG).").
		EnumVar(&f.name, string(lang.English), string(lang.Korean))
}

// language returns the one that the flag names, else the one of the terminal.
func (f *languageFlag) language(getenv func(string) string) lang.Language {
	if language, ok := lang.Parse(f.name); ok {
		return language
	}
	return lang.OfLocale(getenv)
}
