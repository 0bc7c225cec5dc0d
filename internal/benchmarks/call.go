package main

import (
	"io"
	"slices"
	"sync"
	"time"
)

// burstSize is how many calls a burst has, and how many records may wait.
const burstSize = 16384

func callFamily() family {
	return family{
		name:    "call",
		about:   "time per call in bursts of 16k into a queue that holds them, lines discarded",
		metrics: []metric{{"time per call", duration, floorName}},
		cases: []scenario{
			{"3 attributes", func(c contender, b bench) (result, error) { return runBursts(c, b, 1, logger.log3) }},
			{"8 attributes", func(c contender, b bench) (result, error) { return runBursts(c, b, 1, logger.log8) }},
		},
	}
}

func parallelFamily() family {
	return family{
		name:    "parallel",
		about:   "the same bursts by many goroutines at once, 3 attributes: wall time per record until the callers are through, and until all is written",
		metrics: []metric{{"time per call", duration, floorName}, {"until written", duration, floorName}},
		cases: []scenario{
			{"8 goroutines", func(c contender, b bench) (result, error) { return runBursts(c, b, 8, logger.log3) }},
			{"64 goroutines", func(c contender, b bench) (result, error) { return runBursts(c, b, 64, logger.log3) }},
		},
	}
}

// runBursts returns the medians of many bursts. What is left of one is written before the next
// begins.
func runBursts(c contender, b bench, goroutines int, log func(logger, int)) (result, error) {
	s, sent, err := c.openWarm(sink{w: io.Discard, capacity: burstSize}, b)
	if err != nil {
		return nil, err
	}
	const warmUp = 2
	var calls, written []float64
	burst := b.size(burstSize, 512)
	for i := range warmUp + b.size(40, 1) {
		start := time.Now()
		logAll(s.logger, log, goroutines, sent, burst)
		callsTook := time.Since(start)
		sent += burst
		if err := s.flush(sent); err != nil {
			return nil, err
		}
		if i >= warmUp {
			calls = append(calls, float64(callsTook)/float64(burst))
			written = append(written, float64(time.Since(start))/float64(burst))
		}
	}
	return result{"time per call": median(calls), "until written": median(written)}, s.close()
}

// logAll makes calls, numbered from first, from so many goroutines at once, and returns
// when all have returned. calls is a multiple of goroutines.
func logAll(l logger, log func(logger, int), goroutines, first, calls int) {
	if goroutines == 1 {
		for n := range calls {
			log(l, first+n)
		}
		return
	}
	each := calls / goroutines
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for n := range each {
				log(l, first+g*each+n)
			}
		})
	}
	wg.Wait()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
