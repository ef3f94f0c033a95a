package docs

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"payple_exporter/collector"
	"payple_exporter/hub"
	"payple_exporter/internal/advice"
	"payple_exporter/internal/app"
	"payple_exporter/internal/config"
	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/golden"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
)

var update = flag.Bool("update", false, "write generated documents anew")

// Documents are named as the repository does.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// docs/metrics.md and docs/configuration.md are written from the code, and
// current. To write them again: go test ./docs -run TestDocs -update

const generated = "<!-- Generated from the code by `go test ./docs -run TestDocs -update`; edit docs/reference_test.go, or the help texts in the code. -->\n\n"

func TestDocsOfMetricsAreCurrent(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "docs/metrics.md", metricsDocument(t), *update)
}

func TestDocsOfConfigurationAreCurrent(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "docs/configuration.md", configurationDocument(t), *update)
}

// list writes a Markdown list: what is told of, in brackets what there is between, and
// what is told.
func list(out *strings.Builder, rows [][]string) {
	for _, row := range rows {
		last := len(row) - 1
		out.WriteString("- " + row[0])
		if between := strings.Join(slices.DeleteFunc(slices.Clone(row[1:last]), func(text string) bool { return text == "" }), ", "); between != "" {
			out.WriteString(" (" + between + ")")
		}
		out.WriteString(": " + row[last] + "\n")
	}
	out.WriteString("\n")
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func codes[T any](texts []T) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = code(fmt.Sprint(text))
	}
	return strings.Join(all, ", ")
}

