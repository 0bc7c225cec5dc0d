package main

import (
	"fmt"
	"slices"
	"time"
)

// laps is how often the queue of first lap is filled. What it had from the kernel in the first one
// it has in the others.
const laps = 3

func firstLapFamily() family {
	f := family{
		name: "first lap",
		about: "bursts of 50k calls into a file and a fresh logger with a queue for 65,536, whose memory nobody has touched: " +
			"the slowest calls, clock included, and the time until all is written, of one burst after the other",
		cases: []scenario{{"", runLaps}},
		only:  slogContenders,
	}
	for lap := range laps {
		p99, written := lapMetrics(lap)
		f.metrics = append(f.metrics, metric{p99, duration, ""}, metric{written, duration, syncName})
	}
	f.metrics = slices.Concat(f.metrics, fileMetrics)
	return f
}

func lapMetrics(lap int) (p99, written string) {
	return fmt.Sprintf("p99, lap %d", lap+1), fmt.Sprintf("until written, lap %d", lap+1)
}

func runLaps(c contender, b bench) (result, error) {
	s, err := c.open(sink{path: b.logFile(), capacity: 65536})
	if err != nil {
		return nil, err
	}
	took := make([]int64, b.size(50_000, 2000))
	figures := result{}
	for lap := range laps {
		first := lap * len(took)
		start := time.Now()
		timeCalls(took, s.logger, rhythm{}, first, logger.log3)
		if err := s.flush(first + len(took)); err != nil {
			return nil, err
		}
		p99, written := lapMetrics(lap)
		if c.name != floorName {
			figures[written] = float64(time.Since(start))
		}
		figures[p99] = quantile(took, 0.99)
	}
	r, err := closeAndVerify(c, s, b.logFile(), laps*len(took))
	if err != nil {
		return nil, err
	}
	for name, figure := range figures {
		r[name] = figure
	}
	return r, nil
}
