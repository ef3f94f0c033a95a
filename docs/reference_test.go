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

// table writes a Markdown table.
func table(out *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`)
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
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

func metricsDocument(t *testing.T) string {
	t.Helper()
	families := scraped(t)
	var out strings.Builder
	out.WriteString(generated + "# Metrics\n\nAmounts are Korean won, whole numbers. Nothing is ever shown as 0 or NaN because it is unknown: a series is absent then. Samples have no timestamps of their own.\n\n" +
		"## Merchants\n\nOn `/metrics` for all merchants, on `/probe?merchant=NAME` for one.\n\n")
	var rows [][]string
	for _, m := range collector.Metrics() {
		family := families[m.Name]
		if family == nil {
			if strings.HasPrefix(m.Name, "payple_transfer_threshold_") { // the demo has shares alone
				rows = append(rows, []string{code(m.Name), "gauge", codes(m.Labels), m.Help})
				continue
			}
			t.Fatalf("the demo does not show %s", m.Name)
		}
		rows = append(rows, []string{code(m.Name), strings.ToLower(family.GetType().String()), codes(m.Labels), family.GetHelp()})
	}
	table(&out, []string{"metric", "type", "labels", "meaning"}, rows)

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
		rows = append(rows, []string{code(name), kind, codes(labelNames(family)), family.GetHelp()})
	}
	table(&out, []string{"metric", "type", "labels", "meaning"}, rows)
	out.WriteString("Besides, unless `--web.disable-exporter-metrics` is set: `go_*` and `process_*` of the Go runtime and the process, and `promhttp_*` of the metrics page.\n\n")

	out.WriteString("## Values of labels\n\n")
	table(&out, []string{"label", "values"}, [][]string{
		{code("merchant"), "names of the configuration; the partner id where none is set"},
		{code("cst_id"), "the partner id"},
		{code("hub"), "`real`, `test`, `demo`, or the hub's host"},
		{code("reason"), "one of the list below"},
		{code("cause"), codes(collector.Causes()) + ": asked too recently, backing off after failures, joined a query under way, or not answered before the scrape's deadline"},
		{code("severity"), codes(config.Severities())},
		{code("endpoint"), codes(hub.Endpoints())},
		{code("result"), "the hub's result code, one letter and four digits; at most 50 different, then `other`, as is one of another form"},
	})
	out.WriteString("No label ever holds a secret, free text, or an amount.\n\n")

	out.WriteString("## Reasons of failure\n\n`payple_failure` and `payple_hub_request_failures_total` name one of these; the log, the page and `payple_exporter check` say the same with the hub's result code.\n\n")
	rows = nil
	for _, reason := range hub.Reasons() {
		failure := &hub.Error{Reason: reason}
		rows = append(rows, []string{code(string(reason)), advice.Problem(failure).English, advice.Action(failure).English})
	}
	table(&out, []string{"reason", "what happened", "what to do"}, rows)
	forbidden := &hub.Error{Reason: hub.ReasonAuth, Status: http.StatusForbidden}
	out.WriteString("`auth` with HTTP 403 and no result code: " + advice.Action(forbidden).English + ".\n\n")

	out.WriteString("## Paths\n\n")
	table(&out, []string{"path", "answers"}, [][]string{
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
		"It asks the hub by the same rules as a scrape and waits for it as long as a query may take (`--payple.timeout`). Texts for people are in the language of `?lang=` or `Accept-Language`.\n\n")
	fields := func(shape reflect.Type, prefix string) (rows [][]string) {
		for field := range shape.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			rows = append(rows, []string{code(prefix + name), field.Tag.Get("help")})
		}
		return rows
	}
	table(out, []string{"field", "is"}, append(fields(reflect.TypeFor[statuspage.Status](), ""), fields(reflect.TypeFor[statuspage.MerchantStatus](), "merchants[].")...))
	var rows [][]string
	for _, state := range statuspage.States() {
		rows = append(rows, []string{code(state.Name), state.Meaning})
	}
	table(out, []string{"state", "means"}, rows)
}

// flagRows are the rows of a table of flags.
func flagRows(flags []*kingpin.FlagModel) (rows [][]string) {
	for _, flag := range flags {
		if flag.Hidden || strings.HasPrefix(flag.Name, "help") || strings.HasPrefix(flag.Name, "completion") || flag.Name == "version" {
			continue
		}
		value := strings.Join(flag.Default, ", ")
		help := strings.TrimSuffix(flag.Help, ".") + "."
		if many, ok := flag.Value.(interface{ IsCumulative() bool }); ok && many.IsCumulative() && !strings.Contains(help, "epeatable") {
			help += " Repeatable."
		}
		rows = append(rows, []string{code("--" + flag.Name), code(flag.Envar), code(value), help})
	}
	return rows
}

func configurationDocument(t *testing.T) string {
	t.Helper()
	whole := app.Model()
	var out strings.Builder
	out.WriteString(generated + "# Configuration\n\nFlags, or the environment; many merchants from a file. What is wrong is told in one line for each mistake, and nothing starts: exit code 2. " +
		"`payple_exporter --config.check` validates all of it and prints what would run, with secrets hidden.\n\n## Commands\n\n")
	exits := map[string]string{
		"serve": "0 after SIGTERM or SIGINT, 1 for a failure at run time, 2 for wrong usage or configuration",
		"check": "0 if all answered, 1 if one failed, 2 for wrong usage or configuration", "export": "0, 1 if it cannot be written, 2 for wrong usage", "simulate": "as serve", "healthcheck": "0 if healthy, else 1, for wrong usage too",
	}
	var rows [][]string
	for _, command := range whole.Commands {
		if command.Name != "help" {
			usage := "payple_exporter " + command.Name
			for _, arg := range command.Args {
				usage += " " + strings.ToUpper(arg.Name)
			}
			rows = append(rows, []string{code(usage), command.Help, exits[command.Name]})
		}
	}
	table(&out, []string{"command", "does", "exit code"}, rows)

	head := []string{"flag", "environment", "default", "meaning"}
	out.WriteString("## Flags of all commands\n\nA flag goes before the environment. A repeatable flag takes several values from the environment one a line.\n\n")
	table(&out, head, flagRows(whole.Flags))
	for _, command := range whole.Commands {
		if command.Name != "help" {
			fmt.Fprintf(&out, "## Flags of %s\n\n", command.Name)
			for _, arg := range command.Args {
				fmt.Fprintf(&out, "%s: %s\n\n", strings.ToUpper(arg.Name), arg.Help)
			}
			table(&out, head, flagRows(command.Flags))
		}
	}
	out.WriteString(environmentDocument)
	out.WriteString("## The merchants file\n\nYAML, named by `--config.file`. Keys never stand in it. `SIGHUP`, or POST `/-/reload` with `--web.enable-lifecycle`, reads it anew; a file with a mistake changes nothing.\n\n")
	rows = nil
	for _, keys := range []struct {
		prefix string
		keys   []config.FileKey
	}{{"", config.TopKeys()}, {"merchants[].", config.MerchantKeys()}} {
		for _, key := range keys.keys {
			rows = append(rows, []string{code(keys.prefix + key.Name), key.Default, key.Help})
		}
	}
	table(&out, []string{"key", "default", "meaning"}, rows)
	example := must.Read(t, "internal/config/testdata/merchants.yml")
	fmt.Fprintf(&out, "```yaml\n%s```\n\n", strings.Replace(example, "partner1.custkey", "/run/secrets/partner1", 1))
	out.WriteString(thresholdDocument + proxyDocument + completionDocument)
	return out.String()
}

const environmentDocument = `## What only the environment says

| variable | meaning |
|---|---|
| ` + "`PAYPLE_CUST_KEY`" + ` | the custKey itself, for the set-up with one merchant, in one line of UTF-8 and less one trailing newline; never a flag, since every user of a machine can read those |
| ` + "`HTTPS_PROXY`, `NO_PROXY`" + ` | the proxy to the hub, such as ` + "`http://proxy.example:3128`" + `, and where not to use it; an address that cannot be read is refused, since the hub would be asked directly. ` + "`ALL_PROXY`" + ` is not used, which a warning tells of |
| ` + "`SSL_CERT_FILE`, `SSL_CERT_DIR`" + ` | other CA certificates than the system's: a file in PEM form, directories of such files. Each takes the place of the system's own file or directories. Read at the start and again at each reload, for new connections (the system's own once in the life of the process); one that is missing or holds no certificate is refused (an empty directory beside ` + "`SSL_CERT_FILE`" + ` is not: nothing but the file is trusted then) |
| ` + "`LC_ALL`, `LC_MESSAGES`, `LANG`" + ` | language of ` + "`check` and `simulate`" + `, where no flag names one |

## Credentials that cannot be right

A custKey or partner id that cannot be right would only be refused by Payple, again and again. It is refused here instead, at the start, by ` + "`--config.check`" + `, at a reload and in ` + "`check`" + `, in one line that names the file or variable and what is odd, without the key. A key file that goes bad while
the exporter runs fails its merchant with the reason ` + "`config`" + ` and the same words; nothing of it is sent.

| what | is |
|---|---|
| a key with a byte order mark, a control or invisible character (zero-width, no-break space, soft hyphen, marks of reading direction, Hangul filler), of blanks alone, of several lines, no UTF-8 | refused |
| a key file that is no regular file: a directory, a pipe, ` + "`<(…)`" + `. Links to regular files are fine, as Kubernetes makes them | refused |
| a partner id with a blank, a quote or ` + "`$`" + `, a control or invisible character | refused |
| a key that begins or ends with a blank or a quote | taken, with a warning; and told again if the hub answers T0300 |
| two names, or two partner ids on one hub, that differ only in blanks at the ends or in a row, or in how Hangul is written (NFC, NFD) | duplicates: refused |

`

const thresholdDocument = `## Thresholds

| form | such as | low is |
|---|---|---|
| amount | ` + "`5000000`, `5,000,000`" + ` | less than so many won |
| share | ` + "`20%`" + ` | less than this share of ` + "`total_account_amt`" + ` |
| runway | ` + "`24h`, `1d`" + ` (units y, w, d, h, m, s) | at the present pace, nothing is left before that |
| need | ` + "`1.2x`" + ` | less than so many times what the coming 24 hours took last week; judged by Prometheus, which remembers it ([alerts.md](alerts.md)) |

One of each kind for ` + "`warning` (a ticket) and for `critical`" + ` (a page); the first that is hit counts, exactly at a threshold is not below it. The defaults, 24h and 4h, hold only for a severity for which none is set.
If your totals grow for ever, prefer amounts and runway: a share of such a total means less every month.

`

const proxyDocument = `## Behind a proxy

Say where people and Prometheus reach the exporter; the page's links are relative and hold anywhere.

| the proxy | set | nginx | HAProxy |
|---|---|---|---|
| passes the path on | ` + "`--web.external-url=https://monitoring.example/payple`" + ` | ` + "`location /payple/ { proxy_pass http://127.0.0.1:10911; }`" + ` | ` + "`use_backend payple if { path_beg /payple/ }`" + ` |
| takes the path off | that and ` + "`--web.route-prefix=/`" + ` | ` + "`location /payple/ { proxy_pass http://127.0.0.1:10911/; }`" + ` | that, and in the backend ` + "`http-request set-path %[path,regsub(^/payple/,/)]`" + ` |

` + "`/sd`" + ` names the external address, its scheme and its path. Where Prometheus goes around the proxy, ` + "`--web.sd-address`" + ` says where: then without scheme, and with the route prefix as the path. ` + "`healthcheck`" + ` wants the same two flags, or the environment.

`

const completionDocument = `## Shell completion

` + "```sh" + `
eval "$(payple_exporter --completion-script-bash)"   # in ~/.bashrc
eval "$(payple_exporter --completion-script-zsh)"    # in ~/.zshrc, after compinit
` + "```" + `

It completes commands and flags. A package may write the scripts to files: they do not change with the machine.
`

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
