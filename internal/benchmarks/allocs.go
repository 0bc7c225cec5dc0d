package main

import (
	"io"
	"runtime"
)

func allocsFamily() family {
	return family{
		name:    "allocs",
		about:   "bytes and allocations per record, those of a worker included",
		metrics: []metric{{"bytes", fraction, ""}, {"allocations", fraction, ""}},
		cases: []scenario{
			{"3 attributes", func(c contender, b bench) (result, error) { return runAllocs(c, b, logger.log3) }},
			{"5 attributes", func(c contender, b bench) (result, error) { return runAllocs(c, b, logger.log5) }},
			{"8 attributes", func(c contender, b bench) (result, error) { return runAllocs(c, b, logger.log8) }},
		},
	}
}

func runAllocs(c contender, b bench, log func(logger, int)) (result, error) {
	s, sent, err := c.openWarm(sink{w: io.Discard, capacity: burstSize}, b)
	if err != nil {
		return nil, err
	}
	const warmUp, bursts = 2, 4
	burst := b.size(burstSize, 512)
	var before, after runtime.MemStats
	for i := range warmUp + bursts {
		if i == warmUp {
			runtime.ReadMemStats(&before)
		}
		logAll(s.logger, log, 1, sent, burst)
		sent += burst
		if err := s.flush(sent); err != nil {
			return nil, err
		}
	}
	runtime.ReadMemStats(&after)
	records := float64(bursts * burst)
	return result{
		"bytes":       float64(after.TotalAlloc-before.TotalAlloc) / records,
		"allocations": float64(after.Mallocs-before.Mallocs) / records,
	}, s.close()
}
