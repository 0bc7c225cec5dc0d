package main

import (
	"encoding/json"
	"fmt"
	"log"
	"strings"

	"github.com/asynchandler/asynchandler"
)

// audit compares the handler's books with the lines that came out.
func audit(table *log.Logger, st asynchandler.Stats, logged int, out string) error {
	sum := st.Delivered + st.Fallback + st.Failed + st.Dropped + uint64(st.Depth)
	if st.Received != sum || sum != uint64(logged) {
		return fmt.Errorf("logged %d, received %d, but the outcomes add up to %d", logged, st.Received, sum)
	}
	times := make([]int, logged) // that each line came out
	for line := range strings.Lines(out) {
		var record struct{ N int }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			return fmt.Errorf("not a line: %q: %w", line, err)
		}
		times[record.N]++
	}
	for n, t := range times {
		if t != 1 {
			return fmt.Errorf("record %d came out %d times", n, t)
		}
	}
	table.Printf("%d logged = %d delivered + %d fallback + %d failed + %d dropped; none is missing, none double\n\n",
		logged, st.Delivered, st.Fallback, st.Failed, st.Dropped)
	return nil
}
