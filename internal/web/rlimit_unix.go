//go:build unix

package web

import "syscall"

// maxFiles returns how many files and connections this process may have open.
func maxFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 256 // the least that any system of today allows
	}
	return uint64(limit.Cur) //nolint:unconvert // signed on some systems
}
