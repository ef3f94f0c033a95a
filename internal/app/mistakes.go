package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"payple_exporter/hub"
)

// envPrefix begins the variables of this program.
const envPrefix = "PAYPLE_EXPORTER_"

// envar returns the environment variable of a flag.
func envar(flag string) string {
	name := strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(flag))
	switch flag {
	case "payple.cst-id", "payple.cust-key-file", "payple.hub":
		return name
	}
	return envPrefix + name
}

// named names a flag and its variable: the mistake may be in either.
func named(flag string) string { return fmt.Sprintf("--%s (%s)", flag, envar(flag)) }

// wrong returns the mistake that a flag has this value, and says what is wanted.
func wrong(flag string, value any, want string) error {
	return fmt.Errorf("%s %s: %s", named(flag), hub.Quote(fmt.Sprint(value)), want)
}

// refuse returns that mistake where the value is wrong.
func refuse(is bool, flag string, value any, want string) error {
	if !is {
		return nil
	}
	return wrong(flag, value, want)
}

// wrongFile says what is wrong with the file that a flag names, or with what is
// in it; but not its name where that may be a custKey.
func wrongFile(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok && !filepath.IsAbs(at.Path) && hub.MayHoldKey(at.Path) {
		return fmt.Errorf("%w (%w)", at.Err, hub.ErrNameNotShown)
	}
	return err
}

// takenValue is the value of a flag or an argument that takes any text: a wrong
// one is a mistake to be told with all the others, and leaves the default.
type takenValue struct {
	kingpin.Value

	standard []string
	note     func(text, want string) // want: what it should have been, if it is wrong
}

// Set implements [kingpin.Value].
func (v takenValue) Set(text string) error {
	want := ""
	if err := v.Value.Set(text); err != nil {
		want = v.want(err)
		for _, text := range v.standard {
			_ = v.Value.Set(text) // a default is never wrong
		}
	}
	v.note(text, want)
	return nil
}

// want says what the value should have been, which libraries' errors do not, or
// along with the value itself.
func (v takenValue) want(err error) string {
	if getter, ok := v.Value.(kingpin.Getter); ok {
		switch getter.Get().(type) {
		case time.Duration:
			return "want a duration such as 5s"
		case bool:
			return "want true or false"
		case int:
			return "want a whole number such as 40"
		case float64:
			return "want a number such as 20"
		}
	}
	if _, options, found := strings.Cut(err.Error(), "enum value must be one of "); found {
		options, _, _ = strings.Cut(options, ", got")
		return "want one of " + strings.ReplaceAll(options, ",", ", ")
	}
	_, want, _ := strings.Cut(err.Error(), ": ")
	return want
}

// IsBoolFlag tells kingpin of a switch.
func (v takenValue) IsBoolFlag() bool { return isSwitch(v.Value) }

// IsCumulative tells kingpin of a flag that may be repeated.
func (v takenValue) IsCumulative() bool { return isRepeatable(v.Value) }

func isSwitch(value kingpin.Value) bool {
	flag, ok := value.(interface{ IsBoolFlag() bool })
	return ok && flag.IsBoolFlag()
}

func isRepeatable(value kingpin.Value) bool {
	repeats, ok := value.(interface{ IsCumulative() bool })
	return ok && repeats.IsCumulative()
}

// takeAll has a flag take any text, from its variable too.
func (p *program) takeAll(flag *kingpin.FlagClause) {
	model := flag.Model()
	if isSwitch(model.Value) {
		flag.Default("false")
	}
	p.variables = append(p.variables, envar(model.Name))
	p.given[model.Name] = ""
	flag.Envar(envar(model.Name)).SetValue(takenValue{model.Value, model.Default, func(text, want string) {
		if p.given[model.Name] += text; want != "" {
			p.mistakes = append(p.mistakes, wrong(model.Name, text, want))
		}
	}})
}

// commandLine reads a command line down to what kingpin cannot fail at, which
// gives up at its first mistake, and shows it.
type commandLine struct {
	flags    map[string]*kingpin.FlagModel
	of       map[string][]string // the commands of each flag; none: all of them
	commands map[string]*kingpin.CmdModel

	command  string
	taken    []string // flags, one element each
	others   []string // what is neither a flag nor a command
	mistakes []error
}

func newCommandLine(model *kingpin.ApplicationModel) *commandLine {
	l := &commandLine{flags: make(map[string]*kingpin.FlagModel), of: make(map[string][]string), commands: make(map[string]*kingpin.CmdModel)}
	for _, flag := range model.Flags {
		l.flags[flag.Name] = flag
	}
	for _, command := range model.Commands {
		l.commands[command.Name] = command
		for _, flag := range command.Flags {
			l.flags[flag.Name], l.of[flag.Name] = flag, append(l.of[flag.Name], command.Name)
		}
	}
	return l
}

// read reads a whole command line.
func (l *commandLine) read(args []string) {
	args = l.expand(args)
	seen := make(map[string]bool)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		text, isFlag := strings.CutPrefix(arg, "--")
		switch {
		case arg == "-h", arg == "-v":
			l.taken = append(l.taken, arg)
		case text == "" && isFlag:
			l.others, args = append(l.others, args...), nil
		case isFlag:
			args = l.flag(text, args, seen)
		case l.commands[arg] != nil && l.command == "":
			l.command = arg
		default:
			l.others = append(l.others, arg)
		}
	}
	l.checkPlaces(seen)
}

