// Command gen writes the rule files that are generated from package rules into the current directory.
package main

import (
	"fmt"
	"os"

	"payple_exporter/alerts/internal/rules"
)

func main() {
	for name, content := range rules.Files() {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}
