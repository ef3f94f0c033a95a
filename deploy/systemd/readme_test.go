package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// standIns are what the instructions ask of a booted systemd: to start the service is
// to give the exporter what is installed at that time, which it must take.
func standIns() map[string]string {
	return map[string]string{
		"systemctl": `#!/bin/bash -eu
case "$*" in
daemon-reload | "stop payple_exporter" | "enable --now payple_exporter.socket") test -e "$ROOT/etc/systemd/system/payple_exporter.service" ;;
"enable --now payple_exporter" | "restart payple_exporter" | "start payple_exporter")
  . "$ROOT/start"
  payple_exporter --config.check
  echo started ;;
*) echo "no stand-in for systemctl $*" >&2; exit 1 ;;
esac
`,
		"start": `PATH=$ROOT/usr/local/bin:$PATH
set -a
. "$ROOT/etc/payple_exporter/payple_exporter.env"
if [ -e "$ROOT/etc/systemd/system/payple_exporter.service.d/many-merchants.conf" ]; then
  sed "s|/run/credentials/payple_exporter.service/keys_|$ROOT/etc/payple_exporter/keys/|" "$ROOT/etc/payple_exporter/merchants.yml" >"$ROOT/merchants.yml"
  PAYPLE_EXPORTER_CONFIG_FILE=$ROOT/merchants.yml
else
  PAYPLE_CUST_KEY_FILE=$ROOT/etc/payple_exporter/custkey
fi
set +a
`,
		"systemd-run": `#!/bin/bash -eu
. "$ROOT/start"
for arg; do
  case $arg in
  --property=EnvironmentFile=*) test -e "${arg#*=*=}" ;;
  --property=LoadCredential=custkey:*) test -e "${arg#*:}" ;;
  --setenv=*) [ "$arg" = --setenv=PAYPLE_CUST_KEY_FILE=/run/credentials/payple_check.service/custkey ] ;;
  --unit=*) [ "$arg" = --unit=payple_check ] ;;
  --pipe | --wait | --collect | --property=DynamicUser=yes) ;;
  *) break ;;
  esac
  shift
done
[ "$*" = "$ROOT/usr/local/bin/payple_exporter check" ]
"$1" --config.check >"$ROOT/checked"
`,
		"curl": "#!/bin/sh\n[ \"$*\" = '-s http://localhost:10911/metrics' ] && echo 'payple_up{merchant=\"p\"} 1'\n",
	}
}

// README.md's commands, run one after the other as they are written but for where
// the root is, end with an exporter that takes its configuration.
func TestReadmeCommandsRun(t *testing.T) {
	t.Parallel()
	root, tree := t.TempDir(), t.TempDir()
	for name, text := range standIns() {
		must.Do(t, os.Chmod(must.Write(t, filepath.Join(root, "bin", name), text), 0o700))
	}
	must.Do(t, os.Rename(filepath.Join(root, "bin/start"), filepath.Join(root, "start")))
	for _, folder := range []string{"usr/local/bin", "etc/systemd/system"} {
		must.Do(t, os.MkdirAll(filepath.Join(root, folder), 0o700))
	}
	must.Do(t, os.CopyFS(filepath.Join(tree, "deploy/systemd"), os.DirFS(".")))
	must.Do(t, os.Symlink(programs.Released(t), filepath.Join(tree, "payple_exporter")))
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(must.Read(t, "README.md"), -1)
	started := 0
	for _, block := range blocks {
		// One line where a key is pasted, and two where two are.
		keys := "a-key-of-no-partner\n" + strings.Repeat("another-key\n", strings.Count(block[1], "read -rs"))
		command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", regexp.MustCompile(`(/usr/local/bin|/etc)/`).ReplaceAllString(block[1], root+"$1/"))
		command.Dir, command.Stdin = tree, strings.NewReader(keys)
		command.Env = []string{"PATH=" + filepath.Join(root, "bin") + ":" + os.Getenv("PATH"), "ROOT=" + root}
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v:\n%s\n%s", err, block[1], output)
		}
		started += strings.Count(string(output), "started\n")
	}
	if started != 3 {
		t.Errorf("the service was started %d times, want 3: at first, with many merchants, and on a socket", started)
	}
	if !strings.Contains(must.Read(t, filepath.Join(root, "checked")), "cst_id: your-partner-id") {
		t.Error("the check as the service's user was of another partner")
	}
}