// expand puts the lines of a file in the place of @file, as kingpin does.
func (l *commandLine) expand(args []string) (expanded []string) {
	for _, arg := range args {
		file, found := strings.CutPrefix(arg, "@")
		if !found {
			expanded = append(expanded, arg)
			continue
		}
		lines, err := kingpin.ExpandArgsFromFile(file)
		if err != nil {
			l.mistakes = append(l.mistakes, fmt.Errorf("@%s: want a file of arguments that can be read", strings.Trim(hub.Quote(file), `"`)))
		}
		expanded = append(expanded, lines...)
	}
	return expanded
}

// flag reads one flag and returns the arguments behind it and its value.
func (l *commandLine) flag(text string, rest []string, seen map[string]bool) []string {
	name, value, whole := strings.Cut(text, "=")
	flag := l.find(name)
	switch {
	case flag == nil:
		l.mistakes = append(l.mistakes, l.unknown(name))
		if !whole && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && l.commands[rest[0]] == nil {
			return rest[1:] // its value, most likely
		}
		return rest
	case isSwitch(flag.Value):
		if whole {
			l.mistakes = append(l.mistakes, wrong(flag.Name, value, "want no value behind a switch: write "+l.switched(flag.Name, value)))
			return rest
		}
	case !whole && (len(rest) == 0 || strings.HasPrefix(rest[0], "--")):
		l.mistakes = append(l.mistakes, fmt.Errorf("%s: want a value", named(name)))
		return rest
	case !whole:
		text, rest = name+"="+rest[0], rest[1:]
	}
	if seen[flag.Name] && !isRepeatable(flag.Value) {
		l.mistakes = append(l.mistakes, fmt.Errorf("%s: it stands there twice: keep one", named(flag.Name)))
		return rest
	}
	seen[flag.Name] = true
	l.taken = append(l.taken, "--"+text)
	return rest
}

// find returns the flag of a name, or of a switch's name behind no-; nil if there is none.
func (l *commandLine) find(name string) *kingpin.FlagModel {
	if flag := l.flags[name]; flag != nil {
		return flag
	}
	on, negated := strings.CutPrefix(name, "no-")
	if flag := l.flags[on]; negated && flag != nil && isSwitch(flag.Value) {
		return flag
	}
	return nil
}

// switched is how a switch is set to a value that was written behind it.
func (l *commandLine) switched(name, value string) string {
	switch strings.ToLower(value) {
	case "true", "on", "yes", "1", "t", "y":
		return "--" + name
	case "false", "off", "no", "0", "f", "n":
		return "--no-" + name
	}
	return "--" + name + " or --no-" + name
}

// unknown is the mistake of a flag that is none.
func (l *commandLine) unknown(name string) error {
	if hub.MayHoldKey(name) {
		return errors.New("a flag that is none (not shown, since a custKey may be in it): see --help")
	}
	var names []string
	for flag, model := range l.flags {
		if !model.Hidden {
			names = append(names, flag)
		}
	}
	if near, found := nearest(name, names); found {
		return fmt.Errorf("--%s: no such flag: did you mean --%s?", name, near)
	}
	return fmt.Errorf("--%s: no such flag: see --help", name)
}

// checkPlaces notes flags of other commands than the one that is run, and
// arguments that it does not take.
func (l *commandLine) checkPlaces(seen map[string]bool) {
	command := cmp.Or(l.command, commandServe)
	for _, flag := range slices.Sorted(maps.Keys(seen)) {
		if of := l.of[flag]; len(of) > 0 && !slices.Contains(of, command) {
			l.mistakes = append(l.mistakes, fmt.Errorf("%s: it belongs to %s, not to %s", named(flag), strings.Join(of, " and "), command))
			l.taken = slices.DeleteFunc(l.taken, func(arg string) bool {
				name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "--no-"), "--"), "=")
				return name == flag
			})
		}
	}
	wanted := len(l.commands[command].Args)
	for i, text := range l.others {
		if i >= wanted {
			l.mistakes = append(l.mistakes, fmt.Errorf("unexpected %s: see --help", hub.Quote(text)))
		}
	}
	l.others = l.others[:min(wanted, len(l.others))]
}

// args returns what is left for kingpin.
func (l *commandLine) args() []string {
	if l.command == "" {
		return l.taken
	}
	return slices.Concat([]string{l.command}, l.taken, l.others)
}

// fromKubernetes matches the variables that Kubernetes sets for a service whose
// name begins with payple-exporter.
var fromKubernetes = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$`)

// unknownVariables tells, a line each, of variables that look like this
// program's and are none.
func (p *program) unknownVariables() (warnings []string) {
	if p.Environ == nil {
		return nil
	}
	for _, variable := range p.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) || slices.Contains(p.variables, name) || fromKubernetes.MatchString(name) {
			continue
		}
		warning := fmt.Sprintf("the environment variable %s is none of %s's", strings.Trim(hub.Quote(name), `"`), appName)
		if near, found := nearest(name, append(p.variables, custKeyEnv)); found {
			warning += ": did you mean " + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest returns the name that somebody may have meant, if there is one. What
// most names begin with may have been left out.
func nearest(name string, names []string) (near string, found bool) {
	beginning := regexp.MustCompile(`^(?:PAYPLE_(?:EXPORTER_)?(?:PAYPLE_)?|payple\.|web\.|config\.|simulate\.)`)
	name = beginning.ReplaceAllString(name, "")
	least := len(name)/3 + 1
	for _, other := range slices.Sorted(slices.Values(names)) {
		if d := distance(name, beginning.ReplaceAllString(other, "")); d < least {
			near, least = other, d
		}
	}
	return near, near != ""
}

// distance returns how many letters have to be put in, taken out or replaced to
// make one text of the other (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
