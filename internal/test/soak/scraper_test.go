package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"payple_exporter/internal/test/exposition"
)

// pageOf is a page of a backend's partners, all up and with true figures.
func pageOf(b *backend) exposition.Page {
	page := exposition.Page{}
	for _, partner := range b.partners {
		page[fmt.Sprintf("payple_up{merchant=%q}", partner.CstID)] = 1
		page[fmt.Sprintf("total_account_amt{merchant=%q}", partner.CstID)] = float64(partner.Plan.Start.Total)
		page[fmt.Sprintf("total_transfer_amt{merchant=%q}", partner.CstID)] = 0
		page[fmt.Sprintf("payple_transfer_remain_amount{merchant=%q}", partner.CstID)] = float64(partner.Plan.Start.Total)
	}
	return page
}

// A page that lies, contradicts itself, or has lost a merchant is not true.
func TestScraperChecks(t *testing.T) {
	t.Parallel()
	remove := func(page exposition.Page, merchant string) {
		for series := range page {
			if strings.Contains(series, `"`+merchant+`"`) {
				delete(page, series)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(exposition.Page)
		want  string
	}{
		{"all is true", func(exposition.Page) {}, ""},
		{"a merchant that is out of the configuration", func(p exposition.Page) { remove(p, "m0009") }, ""},
		{"figures unknown", func(p exposition.Page) {
			remove(p, "m0001")
			p[`payple_up{merchant="m0001"}`] = 0
			p[`payple_failure{merchant="m0001",reason="timeout"}`] = 1
		}, ""},
		{"a merchant vanished", func(p exposition.Page) { remove(p, "m0008") }, "payple_up of m0008"},
		{"all merchants vanished", func(p exposition.Page) { clear(p) }, "payple_up of m0000"},
		{"only its health vanished", func(p exposition.Page) { delete(p, `payple_up{merchant="m0003"}`) }, "payple_up of m0003"},
		{"a figure vanished", func(p exposition.Page) { delete(p, `total_account_amt{merchant="m0003"}`) }, "m0003 has 2 of 3 amounts"},
		{"another merchant's figures", func(p exposition.Page) {
			p[`total_account_amt{merchant="m0003"}`]++
			p[`payple_transfer_remain_amount{merchant="m0003"}`]++
		}, "figures of m0003 are not true"},
		{"a sum that is wrong", func(p exposition.Page) { p[`payple_transfer_remain_amount{merchant="m0003"}`]-- }, "figures of m0003 are not true"},
		{"paid out more than ever was", func(p exposition.Page) {
			p[`total_transfer_amt{merchant="m0003"}`]++
			p[`payple_transfer_remain_amount{merchant="m0003"}`]--
		}, "figures of m0003 are not true"},
		{"up and failing", func(p exposition.Page) { p[`payple_failure{merchant="m0003",reason="timeout"}`] = 1 }, "payple_up of m0003 is 1, with the reasons"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := backendOf(10)
			page := pageOf(b)
			test.spoil(page)
			now := time.Now()
			switch err := newScraper("", b, nil).check(page, 0, len(b.partners), now, now); {
			case test.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
}

// The report is tied to the sources by what the exporter itself says.
func TestRevision(t *testing.T) {
	t.Parallel()
	page := exposition.Page{
		`go_info{version="go1.26.8"}`: 1,
		`payple_exporter_build_info{branch="",goarch="amd64",goversion="go1.26.8",revision="0123abc-dirty",tags="unknown",version=""}`: 1,
	}
	if got := revisionOf(page); got != "0123abc-dirty" {
		t.Errorf("revision %q", got)
	}
	if got := revisionOf(exposition.Page{}); got != "unknown" {
		t.Errorf("revision of nothing is %q", got)
	}
}
