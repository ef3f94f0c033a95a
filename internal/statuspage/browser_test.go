package statuspage_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"payple_exporter/internal/statuspage"
	"payple_exporter/internal/test/must"
	"payple_exporter/internal/test/programs"
)

// screenshots is where the browser's pictures are written to; empty for
// nowhere. The two of the README, page.png and page-ko.png, want a Korean font
// (Debian: apt-get install fonts-noto-cjk):
//
//	go test ./internal/statuspage -run 'TestPageInABrowser/^page' -screenshots=../../docs/images
var screenshots = flag.String("screenshots", "", "directory to write screenshots of the page to")

// look is one look at a page through a browser.
type look struct {
	name          string
	target        string
	shops         []string
	many          int // merchants of fullPage instead
	outage        bool
	found         int // of many, by a search
	demo          bool
	cut           bool // the screenshot shows the first screen, not the whole page
	fits          bool // all rows are on the first screen
	width, height int64
	dark          bool
	acceptKorean  bool
	texts         []string // to be seen
	absent        []string // not to be seen
	title         string   // how the tab's title begins
	widths        []int64  // other widths at which nothing may be wider than the screen
	plain         bool     // without merchants
}

// browser is one Chromium for all looks.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := programs.Tool(t, "CHROMIUM", "chromium", "chromium", "chromium-browser", "google-chrome")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(programs.Patience),
		chromedp.UserDataDir(t.TempDir()))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

// complaints are what a browser says against a page.
type complaints struct {
	mu   sync.Mutex
	told []string
}

func (c *complaints) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, text)
}

func (c *complaints) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		c.add(fmt.Sprintf("console: %s %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		c.add("exception: " + e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		c.add(fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
	case *network.EventLoadingFailed:
		c.add("loading failed: " + e.ErrorText)
	}
}

// Every state of the page, in a real browser without JavaScript: what must be
// read is there and in the accessibility tree, nothing is wider than the
// screen, nothing is said in the console and nothing breaks the policy.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	servers := make(map[string]*httptest.Server)
	for _, l := range looks() {
		key := fmt.Sprint(l.shops, l.many, l.demo, l.outage)
		if servers[key] == nil {
			servers[key] = httptest.NewServer(l.handler(t))
			t.Cleanup(servers[key].Close)
		}
		t.Run(l.name, func(t *testing.T) { lookAt(ctx, t, l, servers[key].URL+l.target) })
	}
}

// handler is the exporter with the merchants that are looked at.
func (l look) handler(t *testing.T) http.Handler {
	t.Helper()
	if l.many > 0 {
		return fullPage(t, l.many)
	}
	s := pageStand(t, statuspage.Options{Demo: l.demo}, l.shops...)
	if l.outage {
		outage(t, s, l.shops)
	}
	return s.Handler
}

func lookAt(browser context.Context, t *testing.T, l look, url string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, programs.Patience)
	defer cancel()
	var against complaints
	must.Do(t, chromedp.Listen(ctx, against.listen))
	open(ctx, t, l, url)
	seen := must.Get(chromedp.Run(ctx, chromedp.Evaluate[shown](readPage)))(t)
	tree := must.Get(chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}))(t)
	if *screenshots != "" {
		beyond := !l.cut
		picture := must.Get(chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond}))(t)
		must.Write(t, filepath.Join(*screenshots, l.name+".png"), string(picture.Data))
	}
	for _, complaint := range against.told {
		t.Error(complaint)
	}
	if seen.Width > seen.Screen {
		t.Errorf("the page is %d wide on a screen of %d", seen.Width, seen.Screen)
	}
	if l.width >= 360 && len(seen.Broken) > 0 {
		t.Errorf("figures are broken: %q", seen.Broken)
	}
	if l.fits && seen.Rows > int(l.height) {
		t.Errorf("the rows end at %d on a screen of %d", seen.Rows, l.height)
	}
	for _, want := range l.texts {
		if !strings.Contains(seen.Text, want) {
			t.Errorf("%q is not to be read in\n%s", want, seen.Text)
		}
	}
	for _, unwanted := range l.absent {
		if strings.Contains(seen.Text, unwanted) {
			t.Errorf("%q is to be read", unwanted)
		}
	}
	if !strings.HasPrefix(seen.Title, l.title) {
		t.Errorf("the tab says %q, want %q first", seen.Title, l.title)
	}
	if !l.plain {
		checkAccessibility(t, tree.Nodes, l)
		checkKeyboard(ctx, t)
	}
	for _, width := range l.widths {
		must.Get(chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: l.height, DeviceScaleFactor: 1,
		}))(t)
		if got := must.Get(chromedp.Run(ctx, chromedp.Evaluate[shown](readPage)))(t); got.Width > got.Screen {
			t.Errorf("the page is %d wide on a screen of %d", got.Width, got.Screen)
		}
	}
}

