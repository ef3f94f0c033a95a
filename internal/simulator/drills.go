package simulator

import "embed"

// DrillFiles are the drills that every build knows by name.
//
//go:embed drills/*.yml
var DrillFiles embed.FS
