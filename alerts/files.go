package alerts

import "embed"

// Files are the rules and the example for Alertmanager, for those who have the program and not its sources.
//
//go:embed payple.rules.yml prometheusrule.yaml alertmanager.example.yml
var Files embed.FS
