package glossary_test

import (
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"payple_exporter/internal/test/glossary"
	"payple_exporter/internal/test/must"
)

const root = "../../../"

// exempt are files whose Korean is not ours to word, or stands elsewhere: what the simulated hub says, as Payple's does, this glossary, and what
// alerts are expected to say, beside it in English.
var exempt = []string{"hub/", "internal/simulator/fault.go", "internal/simulator/hub.go", "internal/test/", "alerts/tests/"}

// Every Korean text that anybody is shown, in the sources and as it is shown, uses the words of the glossary, one level of politeness, 원, and
// attached parentheses.
func TestKoreanIsOfOneVoice(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	seen := 0
	for file := range strings.FieldsSeq(string(must.Get(list.Output())(t))) {
		within := func(folder string) bool { return strings.HasPrefix(file, folder) }
		if slices.ContainsFunc(exempt, within) || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata/fuzz/") {
			continue
		}
		if info, err := os.Lstat(root + file); err != nil || !info.Mode().IsRegular() {
			continue // a link to what is looked at where it is, or what is about to be removed
		}
		english := path.Ext(file) == ".md" && !strings.HasSuffix(file, ".ko.md")
		text := must.Read(t, root+file)
		if regexp.MustCompile(`\p{Hangul}`).MatchString(text) {
			seen++
		}
		for _, fault := range glossary.Faults(said(file, text), english) {
			t.Error(file, fault)
		}
	}
	if seen < 20 {
		t.Errorf("only %d files with Korean were looked at", seen)
	}
}

// said returns what a file says to people, by its kind.
func said(file, text string) string {
	switch path.Ext(file) {
	case ".go":
		return literals(text)
	case ".json":
		return strings.Join(regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).FindAllString(text, -1), "\n")
	case ".html":
		return regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(text, "")
	case ".png", ".tgz", ".gz":
		return ""
	}
	return text
}

// literals returns the strings of a Go file, each in a line of its own: comments quote.
func literals(source string) string {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(source)), []byte(source), nil, 0)
	var all []string
	for {
		switch _, kind, literal := s.Scan(); kind {
		case token.EOF:
			return strings.Join(all, "\n")
		case token.STRING:
			text, _ := strconv.Unquote(literal)
			all = append(all, text)
		default:
		}
	}
}

// Each kind of fault is found, and what is right is not one.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"가맹점 7곳", "가맹점"},
		{"판매자에게", "판매자"},
		{"셀러(판매자)에게", ""},
		{"결과 코드를 알려", "결과 코드"},
		{"문의해 주시기 바랍니다", "주시기"},
		{"확인하십시오.", "십시오"},
		{"금액을 읽는다.", "는다."},
		{"금액을 읽습니다. 잔여금액이 0원입니다.", ""},
		{"1분마다.", ""},
		{"한도 잔여금액 ₩5", "₩"},
		{"REMAINING ₩5 (KST)", ""},
		{"%s 전 (최근)", "전 ("},
		{"정상(최근)", ""},
		{"- (최근)", ""},
		{"[정상](a.md) `f (x)`과 {{ with query (printf x) }}은", ""},
	} {
		text, wrong := test[0], test[1]
		faults := glossary.Faults(text, false)
		if wrong == "" && len(faults) > 0 || wrong != "" && (len(faults) != 1 || !strings.Contains(faults[0], `"`+wrong)) {
			t.Errorf("%q: %q, want %q", text, faults, wrong)
		}
	}
	if faults := glossary.Faults("the payout API (지급이체), ₩5", true); len(faults) > 0 {
		t.Error(faults)
	}
}
