// Package runbooks holds what to do about each alert, which the program carries.
package runbooks

import "embed"

// Files are the runbooks in Markdown, and README.md, which lists them.
//
//go:embed *.md
var Files embed.FS
