package dashboards

import "embed"

// Files are the dashboards, for those who have the program and not its sources.
//
//go:embed payple-*.json
var Files embed.FS
