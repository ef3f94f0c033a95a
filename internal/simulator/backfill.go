package simulator

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

const (
	// past is how long before its beginning a drill's history begins: what last
	// week took of the coming 24 hours is asked of up to eight days.
	past = 8*24*time.Hour + 2*time.Hour
	// recent is what a Prometheus keeps to itself: older samples alone can be
	// added to it.
	recent = 3 * time.Hour
)

// before returns a plan that ends with the plan's start, and repeats each day
// what happened on the days of the week before.
func (p Plan) before() Plan {
	history := Plan{Start: p.Start}
	for _, event := range p.WeekBefore {
		const day = 24 * time.Hour
		first := past + event.After
		for first > day {
			first -= day
		}
		for after := first; after <= past+event.After-day; after += day {
			history.Events = append(history.Events, Event{After: after, Pay: event.Pay, TopUp: event.TopUp})
			history.Start.Total -= event.TopUp
			history.Start.Transferred -= event.Pay
		}
	}
	return history
}

// Backfill writes, as OpenMetrics, what an exporter would have shown of
// partners every two minutes in the week before the drill began, those that have
// none left out. hub is the label of the simulated one.
func Backfill(out io.Writer, began time.Time, hub string, partners []Partner) error {
	w := bufio.NewWriter(out)
	for _, metric := range []struct {
		name, labels string
		value        func(Figures) any
	}{
		{"payple_merchant_info", `,cst_id=%[1]q,hub=%[2]q`, func(Figures) any { return 1 }},
		{"payple_transfer_remain_amount", "", func(f Figures) any { return int64(f.Remain()) }},
		{"total_account_amt", "", func(f Figures) any { return int64(f.Total) }},
		{"total_transfer_amt", "", func(f Figures) any { return int64(f.Transferred) }},
	} {
		_, _ = fmt.Fprintf(w, "# TYPE %s gauge\n", metric.name) // Flush tells of all that fails
		for _, partner := range partners {
			if len(partner.Plan.WeekBefore) == 0 {
				continue
			}
			labels := fmt.Sprintf(`{job="payple",instance="backfill",merchant=%[1]q`+metric.labels+"%[3]s}", partner.CstID, hub, "")
			history := partner.Plan.before()
			for elapsed := time.Duration(0); elapsed <= past-recent; elapsed += 2 * time.Minute {
				_, _ = fmt.Fprintf(w, "%s%s %v %d\n", metric.name, labels, metric.value(history.At(elapsed)), began.Add(elapsed-past).Unix())
			}
		}
	}
	_, _ = fmt.Fprintln(w, "# EOF")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the week before: %w", err)
	}
	return nil
}
