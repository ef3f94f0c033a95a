// Command gen writes the dashboards that are generated from package board into the current directory.
package main

import (
	"fmt"
	"os"

	"payple_exporter/dashboards/internal/board"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	if err := os.MkdirAll(board.KoreanFolder, 0o755); err != nil {
		return err
	}
	for name, content := range board.Files() {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
