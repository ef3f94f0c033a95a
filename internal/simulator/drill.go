package simulator

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"payple_exporter/hub"
	"payple_exporter/internal/lang"
	"payple_exporter/internal/strictyaml"
)

// Drill is what a drill file says.
type Drill struct {
	// About says in a sentence or two what is drilled. Where the file has it in
	// one language, that one stands for both.
	About lang.Text
	// Partners are in the order of the file.
	Partners []Partner
}

// DrillOptions is what a drill file leaves open.
type DrillOptions struct {
	// CustKey is the key of merchants that name none.
	CustKey string
	// Began is when the simulation begins, and Speed that of its Options: times
	// of day are reached when the world reaches them, whatever the speed.
	Began time.Time
	Speed int
}

// drillFiles are the drills that every build knows by name.
//
//go:embed drills/*.yml
var drillFiles embed.FS

// DrillNames returns the names of the built-in drills in order.
func DrillNames() []string {
	names, err := fs.Glob(drillFiles, "drills/*.yml")
	if err != nil {
		panic(err) // a good pattern
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(path.Base(name), ".yml")
	}
	return names
}

// FindDrill returns a built-in drill by its name, or the one in a file.
func FindDrill(name string, options DrillOptions) (Drill, error) {
	builtIn := "drills/" + name + ".yml"
	if text, err := drillFiles.ReadFile(builtIn); err == nil {
		return ParseDrill(builtIn, text, options)
	}
	if filepath.Ext(name) == "" && !strings.ContainsRune(name, filepath.Separator) {
		return Drill{}, fmt.Errorf("no drill %s: want one of %s, or a file such as ./drill.yml", hub.Quote(name), strings.Join(DrillNames(), ", "))
	}
	const maxBytes = 1 << 20
	text, err := strictyaml.Read(name, "scenario file", maxBytes)
	if err != nil {
		return Drill{}, err
	}
	return ParseDrill(name, text, options)
}

// ParseDrill reads the text of a drill file. All faults in it are reported
// together, each on a line of its own with file, line and what to do; path is
// what they call the file.
func ParseDrill(path string, text []byte, options DrillOptions) (Drill, error) {
	r := &drillReader{strictyaml.New(path, "keys of a drill are invented and stand under cust_key"), options}
	root, err := r.Root(text, "one file is one drill")
	if err != nil {
		return Drill{}, err
	}
	drill := r.read(root)
	if err := r.Err(); err != nil {
		return Drill{}, err
	}
	return drill, nil
}

// daily returns when a time of day in Korea first comes, and how often after
// that, by the clock of a plan.
func (o DrillOptions) daily(sinceMidnight time.Duration) (after, every time.Duration) {
	const day = 24 * time.Hour
	korean := o.Began.In(hub.KST())
	midnight := time.Date(korean.Year(), korean.Month(), korean.Day(), 0, 0, 0, 0, korean.Location())
	wait := (sinceMidnight - korean.Sub(midnight) + day) % day
	if wait == 0 {
		wait = day // a plan's events come after its beginning
	}
	speed := int64(max(1, o.Speed))
	return time.Duration(int64(wait) * speed), time.Duration(int64(day) * speed)
}