// scraped returns the metric families of a demo's whole exposition.
func scraped(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	demo := harness.Handler(t, time.Now, "--demo", "--web.external-url=http://exporter.example")
	var body string
	for range 2 { // from the second on, all that can be there is
		recorder := httptest.NewRecorder()
		demo.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		body = recorder.Body.String()
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families := must.Get(parser.TextToMetricFamilies(strings.NewReader(body)))(t)
	return families
}

// labelNames returns the names of all labels in a family.
func labelNames(family *dto.MetricFamily) []string {
	names := make(map[string]bool)
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			names[label.GetName()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// besides tells of the labels besides the merchant's.
func besides(labels []string) string {
	if labels = slices.DeleteFunc(slices.Clone(labels), func(label string) bool { return label == "merchant" }); len(labels) > 0 {
		return " By " + codes(labels) + "."
	}
	return ""
}

func metricsDocument(t *testing.T) string {
	t.Helper()
	families := scraped(t)
	var out strings.Builder
	out.WriteString(generated + "# Metrics\n\nAmounts are Korean won, whole numbers. Nothing is ever shown as 0 or NaN because it is unknown: a series is absent then. Samples have no timestamps of their own.\n\n" +
		"## Merchants\n\nOn `/metrics` for all merchants, on `/probe?merchant=NAME` for one; by `merchant`, but for the settings.\n\n")
	var rows [][]string
	for _, m := range collector.Metrics() {
		family := families[m.Name]
		if family == nil {
			if strings.HasPrefix(m.Name, "payple_transfer_threshold_") { // the demo has shares alone
				rows = append(rows, []string{code(m.Name), "gauge", m.Help + besides(m.Labels)})
				continue
			}
			t.Fatalf("the demo does not show %s", m.Name)
		}
		rows = append(rows, []string{code(m.Name), strings.ToLower(family.GetType().String()), family.GetHelp() + besides(m.Labels)})
	}
	list(&out, rows)

	out.WriteString("## Requests to the hub, and the exporter\n\nOn `/metrics` only; `/metrics?collect[]=exporter` shows these alone and asks the hub for nothing.\n\n")
	rows = nil
	for _, name := range slices.Sorted(maps.Keys(families)) {
		known := slices.ContainsFunc(collector.Metrics(), func(m collector.Metric) bool { return m.Name == name })
		if known || !strings.HasPrefix(name, "payple_") {
			continue
		}
		family := families[name]
		kind := strings.ToLower(family.GetType().String())
		if kind == "histogram" {
			kind = "histogram, classic and native"
		}
		help := family.GetHelp()
		if labels := labelNames(family); len(labels) < 4 { // those of the build's are told of there
			help += besides(labels)
		}
		rows = append(rows, []string{code(name), kind, help})
	}
	list(&out, rows)
	out.WriteString("Besides, unless `--web.disable-exporter-metrics` is set: `go_*` and `process_*` of the Go runtime and the process, and `promhttp_*` of the metrics page.\n\n")

	out.WriteString("## Values of labels\n\n")
	list(&out, [][]string{
		{code("merchant"), "names of the configuration; the partner id where none is set"},
		{code("cause"), codes(collector.Causes()) + ": asked too recently, backing off after failures, joined a query under way, or not answered before the scrape's deadline"},
		{code("severity"), codes(config.Severities())},
		{code("endpoint"), codes(hub.Endpoints())},
		{code("result"), "one letter and four digits; at most 50 different, then `other`"},
	})
	out.WriteString("No label ever holds a secret, free text, or an amount.\n\n")

	out.WriteString("## Reasons of failure\n\n`payple_failure` and `payple_hub_request_failures_total` name one of these; the log, the page and `payple_exporter check` say the same with the hub's result code.\n\n")
	rows = nil
	for _, reason := range hub.Reasons() {
		failure := &hub.Error{Reason: reason}
		rows = append(rows, []string{code(string(reason)), advice.Problem(failure).English, advice.Action(failure).English})
	}
	list(&out, rows)
	forbidden := &hub.Error{Reason: hub.ReasonAuth, Status: http.StatusForbidden}
	out.WriteString("`auth` with HTTP 403 and no result code: " + advice.Action(forbidden).English + ".\n\n")

	out.WriteString("## Paths\n\n")
	list(&out, [][]string{
		{code("/"), "page for people: every merchant, its figures and state"},
		{code("/metrics"), "all merchants and the exporter itself; another path with `--web.telemetry-path`"},
		{code("/probe?merchant=NAME"), "that merchant alone; 400 without a name, 404 for an unknown one"},
		{code("/sd"), "HTTP service discovery: one target for each merchant"},
		{code("/status.json") + ", " + code("/status.json?merchant=NAME"), "the page for programs, below; 200 where all is well, else 503; 404 for an unknown merchant"},
		{code("/runbooks/") + ", " + code("/runbooks/ALERT"), "what to do about each alert, for people; `?lang=en` or `ko`"},
		{code("/-/healthy") + ", " + code("/-/ready"), "200 while the exporter runs, whatever the hub does"},
		{code("/-/reload"), "POST, with `--web.enable-lifecycle`: reads the configuration anew; 200 only if it is in force"},
	})
	statusDocument(&out)
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// statusDocument describes /status.json.
func statusDocument(out *strings.Builder) {
	out.WriteString("## /status.json\n\nFor outside monitors, chat bots, and the line before a batch:\n\n" +
		"```sh\ncurl -fsS 'http://localhost:10911/status.json?merchant=main-store' && ./pay-out   # -f: a 503 fails, and nothing is paid out\n```\n\n" +
		"It asks the hub by the same rules as a scrape, and waits for it up to `--payple.timeout`.\n\n")
	fields := func(shape reflect.Type, prefix string) (rows [][]string) {
		for field := range shape.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			rows = append(rows, []string{code(prefix + name), field.Tag.Get("help")})
		}
		return rows
	}
	list(out, append(fields(reflect.TypeFor[statuspage.Status](), ""), fields(reflect.TypeFor[statuspage.MerchantStatus](), "merchants[].")...))
	var rows [][]string
	for _, state := range statuspage.States() {
		rows = append(rows, []string{code(state.Name), state.Meaning})
	}
	list(out, rows)
}

// flagRows are the rows of a table of flags, without those that a table before has
// with the same words, whose names it returns.
func flagRows(flags []*kingpin.FlagModel, before map[string]string) (rows [][]string, again []string) {
	for _, flag := range flags {
		if flag.Hidden || strings.HasPrefix(flag.Name, "help") || strings.HasPrefix(flag.Name, "completion") || flag.Name == "version" {
			continue
		}
		if before[flag.Name] == flag.Help {
			again = append(again, "--"+flag.Name)
			continue
		}
		before[flag.Name] = flag.Help
		value := strings.Join(flag.Default, ", ")
		help := strings.TrimSuffix(flag.Help, ".") + "."
		if many, ok := flag.Value.(interface{ IsCumulative() bool }); ok && many.IsCumulative() && !strings.Contains(help, "epeatable") {
			help += " Repeatable."
		}
		if flag.Envar != "PAYPLE_EXPORTER_"+strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(flag.Name)) && flag.Envar != "" {
			help += " Environment: " + code(flag.Envar) + "."
		}
		rows = append(rows, []string{code("--" + flag.Name), code(value), help})
	}
	return rows, again
}

func configurationDocument(t *testing.T) string {
	t.Helper()
	whole := app.Model()
	var out strings.Builder
	out.WriteString(generated + "# Configuration\n\n[한국어](configuration.ko.md)\n\nFlags, or the environment; many merchants from a file. What is wrong is told in one line for each mistake, and nothing starts: exit code 2. " +
		"`payple_exporter --config.check` prints what would run, with secrets hidden.\n\n## Commands\n\n")
	exits := map[string]string{
		"serve": "0 after SIGTERM or SIGINT, 1 for a failure at run time, 2 for wrong usage or configuration",
		"check": "0 if all answered, 1 if one failed, 2 for wrong usage or configuration, 3 if one has less than `--min-remain`", "export": "0, 1 if it cannot be written, 2 for wrong usage", "simulate": "as serve", "healthcheck": "0 if healthy, else 1, for wrong usage too",
	}
	var rows [][]string
	for _, command := range whole.Commands {
		if command.Name != "help" {
			usage := "payple_exporter " + command.Name
			for _, arg := range command.Args {
				usage += " " + strings.ToUpper(arg.Name)
			}
			rows = append(rows, []string{code(usage), strings.TrimSuffix(command.Help, ".") + ". Exit code: " + exits[command.Name] + "."})
		}
	}
	list(&out, rows)

	before := make(map[string]string)
	out.WriteString("## Flags of all commands\n\nIn brackets are the defaults. Every flag can be set in the environment: `--web.max-requests` is `PAYPLE_EXPORTER_WEB_MAX_REQUESTS`. A flag goes before the environment; several values of a repeatable one stand one a line there.\n\n")
	rows, _ = flagRows(whole.Flags, before)
	list(&out, rows)
	for _, command := range whole.Commands {
		if command.Name != "help" {
			fmt.Fprintf(&out, "## Flags of %s\n\n", command.Name)
			for _, arg := range command.Args {
				fmt.Fprintf(&out, "%s: %s\n\n", strings.ToUpper(arg.Name), arg.Help)
			}
			rows, again := flagRows(command.Flags, before)
			if len(rows) > 0 {
				list(&out, rows)
			}
			if len(again) > 0 {
				fmt.Fprintf(&out, "As above: %s.\n\n", codes(again))
			}
		}
	}
	out.WriteString(environmentDocument)
	out.WriteString("## The merchants file\n\nYAML, named by `--config.file` ([an example](../README.md#many-merchants)). Keys never stand in it. `SIGHUP`, or POST `/-/reload` with `--web.enable-lifecycle`, reads it again; a file with a mistake changes nothing.\n\n")
	rows = nil
	for _, keys := range []struct {
		prefix string
		keys   []config.FileKey
	}{{"", config.TopKeys()}, {"merchants[].", config.MerchantKeys()}} {
		for _, key := range keys.keys {
			rows = append(rows, []string{code(keys.prefix + key.Name), key.Default, key.Help})
		}
	}
	list(&out, rows)
	out.WriteString(thresholdDocument + proxyDocument + completionDocument)
	return out.String()
}

const environmentDocument = `## What only the environment says

| variable | meaning |
|---|---|
| ` + "`PAYPLE_CUST_KEY`" + ` | the custKey itself, for the set-up with one merchant, never a flag, since every user of a machine can read those |
| ` + "`HTTPS_PROXY`, `NO_PROXY`" + ` | the proxy to the hub, such as ` + "`http://proxy.example:3128`" + `, and where not to use it; one that cannot be read is refused. ` + "`ALL_PROXY`" + ` is not used, which a warning tells of |
| ` + "`SSL_CERT_FILE`, `SSL_CERT_DIR`" + ` | CA certificates in place of the system's own file or directories, in PEM form. Read at the start and at each reload; one that is missing or holds none is refused |
| ` + "`LC_ALL`, `LC_MESSAGES`, `LANG`" + ` | language of what is printed for people, and of what the log says they must do, where no flag names one |

## Credentials that cannot be right

They are refused at the start, by ` + "`--config.check`" + `, at a reload and in ` + "`check`" + `, in one line without the key; a key file that goes bad later fails its merchant with the reason ` + "`config`" + `, and nothing of it is sent.

- A key with a byte order mark, a control or invisible character, of blanks alone, of several lines, or not UTF-8; a key file that is no regular file (links to one are fine).
- A partner id with a blank, a quote, ` + "`$`" + `, a control or invisible character.
- Two names, or two partner ids on one hub, that only look alike (blanks, NFC and NFD).

A key that begins or ends with a blank or a quote is taken, with a warning.

`

const thresholdDocument = `## Thresholds

| form | such as | low is |
|---|---|---|
| amount | ` + "`5000000`, `5,000,000`" + ` | less than so many won |
| share | ` + "`20%`" + ` | less than this share of ` + "`total_account_amt`" + ` |
| runway | ` + "`24h`, `1d`" + ` (units y, w, d, h, m, s) | at the present pace, nothing is left before that |
| need | ` + "`1.2x`" + ` | less than so many times what the coming 24 hours took last week; judged by Prometheus, which remembers it ([alerts.md](alerts.md)) |

One of each kind for ` + "`warning` (a ticket) and for `critical`" + ` (a page); the first that is hit counts. The defaults, 24h and 4h, hold only for a severity for which none is set.

`

const proxyDocument = `## Behind a proxy

| the proxy | set | nginx | HAProxy |
|---|---|---|---|
| passes the path on | ` + "`--web.external-url=https://monitoring.example/payple`" + ` | ` + "`location /payple/ { proxy_pass http://127.0.0.1:10911; }`" + ` | ` + "`use_backend payple if { path_beg /payple/ }`" + ` |
| takes the path off | that and ` + "`--web.route-prefix=/`" + ` | ` + "`location /payple/ { proxy_pass http://127.0.0.1:10911/; }`" + ` | that, and in the backend ` + "`http-request set-path %[path,regsub(^/payple/,/)]`" + ` |

` + "`/sd`" + ` names the external address. Where Prometheus goes around the proxy, ` + "`--web.sd-address`" + ` says where. ` + "`healthcheck`" + ` wants the same two flags, or the environment.

`

const completionDocument = "## Shell completion\n\n```sh\n" + `eval "$(payple_exporter --completion-script-bash)"   # in ~/.bashrc
eval "$(payple_exporter --completion-script-zsh)"    # in ~/.zshrc, after compinit
` + "```\n"

// Every reason and every cause that the code knows is told of, and every flag
// of every command's help; every reason in a runbook, too.
func TestDocsAreComplete(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, path := range []string{"docs/metrics.md", "docs/configuration.md"} {
		text.WriteString(must.Read(t, path))
	}
	names := []string{
		collector.NameBuildInfo, config.NameLoadSuccessful, config.NameLoadTime,
		collector.NameHubRequests, collector.NameHubRequestFailures, collector.NameHubRequestDuration, collector.NameHubResults,
	}
	for _, metric := range collector.Metrics() {
		names = append(names, metric.Name)
	}
	runbook := must.Read(t, "docs/runbooks/PaypleTransferLimitUnknown.md")
	for _, reason := range hub.Reasons() {
		names = append(names, string(reason))
		if !strings.Contains(runbook, code(string(reason))) {
			t.Errorf("no runbook speaks of %s", reason)
		}
	}
	for _, cause := range collector.Causes() {
		names = append(names, cause.String())
	}
	for flag := range knownFlags(t) {
		if !strings.HasPrefix(flag, "--help") && flag != "--version" {
			names = append(names, flag)
		}
	}
	for _, name := range names {
		if !strings.Contains(text.String(), "`"+name+"`") {
			t.Errorf("no word of %s", name)
		}
	}
}

// knownFlags are the flags of all commands, by their help.
func knownFlags(t *testing.T) map[string]bool {
	t.Helper()
	known := make(map[string]bool)
	for _, command := range []string{"serve", "check", "export", "simulate", "healthcheck"} {
		for _, flag := range regexp.MustCompile(`--(?:\[no-\])?[a-z][a-z.-]+[a-z]`).FindAllString(help(t, command), -1) {
			known[strings.Replace(flag, "[no-]", "", 1)] = true
		}
	}
	return known
}
