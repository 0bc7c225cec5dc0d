package main

import (
	"slices"
	"time"
)

func losslessFamily() family {
	return family{
		name:    "lossless",
		about:   "as many records as a file takes, for callers that wait for room: records written per second until all is written and the logger closed, and CPU time of the process for each",
		metrics: slices.Concat([]metric{{"records/s", rate, syncName}, {"CPU per record", duration, syncName}}, fileMetrics),
		cases: []scenario{
			{"1 goroutine", func(c contender, b bench) (result, error) { return runLossless(c, b, 1) }},
			{"8 goroutines", func(c contender, b bench) (result, error) { return runLossless(c, b, 8) }},
		},
		without: []string{floorName},
	}
}

func runLossless(c contender, b bench, goroutines int) (result, error) {
	s, first, err := c.openWarm(sink{path: b.logFile(), capacity: defaultCapacity}, b)
	if err != nil {
		return nil, err
	}
	records := b.size(400_000, 2000)
	start, cpu := time.Now(), cpuTime()
	logAll(s.logger, logger.log3, goroutines, first, records)
	err = s.close()
	took, used := time.Since(start), cpuTime()-cpu
	if err != nil {
		return nil, err
	}
	r, err := verify(c, s, b.logFile(), first+records)
	if err != nil {
		return nil, err
	}
	written := float64(records) - r["lost"] // those that cannot wait get no credit for what they lose
	r["records/s"], r["CPU per record"] = written/took.Seconds(), float64(used)/written
	return r, nil
}
