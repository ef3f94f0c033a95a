//go:build !linux

package programs

import "syscall"

// dieTogether would end a program with the test binary, if this system could.
func dieTogether() *syscall.SysProcAttr { return nil }
