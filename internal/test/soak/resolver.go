package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// nameServerVariable tells the exporter of a soak whom to ask for names.
const nameServerVariable = "SOAK_NAME_SERVER"

// resolver is the one thing in which the exporter of a soak differs from the one
// that is shipped: the system's resolver asks the machine's name server, and a
// soak has a name that moves.
const resolver = `package main

import (
	"context"
	"net"
	"os"
)

func init() {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", os.Getenv("` + nameServerVariable + `"))
	}}
}
`

// resolverOverlay has a build see the resolver beside the sources, and returns
// what tells it so.
func resolverOverlay(ctx context.Context, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the sources: %w", err)
	}
	source, overlay := filepath.Join(dir, "resolver.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(strings.TrimSpace(string(root)), "soak_resolver.go"): source}})
	if err != nil {
		return "", fmt.Errorf("the overlay: %w", err)
	}
	return overlay, errors.Join(replace(source, resolver), replace(overlay, string(text)))
}
