//go:build !unix

package web

// maxFiles returns how many files and connections this process may have open.
func maxFiles() uint64 { return 1 << 14 }
