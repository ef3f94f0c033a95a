package simulator

import (
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// drillFiles are the drills that every build knows by name.
//
//go:embed drills/*.yml
var drillFiles embed.FS

const drillFolder = "drills"

// DrillNames returns the names of the built-in drills in order.
func DrillNames() []string {
	entries, err := fs.ReadDir(drillFiles, drillFolder)
	if err != nil {
		panic(err) // it was there when this was compiled
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yml"))
	}
	return names
}

// FindDrill returns a built-in drill by its name, or the one in a file. custKey
// is the key of merchants that name none.
func FindDrill(name, custKey string) (Drill, error) {
	if slices.Contains(DrillNames(), name) {
		path := drillFolder + "/" + name + ".yml"
		text, err := drillFiles.ReadFile(path)
		if err != nil {
			return Drill{}, fmt.Errorf("drill %s: %w", name, err)
		}
		return ParseDrill(path, text, custKey)
	}
	if filepath.Ext(name) == "" && !strings.ContainsRune(name, filepath.Separator) {
		return Drill{}, fmt.Errorf("no drill %q: want one of %s, or a file such as ./drill.yml", name, strings.Join(DrillNames(), ", "))
	}
	return LoadDrill(name, custKey)
}
