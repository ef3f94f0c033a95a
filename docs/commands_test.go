package docs

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/harness"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/stand"
)

// exporterScript is the exporter's stand-in: the exporter itself, but that it asks a
// simulated hub, and that what serves goes on in the background, on a port of its own,
// once it is ready.
const exporterScript = `#!/bin/bash -eu
case " $* " in *" --config.file="* | *" --demo "*) unset PAYPLE_CST_ID PAYPLE_CUST_KEY_FILE ;; esac
case " $* " in
*" --demo check "*) "$REAL" "$@" || exit $(($? - 1)); exit ;; # one of the demo's merchants is refused: 1
*" export "* | *" check "* | *" --completion-script-"*) exec "$REAL" "$@" ;;
*" simulate "*)
  # A drill ends where the next one begins.
  if test -f "$HOME/pids"; then kill $(cat "$HOME/pids") 2>/dev/null || true; rm "$HOME/pids"; fi
  while "$CURL" -fs "http://127.0.0.1:$SIMULATOR/simulator/" >/dev/null; do sleep 0.1; done
  port=$SIMULATOR; variable=PAYPLE_EXPORTER_SIMULATE_LISTEN_ADDRESS; path=simulator/ ;;
*) port=$((20000 + RANDOM % 10000)); variable=PAYPLE_EXPORTER_WEB_LISTEN_ADDRESS; path=-/ready ;;
esac
env "$variable=127.0.0.1:$port" "$REAL" "$@" >>"$HOME/log" 2>&1 </dev/null &
echo $! >>"$HOME/pids"
for _ in $(seq 100); do
  if "$CURL" -fs "http://127.0.0.1:$port/$path" >/dev/null; then exit; fi
  kill -0 $! || break
  sleep 0.1
done
cat "$HOME/log" >&2
exit 1
`

// standIns are the programs of the commands: as much of each as there can be on a
// machine that has nothing but Go.
func standIns() map[string]string {
	return map[string]string{
		"payple_exporter": exporterScript,
		"go": `#!/bin/bash -eu
case "$1 ${2-}" in
"build -o") ln -sf "$HOME/bin/payple_exporter" "$3" ;;
"run .") shift 2; exec payple_exporter "$@" ;;
"run ./"*) test -d "$2" ;;
test* | generate* | "install "*@* | "clean -testcache") ;; # what they name is held against the sources elsewhere
*) echo "no stand-in for go $*" >&2; exit 1 ;;
esac
`,
		// Of the simulated hub of a demo only its log tells the address.
		"curl": `#!/bin/bash -eu
demo=$(grep -oE 'simulator=http://127.0.0.1:[0-9]+' "$HOME/log" 2>/dev/null | head -n 1 | grep -oE '[0-9]+$' || true)
exec "$CURL" -fsS "${@//127.0.0.1:PORT/127.0.0.1:$demo}"
`,
		"bash":         "#!/bin/sh -eu\n[ \"$1\" = .ci/run ] && { [ $# = 1 ] || grep -q \"^step_$2()\" .ci/run; }\n",
		"prometheus":   "#!/bin/sh -eu\ntest -f \"${1#--config.file=}\"\n",
		"promtool":     "#!/bin/bash -eu\nfor _ in $(seq 100); do if [ \"$1\" != tsdb ] || test -s \"$5\"; then exit; fi; sleep 0.1; done; exit 1\n",
		"alertmanager": "#!/bin/sh -eu\ntest -f \"${1#--config.file=}\"\n",
		"gremlins":     "#!/bin/sh\n",
		"run-payouts":  "#!/bin/sh\necho paid\n",
		"pay-out":      "#!/bin/sh\necho paid\n",
	}
}

// notHere are the lines of commands that want what is not here.
var notHere = regexp.MustCompile(`--completion-script-zsh|docker compose|^cd deploy/compose$`)