// shown is what there is to see.
type shown struct {
	Text, Title         string
	Width, Screen, Rows int      // Rows: where the table ends
	Broken              []string // figures that run over more than one line
}

// Blanks at which no line ends are blanks to a reader.
const readPage = `({Text: document.body.innerText.replaceAll("\u00a0", " "), Title: document.title.replaceAll("\u00a0", " "),
	Broken: [...document.querySelectorAll(".remain b:not(.unknown), .won")].filter(e => e.getClientRects().length > 1 || e.getBoundingClientRect().height > 1.9 * parseFloat(getComputedStyle(e).fontSize)).map(e => e.textContent),
	Rows: Math.ceil(document.querySelector("main").getBoundingClientRect().bottom),
	Width: document.documentElement.scrollWidth, Screen: document.documentElement.clientWidth})`

// open loads a page as the reader of a look does, without JavaScript.
func open(ctx context.Context, t *testing.T, l look, url string) {
	t.Helper()
	scheme, language := "light", "en-US,en"
	if l.dark {
		scheme = "dark"
	}
	if l.acceptKorean {
		language = "ko-KR,ko;q=0.9,en;q=0.8"
	}
	must.Get(chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}))(t)
	must.Get(chromedp.Call(ctx, network.Enable, network.EnableParams{}))(t)
	must.Get(chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"Accept-Language": language},
	}))(t)
	must.Get(chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))(t)
	must.Get(chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.width < 500,
	}))(t)
	must.Get(chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}))(t)
	must.Do(t, chromedp.Do(ctx, chromedp.Navigate(url)))
}

// checkAccessibility looks at the page as a screen reader does.
func checkAccessibility(t *testing.T, nodes []*accessibility.Node, l look) {
	t.Helper()
	roles := make(map[string][]string)
	for _, node := range nodes {
		if !node.Ignored {
			role := axText(node.Role)
			roles[role] = append(roles[role], axText(node.Name))
		}
	}
	for _, role := range []string{"main", "banner", "contentinfo", "heading"} {
		if len(roles[role]) == 0 {
			t.Errorf("there is no %s in the accessibility tree", role)
		}
	}
	rows := min(len(l.shops)+l.many, 50)
	if l.found > 0 {
		rows = l.found
	}
	for role, want := range map[string]int{"table": 1, "columnheader": 5, "rowheader": rows, "cell": 4 * rows} {
		if got := len(roles[role]); got != want {
			t.Errorf("%d of role %s in the accessibility tree, want %d", got, role, want)
		}
	}
	for _, role := range []string{"meter", "img", "image", "link", "button", "searchbox", "navigation", "table", "columnheader", "rowheader"} {
		for _, name := range roles[role] {
			if strings.TrimSpace(name) == "" {
				t.Errorf("a %s has no name", role)
			}
		}
	}
}

// checkKeyboard goes through all that can be focused: first the link that
// skips to the merchants, which shows itself, and nothing without an outline.
func checkKeyboard(ctx context.Context, t *testing.T) {
	t.Helper()
	const focused = `(e => ({Name: e.className || e.tagName, Top: e.getBoundingClientRect().top, Outline: getComputedStyle(e).outlineWidth}))(document.activeElement)`
	type focus struct {
		Name, Outline string
		Top           float64
	}
	for i := range 3 {
		must.Do(t, chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)))
		got := must.Get(chromedp.Run(ctx, chromedp.Evaluate[focus](focused)))(t)
		if (got.Name == "skip") != (i == 0) || got.Top < -64 || got.Outline == "0px" || got.Name == "BODY" {
			t.Errorf("after %d times Tab the focus is on %+v", i+1, got)
		}
	}
}

func axText(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}
