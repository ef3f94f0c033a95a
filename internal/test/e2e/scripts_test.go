package e2e

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"payple_exporter/hub"
	"payple_exporter/internal/app"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
	"payple_exporter/internal/test/secrets"
)

// What commands print is in testdata/script. There each script has a simulated
// hub with one partner named store, at $HUB; @store stands for the flags that
// ask it, and .yml files may name $HUB and $WORK. Besides testscript's own:
//
//	exits CODE ARGS...     runs the program in this process
//	apart CODE ARGS...     runs it as a process of its own
//	taken ARGS...          exits 0 with nothing on stderr
//	mistake TEXT ARGS...   exits 2 with one line on stderr, which begins so, and nothing on stdout
//	unhealthy ARGS...      exits 1 with one such line
//	tells TEXT...          searches stdout for texts as they stand
//	hides TEXT...          searches all output for secrets, in any spelling
//	fault STEP FAULT       has the hub fail; "none" ends it
func TestScripts(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(simulator.NewTunnel("127.0.0.1:1"))
	t.Cleanup(refusing.Close)
	type command = func(ts *testscript.TestScript, neg bool, args []string)
	exits := func(ts *testscript.TestScript, code int, args []string) (stdout, stderr string) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var out, errors bytes.Buffer
		got := app.Run(ctx, expanded(ts, args), app.Options{Stdout: &out, Stderr: &errors, Getenv: ts.Getenv})
		_, _ = ts.Stdout().Write(out.Bytes())
		_, _ = ts.Stderr().Write(errors.Bytes())
		if got != code || ctx.Err() != nil {
			ts.Fatalf("exit %d, want %d (%v)", got, code, ctx.Err())
		}
		return out.String(), errors.String()
	}
	told := func(ts *testscript.TestScript, code int, text string, args []string) {
		if stdout, stderr := exits(ts, code, args); stdout != "" || !strings.HasPrefix(stderr, "payple_exporter: error: "+text) || strings.Count(stderr, "\n") != 1 {
			ts.Fatalf("want one line on stderr that begins with %s", text)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "internal/test/e2e/testdata/script", ContinueOnError: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			sim, flags := simulated(t)
			env.Values["hub"] = sim
			for name, value := range map[string]string{
				"HUB": valueOf(flags[0]), "KEY": testKey, "REFUSING": hostOf(refusing.URL), "NL": "\n", "FF": "\xff",
				"PATH": filepath.Dir(programs.Exporter(t)) + ":" + os.Getenv("PATH"),
			} {
				env.Setenv(name, value)
			}
			must.Write(t, filepath.Join(env.WorkDir, "store"), strings.Join(flags, "\n"))
			must.Write(t, filepath.Join(env.WorkDir, "key"), testKey+"\n")
			files, err := filepath.Glob(filepath.Join(env.WorkDir, "*.yml"))
			for _, file := range files {
				must.Write(t, file, os.Expand(must.Read(t, file), env.Getenv))
			}
			return err
		},
		Cmds: map[string]command{
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				exits(ts, code, args[1:])
			},
			"apart": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("payple_exporter", expanded(ts, args[1:])...)
				if got := strings.TrimPrefix(errorText(err), "exit status "); got != args[0] {
					ts.Fatalf("exit %s, want %s", got, args[0])
				}
			},
			"taken": func(ts *testscript.TestScript, _ bool, args []string) {
				if stdout, stderr := exits(ts, app.ExitOK, args); stdout == "" || stderr != "" {
					ts.Fatalf("want an answer on stdout alone")
				}
			},
			"mistake":   func(ts *testscript.TestScript, _ bool, args []string) { told(ts, app.ExitUsage, args[0], args[1:]) },
			"unhealthy": func(ts *testscript.TestScript, _ bool, args []string) { told(ts, app.ExitFailure, "", args) },
			"tells": func(ts *testscript.TestScript, neg bool, args []string) {
				for _, text := range args {
					if strings.Contains(ts.ReadFile("stdout"), text) == neg {
						ts.Fatalf("%q is told: %v", text, neg)
					}
				}
			},
			"hides": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, secret := range args {
					if secrets.Shows(ts.ReadFile("stdout")+ts.ReadFile("stderr"), secret) {
						ts.Fatalf("shows %q", secret)
					}
				}
			},
			"fault": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Value("hub").(*simulator.Hub).Apply("store", hub.Endpoint(args[0]), args[1]))
			},
		},
	})
}

// expanded are arguments of which @FILE stands for the lines of a file; \n and
// \0 for what they do elsewhere.
func expanded(ts *testscript.TestScript, args []string) (all []string) {
	for _, arg := range args {
		if file, found := strings.CutPrefix(arg, "@"); found {
			all = append(all, strings.Split(ts.ReadFile(file), "\n")...)
		} else {
			all = append(all, strings.NewReplacer(`\n`, "\n", `\0`, "\x00").Replace(arg))
		}
	}
	return all
}

// errorText is the exit status of a program that failed, or 0.
func errorText(err error) string {
	if err == nil {
		return "0"
	}
	return err.Error()
}