// Every command of every document that can run here does, in the order in which it is
// written and as it is written, but for addresses. Those of deploy/kubernetes and
// deploy/systemd run in the tests beside them.
func TestCommandsRun(t *testing.T) {
	t.Parallel()
	curl := programs.Tool(t, "CURL", "curl", "curl")
	programs.Tool(t, "JQ", "jq", "jq")
	documents := append(readmes(), must.Get(filepath.Glob("docs/*.md"))(t)...)
	ran := 0
	for _, document := range append(documents, "dashboards/README.md", "deploy/compose/README.md") {
		var commands strings.Builder
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(must.Read(t, document), -1) {
			for line := range strings.Lines(block[1]) {
				if line = strings.TrimSpace(line); !notHere.MatchString(line) {
					commands.WriteString(line + "\n")
					ran++
				}
			}
		}
		if strings.TrimSpace(commands.String()) == "" {
			continue
		}
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			runCommands(t, curl, commands.String())
		})
	}
	if ran < 40 {
		t.Errorf("only %d commands were run", ran)
	}
}

// runCommands runs a document's commands in a copy of the tree, with a simulated hub
// and an exporter of one merchant at hand.
func runCommands(t *testing.T, curl, commands string) {
	t.Helper()
	const key = "a-key-of-no-partner"
	hub := stand.ServeHub(t, stand.NewHub(t, simulator.Options{}, simulator.Partner{
		CstID: "your-partner-id", CustKey: key, Plan: simulator.Plan{Start: simulator.Figures{Total: 100_000_000}},
	})).URL
	tree, home := t.TempDir(), t.TempDir()
	for _, entry := range must.Get(os.ReadDir("."))(t) {
		must.Do(t, os.Symlink(must.Get(filepath.Abs(entry.Name()))(t), filepath.Join(tree, entry.Name())))
	}
	must.Do(t, os.Remove(filepath.Join(tree, "dashboards"))) // which the commands write
	for name, text := range standIns() {
		must.Do(t, os.Chmod(must.Write(t, filepath.Join(home, "bin", name), text), 0o700))
	}
	must.Do(t, os.Symlink(filepath.Join(home, "bin/pay-out"), filepath.Join(tree, "pay-out")))
	keyFile := must.Write(t, filepath.Join(home, "payple.key"), key+"\n")
	merchants := must.Write(t, filepath.Join(tree, "merchants.yml"), "merchants:\n  - {name: main-store, cst_id: your-partner-id, cust_key_file: "+keyFile+"}\n")
	served := httptest.NewServer(harness.Handler(t, time.Now, "--payple.hub="+hub, "--config.file="+merchants))
	t.Cleanup(served.Close)
	_, simulated, _ := strings.Cut(programs.FreePort(t), ":")

	commands = strings.NewReplacer("localhost:10911/status.json", strings.TrimPrefix(served.URL, "http://")+"/status.json", "127.0.0.1:10912", "127.0.0.1:"+simulated).Replace(commands)
	command := exec.CommandContext(t.Context(), "/bin/bash", "-euo", "pipefail", "-c", commands)
	command.Dir, command.Stdin = tree, strings.NewReader(key+"\n")
	command.Env = []string{
		"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"), "CURL=" + curl, "REAL=" + programs.Exporter(t), "SIMULATOR=" + simulated,
		"PAYPLE_HUB=" + hub, "PAYPLE_CST_ID=your-partner-id", "PAYPLE_CUST_KEY_FILE=" + keyFile,
	}
	t.Cleanup(func() {
		if pids, err := os.ReadFile(filepath.Join(home, "pids")); err == nil {
			_ = exec.Command("kill", strings.Fields(string(pids))...).Run() // some may have ended
		}
	})
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s\n%s", err, commands, output)
	}
	if wanted := strings.Count(commands, "&& ./pay-out") + strings.Count(commands, "&& run-payouts"); strings.Count(string(output), "paid\n") != wanted {
		t.Errorf("the line before a batch did not let it run:\n%s\n%s", commands, output)
	}
}
