// Package runbooks holds what to do about each alert, which the program carries.
package runbooks

import "embed"

var (
	// Files are the runbooks in Markdown, and README.md, which lists them; ALERT.ko.md and README.ko.md are the same in Korean.
	//
	//go:embed *.md
	Files embed.FS
	// HTML is the same as parts of pages: html/ALERT.html is made of ALERT.md by `go test ./docs -run TestDocs -update`.
	//
	//go:embed html/*.html
	HTML embed.FS
)
