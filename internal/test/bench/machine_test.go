//go:build unix

package bench

import (
	"os"
	"syscall"
	"testing"

	"payple_exporter/internal/test/must"
)

// BenchmarkMachine measures what no program can better, and what differs most
// between machines, above all virtual ones: a system call, and the first touch
// of a page of memory. A start is little else.
func BenchmarkMachine(b *testing.B) {
	b.Run("system-call", func(b *testing.B) {
		for b.Loop() {
			syscall.Getppid()
		}
	})
	b.Run("page-fault", func(b *testing.B) {
		const pages = 10_000
		page := os.Getpagesize()
		for i := 0; i < b.N; i += pages {
			memory := must.Get(syscall.Mmap(-1, 0, pages*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON))(b)
			for at := 0; at < len(memory) && i+at/page < b.N; at += page {
				memory[at] = 1
			}
			must.Do(b, syscall.Munmap(memory))
		}
	})
}
