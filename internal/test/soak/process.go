package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// build makes the exporter as it is shipped, of the sources that are there: the
// revision is said to be dirty if they are not those committed.
func build(ctx context.Context, path string) error {
	revision := "unknown"
	told, err := exec.CommandContext(ctx, "git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty").Output()
	if err == nil {
		revision = strings.TrimSpace(string(told))
	}
	stamp := "-s -w -X github.com/prometheus/common/version.Revision=" + revision
	replaced, err := resolverOverlay(ctx, filepath.Dir(path))
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-overlay", replaced, "-ldflags", stamp, "-o", path, "payple_exporter")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building the exporter: %w\n%s", err, output)
	}
	return nil
}

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

// process is an exporter that runs on its own.
type process struct {
	url     string
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended
}

// start runs the exporter, with more in its environment, and returns once it
// listens. Its log goes to log.
func start(path string, log io.Writer, env []string, args ...string) (*process, error) {
	p := &process{ended: make(chan struct{})}
	p.command = exec.Command(path, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...) //nolint:noctx // the program under test; stop ends it
	p.command.Env = append(os.Environ(), env...)
	stderr, err := p.command.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the exporter: %w", err)
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the exporter: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		defer close(p.ended)
		follow(stderr, log, address)
		_ = p.command.Wait() // its exit code is looked at by stop
	}()
	select {
	case at := <-address:
		p.url = "http://" + at
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("the exporter ended by itself: %s", p.command.ProcessState)
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill()
		return nil, fmt.Errorf("the exporter does not listen after 30 s")
	}
}

// follow copies a log and sends the address that the exporter listens on.
func follow(from io.Reader, to io.Writer, address chan<- string) {
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = fmt.Fprintln(to, lines.Text())
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			address <- match[1]
		}
	}
	_, _ = io.Copy(to, from) // a line without an end
}

// hangUp makes the exporter reload.
func (p *process) hangUp() error {
	if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("SIGHUP: %w", err)
	}
	return nil
}

// stop ends the exporter in good order.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return fmt.Errorf("the exporter ended by itself: %s", p.command.ProcessState)
	default:
	}
	_ = p.command.Process.Signal(os.Signal(syscall.SIGTERM))
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		_ = p.command.Process.Kill()
		return fmt.Errorf("the exporter does not stop on SIGTERM")
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("the exporter exits with %s after SIGTERM", p.command.ProcessState)
	}
	return nil
}
