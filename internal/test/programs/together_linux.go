package programs

import "syscall"

// dieTogether ends a program with the test binary, even if that is killed.
func dieTogether() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
