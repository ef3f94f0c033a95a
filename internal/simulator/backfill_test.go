package simulator_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"payple_exporter/internal/simulator"
)

// The week before a drill leads to its start: each day's events, and figures
// that go on where they ended, but for those of the day itself.
func TestBackfillLeadsToTheStart(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	drill, err := simulator.FindDrill("forgotten-top-up", simulator.DrillOptions{CustKey: simKey, Began: began})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := simulator.Backfill(&out, began, "127.0.0.1:1", drill.Partners); err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		ago    time.Duration
		remain string
	}{
		{7*day + 76*time.Minute, "30000000"},
		{7*day + 74*time.Minute, "130000000"},
		{7*day - 74*time.Minute, "130000000"},
		{7*day - 76*time.Minute, "30000000"},
		{day + 74*time.Minute, "130000000"},
		{3 * time.Hour, "30000000"},
	} {
		line := fmt.Sprintf("payple_transfer_remain_amount{job=\"payple\",instance=\"backfill\",merchant=\"daily-batch\"} %s %d\n", c.remain, began.Add(-c.ago).Unix())
		if !strings.Contains(out.String(), line) {
			t.Errorf("%s before: no %s", c.ago, line)
		}
	}
	if !strings.HasSuffix(out.String(), "\n# EOF\n") {
		t.Error("the end is not marked")
	}
}
