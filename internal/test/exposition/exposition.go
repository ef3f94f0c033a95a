// Package exposition reads what an exporter exposes as strictly as Prometheus
// does, and then some. Only tests and the soak import it.
package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"payple_exporter/hub"
)

// OpenMetrics is the Accept header of a scraper that wants OpenMetrics.
const OpenMetrics = "application/openmetrics-text; version=1.0.0"

// Page is the samples of one scrape, by series as it is written, such as
// payple_up{merchant="store"}.
type Page map[string]float64

// Parse reads an exposition in the format that contentType names: with the
// parser of Prometheus' own scrapes, and the classic text format also with
// expfmt, which wants types and help to fit. A series that stands there twice
// and a sample with a timestamp are errors.
func Parse(contentType string, body []byte) (Page, error) {
	parser, err := textparse.New(body, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, fmt.Errorf("content type %q: %w", contentType, err)
	}
	if _, openMetrics := parser.(*textparse.OpenMetricsParser); openMetrics {
		if err := strict(string(body)); err != nil {
			return nil, fmt.Errorf("OpenMetrics: %w", err)
		}
	} else {
		strict := expfmt.NewTextParser(model.UTF8Validation)
		if _, err := strict.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
			return nil, fmt.Errorf("expfmt: %w", err)
		}
	}
	page := make(Page)
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return page, nil
		}
		if err != nil {
			return nil, fmt.Errorf("textparse: %w", err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		series, timestamp, value := parser.Series()
		switch _, twice := page[string(series)]; {
		case twice:
			return nil, fmt.Errorf("%s stands there twice", series)
		case timestamp != nil:
			return nil, fmt.Errorf("%s has a timestamp", series)
		}
		page[string(series)] = value
	}
}

// Of returns the value of a metric that has the label merchant alone, and
// whether it is there.
func (p Page) Of(metric, merchant string) (float64, bool) {
	value, there := p[metric+"{merchant="+strconv.Quote(merchant)+"}"]
	return value, there
}

// Figures are the three amounts of a merchant, in won.
type Figures struct{ Remain, Total, Transferred int64 }

// Figures returns the amounts of a merchant, and whether they are there. All
// three are, as whole numbers, or none is: anything else is an error.
func (p Page) Figures(merchant string) (_ Figures, known bool, _ error) {
	var amounts []int64
	names := []string{"payple_transfer_remain_amount", "total_account_amt", "total_transfer_amt"}
	for _, name := range names {
		value, there := p.Of(name, merchant)
		if !there {
			continue
		}
		if value != math.Trunc(value) || math.IsInf(value, 0) {
			return Figures{}, false, fmt.Errorf("%s of %s is %v", name, merchant, value)
		}
		amounts = append(amounts, int64(value))
	}
	switch len(amounts) {
	case 0:
		return Figures{}, false, nil
	case len(names):
		return Figures{amounts[0], amounts[1], amounts[2]}, true, nil
	}
	return Figures{}, false, fmt.Errorf("%s has %d of %d amounts", merchant, len(amounts), len(names))
}

// Health returns whether the latest query for a merchant succeeded, and if not
// why: empty before the first. That the page contradicts itself is an error.
func (p Page) Health(merchant string) (up bool, reason hub.Reason, _ error) {
	value, there := p.Of("payple_up", merchant)
	if !there || value != 0 && value != 1 {
		return false, "", fmt.Errorf("payple_up of %s is %v (there: %v)", merchant, value, there)
	}
	var reasons []hub.Reason
	for _, reason := range hub.Reasons() {
		series := "payple_failure{merchant=" + strconv.Quote(merchant) + ",reason=" + strconv.Quote(string(reason)) + "}"
		if p[series] == 1 {
			reasons = append(reasons, reason)
		}
	}
	switch {
	case value == 1 && len(reasons) > 0, len(reasons) > 1:
		return false, "", fmt.Errorf("payple_up of %s is %v, with the reasons %q", merchant, value, reasons)
	case value == 1:
		return true, "", nil
	}
	return false, first(reasons), nil
}

func first(reasons []hub.Reason) hub.Reason {
	if len(reasons) == 0 {
		return ""
	}
	return slices.Min(reasons)
}
