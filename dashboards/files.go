package dashboards

import "embed"

// Files are the dashboards, those in ko in Korean, for those who have the program and not its sources.
//
//go:embed payple-*.json ko/payple-*.json
var Files embed.FS
