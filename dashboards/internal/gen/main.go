// Command gen writes the dashboards that are generated from package board into the current directory.
package main

import (
	"fmt"
	"os"

	"payple_exporter/dashboards/internal/board"
)

func main() {
	for name, content := range board.Files() {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}
