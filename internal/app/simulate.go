package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/simulator"
	"payple_exporter/internal/simulator/scenario"
)

const drillFolder = "drills"

// drillNames returns the names of the built-in drills in order.
func drillNames() []string {
	entries, err := fs.ReadDir(simulator.DrillFiles, drillFolder)
	if err != nil {
		panic(err) // it was there when this was compiled
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yml"))
	}
	return names
}

// drill returns a built-in drill, or the one in a file.
func drill(name, custKey string) (scenario.Scenario, error) {
	if slices.Contains(drillNames(), name) {
		path := drillFolder + "/" + name + ".yml"
		text, err := simulator.DrillFiles.ReadFile(path)
		if err != nil {
			return scenario.Scenario{}, fmt.Errorf("drill %s: %w", name, err)
		}
		return scenario.Parse(path, text, custKey)
	}
	if filepath.Ext(name) == "" && !strings.ContainsRune(name, filepath.Separator) {
		return scenario.Scenario{}, fmt.Errorf("no drill %q: want one of %s, or a file such as ./drill.yml", name, strings.Join(drillNames(), ", "))
	}
	return scenario.Load(name, custKey)
}

// play is what simulate plays.
type play struct {
	about    lang.Text
	partners []simulator.Partner
}

// simulation returns what the flags ask for: a drill, or the demo's merchants.
func (p *program) simulation() (play, error) {
	if p.flags.simulateSpeed < 1 || p.flags.simulateSpeed > 1000 {
		return play{}, fmt.Errorf("--simulate.speed %d: want from 1 to 1000", p.flags.simulateSpeed)
	}
	custKey := demoKey
	if path := p.flags.simulateKeyFile; path != "" {
		key, err := hub.FileKey(path).Secret()
		if err != nil {
			return play{}, fmt.Errorf("--simulate.cust-key-file: %w", err)
		}
		custKey = key.Reveal()
	}
	if name := p.flags.simulateScenario; name != "" {
		played, err := drill(name, custKey)
		if err != nil {
			return play{}, fmt.Errorf("--simulate.scenario: %w", err)
		}
		return play{about: played.About, partners: played.Partners(time.Now(), p.flags.simulateSpeed)}, nil
	}
	s := play{about: simulateTexts().Demo, partners: demoPartners()}
	for i := range s.partners {
		if s.partners[i].CustKey == demoKey {
			s.partners[i].CustKey = custKey
		}
	}
	return s, nil
}

// simulate runs the simulated hub alone until ctx ends.
func (p *program) simulate(ctx context.Context) error {
	played, err := p.simulation()
	if err != nil {
		return usageError{err}
	}
	sim := simulator.New(simulator.Options{Speed: p.flags.simulateSpeed}, played.partners...)
	if p.flags.simulateFault != "" {
		if err := sim.Apply("", "", p.flags.simulateFault); err != nil {
			return usageError{fmt.Errorf("--simulate.fault: %w", err)}
		}
	}
	server, err := simulator.Start(sim, p.flags.simulateAddress)
	if err != nil {
		return err
	}
	if err := p.introduce(played, server.URL); err != nil {
		return errors.Join(err, server.Close())
	}
	<-ctx.Done()
	return server.Close()
}

// introduce tells a person what is simulated and how to go on, and writes the
// files that an exporter under drill reads.
func (p *program) introduce(played play, address string) error {
	ids := make([]string, 0, len(played.partners))
	for _, partner := range played.partners {
		ids = append(ids, partner.CstID)
	}
	watch := fmt.Sprintf("PAYPLE_CUST_KEY=%s %s --payple.hub=%s --payple.cst-id=%s", demoKey, appName, address, ids[0])
	if path := p.flags.simulateKeyFile; path != "" {
		watch = fmt.Sprintf("%s --payple.hub=%s --payple.cst-id=%s --payple.cust-key-file=%s", appName, address, ids[0], path)
	}
	if folder := p.flags.simulateConfigDir; folder != "" {
		file, err := writeDrillConfig(folder, address, played.partners)
		if err != nil {
			return usageError{fmt.Errorf("--simulate.config-dir: %w", err)}
		}
		watch = fmt.Sprintf("%s --config.file=%s", appName, file)
	}
	if _, err := p.Stdout.Write(introduction(p.language(), address, played.about, ids, watch)); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return nil
}

// introduction says what is simulated and how to go on, in one language. ids
// are the merchants, and watch is the command that watches them.
func introduction(language lang.Language, address string, about lang.Text, ids []string, watch string) []byte {
	texts := simulateTexts()
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, texts.Listens.In(language)+"\n\n", address)
	if about.English != "" { // a drill need not say
		_, _ = fmt.Fprintf(&out, "%s\n\n", about.In(language))
	}
	fault := fmt.Sprintf("curl -X POST '%s/simulator/fault?cst_id=%s&fault=", address, url.QueryEscape(ids[0]))
	writeRows(&out, [][]string{
		{texts.Merchants.In(language), strings.Join(ids, ", ")},
		{texts.Watch.In(language), watch},
		{texts.State.In(language), "curl " + address + "/simulator/"},
		{texts.Break.In(language), fault + "hang'"},
		{texts.Mend.In(language), fault + "none'"},
	})
	return out.Bytes()
}

// drillHeader begins a merchants file that simulate has written and may
// overwrite.
const drillHeader = "# Written by payple_exporter simulate; the next simulate overwrites it.\n"

// writeDrillConfig writes a merchants file that asks the simulated hub at
// address, with each merchant's key in a file of its own as in production, and
// returns its path. It overwrites nothing but its own.
func writeDrillConfig(folder, address string, partners []simulator.Partner) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "merchants.yml")
	switch old, err := os.ReadFile(path); { //nolint:gosec // the operator names it
	case err == nil && !strings.HasPrefix(string(old), drillHeader):
		return "", fmt.Errorf("%s is there already and was not written by simulate: name another directory", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	type merchant struct {
		CstID string `yaml:"cst_id"`
		Key   string `yaml:"cust_key_file"`
	}
	var list struct {
		Hub       string     `yaml:"hub"`
		Merchants []merchant `yaml:"merchants"`
	}
	list.Hub = address
	keys := filepath.Join(folder, "simulated-keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return "", err
	}
	for _, partner := range partners {
		key := filepath.Join(keys, url.PathEscape(partner.CstID))
		if err := os.WriteFile(key, []byte(partner.CustKey+"\n"), 0o600); err != nil {
			return "", err
		}
		list.Merchants = append(list.Merchants, merchant{partner.CstID, key})
	}
	text, err := yaml.Dump(list)
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	return path, os.WriteFile(path, append([]byte(drillHeader), text...), 0o600)
}
