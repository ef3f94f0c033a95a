package check

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress shows on a terminal how many merchants have answered, and nothing
// anywhere else.
type progress struct {
	w     io.Writer // nil: show nobody
	total int

	mu   sync.Mutex
	done int
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{total: total}
	if file, ok := w.(*os.File); ok && total > 1 && term.IsTerminal(int(file.Fd())) {
		p.w = w
	}
	return p
}

// step counts one more merchant.
func (p *progress) step() {
	if p.w == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	_, _ = fmt.Fprintf(p.w, "\r%d/%d", p.done, p.total)
}

// end wipes the line, so that what comes next begins on a clean one.
func (p *progress) end() {
	if p.w != nil {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
