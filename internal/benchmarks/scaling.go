package main

import (
	"fmt"
	"io"
	"time"
)

var (
	scalingContenders = []string{floorName, syncName, "channel", "phuslu/log", oursName, oursFastName}
	goroutineCounts   = []int{1, 2, 4, 8, 64, 512}
	capacities        = []int{256, 1024, defaultCapacity, 65536, 1 << 20}
	scalingMetrics    = []metric{{"time per call", duration, floorName}, {"records/s", rate, syncName}, {"lost", count, ""}}
)

func goroutinesFamily() family {
	f := family{
		name:    "goroutines",
		about:   "many records from so many goroutines, 8192 may wait, lines discarded: wall time per call, and records per second until all is written",
		metrics: scalingMetrics,
		only:    scalingContenders,
	}
	for _, n := range goroutineCounts {
		f.cases = append(f.cases, scenario{fmt.Sprint(n), func(c contender, b bench) (result, error) {
			return runScaling(c, b, n, defaultCapacity)
		}})
	}
	return f
}

func capacityFamily() family {
	f := family{
		name:    "capacity",
		about:   "many records from one goroutine, so many may wait, lines discarded",
		metrics: scalingMetrics,
		only:    scalingContenders,
	}
	for _, n := range capacities {
		f.cases = append(f.cases, scenario{fmt.Sprint(n), func(c contender, b bench) (result, error) {
			return runScaling(c, b, 1, n)
		}})
	}
	return f
}

func runScaling(c contender, b bench, goroutines, capacity int) (result, error) {
	s, first, err := c.openWarm(sink{w: io.Discard, capacity: capacity}, b)
	if err != nil {
		return nil, err
	}
	records := b.size(1<<20, 1<<10)
	start := time.Now()
	logAll(s.logger, logger.log3, goroutines, first, records)
	calls := time.Since(start)
	if err := s.close(); err != nil {
		return nil, err
	}
	r := result{
		"time per call": float64(calls) / float64(records),
		"records/s":     float64(records) / time.Since(start).Seconds(),
	}
	if s.dropped != nil {
		r["lost"] = float64(s.dropped())
	}
	return r, nil
}
