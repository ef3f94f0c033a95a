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
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v4"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/simulator"
)

// simulateFlags are those of the simulate command.
type simulateFlags struct {
	address, fault, drill, configDir, keyFile, backfill string
	speed                                               int
	strict                                              bool
	lang                                                languageFlag
}

func (f *simulateFlags) define(simulate *kingpin.CmdClause) {
	simulate.Flag("simulate.listen-address", "Address that the simulated hub listens on.").
		Default("127.0.0.1:10912").StringVar(&f.address)
	simulate.Flag("simulate.scenario", "Drill to play: "+strings.Join(simulator.DrillNames(), ", ")+", or a file (docs/drills.md); by default the demo's merchants.").
		StringVar(&f.drill)
	simulate.Flag("simulate.speed", "How many times as fast as the world the drill passes.").
		Default("1").IntVar(&f.speed)
	simulate.Flag("simulate.config-dir", "Directory to write merchants.yml and key files to, for the exporter under drill.").
		StringVar(&f.configDir)
	simulate.Flag("simulate.backfill", "File to write the week before the drill to, as OpenMetrics, for promtool tsdb create-blocks-from.").
		StringVar(&f.backfill)
	simulate.Flag("simulate.cust-key-file", "File with the key that simulated merchants have where the drill names none.").
		StringVar(&f.keyFile)
	simulate.Flag("simulate.fault", "Fault that all merchants meet from the start, such as hang, status=503 or result=T0310.").
		StringVar(&f.fault)
	simulate.Flag("simulate.strict", "Refuse requests that depart from the documented form, which are answered and noted otherwise (docs/drills.md).").
		BoolVar(&f.strict)
	f.lang.define(simulate)
}

// simulation returns what the flags ask for: a drill, or the demo's merchants.
func (p *program) simulation() (drill simulator.Drill, err error) {
	f := &p.simulating
	err = refuse(f.speed < 1 || f.speed > 1000, "simulate.speed", f.speed, "want from 1 to 1000")
	custKey := simulator.DemoKey
	if f.keyFile != "" {
		key, wrongKey := hub.FileKey(f.keyFile).Secret()
		if custKey = key.Reveal(); wrongKey != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", named("simulate.cust-key-file"), wrongKey))
		}
	}
	if f.drill != "" {
		drill, wrongDrill := simulator.FindDrill(f.drill, simulator.DrillOptions{CustKey: custKey, Began: p.Now(), Speed: max(1, f.speed)})
		if wrongDrill != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", named("simulate.scenario"), wrongFile(wrongDrill)))
		}
		return drill, err
	}
	partners := simulator.DemoPartners()
	for i := range partners {
		if partners[i].CustKey == simulator.DemoKey {
			partners[i].CustKey = custKey
		}
	}
	return simulator.Drill{About: simulateTexts().Demo, Partners: partners}, err
}

// simulate runs the simulated hub alone until ctx ends.
func (p *program) simulate(ctx context.Context) error {
	drill, err := p.simulation()
	sim := simulator.New(simulator.Options{Speed: max(1, p.simulating.speed), Strict: p.simulating.strict}, drill.Partners...)
	p.Simulated(sim)
	if p.simulating.fault != "" {
		if wrongFault := sim.Apply("", "", p.simulating.fault); wrongFault != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", named("simulate.fault"), wrongFault))
		}
	}
	if err := p.refused(refuseAddress(ctx, "simulate.listen-address", p.simulating.address), err); err != nil {
		return err
	}
	server, err := simulator.Start(sim, p.simulating.address)
	if err != nil {
		return err
	}
	err = p.writeBackfill(drill.Partners, server.URL)
	if err == nil {
		err = p.introduce(drill, server.URL)
	}
	if err != nil {
		return errors.Join(err, server.Close())
	}
	<-ctx.Done()
	return server.Close()
}

// writeBackfill writes the week before the drill, if that is asked for.
func (p *program) writeBackfill(partners []simulator.Partner, address string) error {
	path := p.simulating.backfill
	if path == "" {
		return nil
	}
	var text bytes.Buffer
	if err := simulator.Backfill(&text, p.Now(), strings.TrimPrefix(address, "http://"), partners); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return usageError{fmt.Errorf("--simulate.backfill: %w", err)}
	}
	return nil
}

// introduce tells a person what is simulated and how to go on, and writes the
// files that an exporter under drill reads.
func (p *program) introduce(drill simulator.Drill, address string) error {
	ids := make([]string, 0, len(drill.Partners))
	for _, partner := range drill.Partners {
		ids = append(ids, partner.CstID)
	}
	watch := fmt.Sprintf("PAYPLE_CUST_KEY=%s %s --payple.hub=%s --payple.cst-id=%s", simulator.DemoKey, appName, address, ids[0])
	if path := p.simulating.keyFile; path != "" {
		watch = fmt.Sprintf("%s --payple.hub=%s --payple.cst-id=%s --payple.cust-key-file=%s", appName, address, ids[0], path)
	}
	if folder := p.simulating.configDir; folder != "" {
		file, err := writeDrillConfig(folder, address, drill.Partners)
		if err != nil {
			return usageError{fmt.Errorf("--simulate.config-dir: %w", err)}
		}
		watch = fmt.Sprintf("%s --config.file=%s", appName, file)
	}
	if _, err := p.Stdout.Write(introduction(p.simulating.lang.language(p.Getenv), address, drill.About, ids, watch)); err != nil {
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
	lang.WriteRows(&out, [][]string{
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
