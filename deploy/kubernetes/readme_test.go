package kubernetes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// standIn is a kubectl without a cluster. What it is told to apply, it notes.
const standIn = `#!/bin/sh -eu
case "$*" in
"apply -k "*) echo "$3" >>"$APPLIED" ;;
*" create secret generic payple-custkeys "*)
  for arg; do
    case $arg in --from-file=*) test -s "${arg#*=}" ;; esac
  done ;;
"create namespace payple" | *" rollout status deployment/payple-exporter") ;;
*) echo "no stand-in for kubectl $*" >&2; exit 1 ;;
esac
`

// README.md's commands, run as they are written on a copy of the tree, apply what
// is the user's: the merchants and the image, in each of the forms.
func TestReadmeCommandsApplyWhatIsYours(t *testing.T) {
	t.Parallel()
	var commands strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		commands.WriteString(block[1])
	}
	for _, form := range overlays {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			copied, bin := t.TempDir(), t.TempDir()
			for _, part := range []string{"deploy/kubernetes", "alerts", "dashboards"} {
				if err := os.CopyFS(filepath.Join(copied, part), os.DirFS(filepath.Join(root, part))); err != nil {
					t.Fatal(err)
				}
			}
			mine := filepath.Join(copied, "deploy/kubernetes/overlay")
			write(t, filepath.Join(mine, "merchants.yml"), "# mine\n")
			kustomization := string(read(t, filepath.Join(mine, "kustomization.yaml")))
			write(t, filepath.Join(mine, "kustomization.yaml"), strings.Replace(kustomization, "../base ", "../"+form+" ", 1))
			for _, key := range []string{"main-store", "second-store"} {
				write(t, filepath.Join(copied, key), "a-key-of-no-partner\n")
			}
			if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(standIn), 0o700); err != nil {
				t.Fatal(err)
			}
			applied := filepath.Join(bin, "applied")
			command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands.String())
			command.Dir = copied
			command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "APPLIED="+applied)
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			folders := strings.Fields(string(read(t, applied)))
			if len(folders) != 1 {
				t.Fatalf("applied: %v", folders)
			}
			objects := build(t, filepath.Join(copied, folders[0]))
			template, _, _ := pods(t, objects)
			if image := template.Spec.Containers[0].Image; image != "registry.example.com/payple_exporter:0.1.0" {
				t.Errorf("the image is %s", image)
			}
			mounted, found := volume(t, template.Spec, "merchants").ConfigMap.Name, false
			for _, config := range all[*core.ConfigMap](objects) {
				found = found || config.Name == mounted && config.Data["merchants.yml"] == "# mine\n"
			}
			if !found {
				t.Error("the merchants that are mounted are not those of the overlay")
			}
			// A StatefulSet ends an exporter before it starts the next, so a changed file must not roll out.
			if sharded := len(all[*apps.StatefulSet](objects)) == 1; sharded != (mounted == "payple-exporter-merchants") {
				t.Errorf("sharded: %v, and the merchants are called %s", sharded, mounted)
			}
		})
	}
}
