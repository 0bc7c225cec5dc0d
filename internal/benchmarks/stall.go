package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

const (
	defaultCapacity = 8192
	errorEach       = 100 // of the records of an outage
	stalledRate     = 20_000
)

func stallFamily() family {
	return family{
		name:    "stall",
		about:   "20k calls/s, while the sink stalls for 50 ms of each 100 ms: the slowest calls, clock included",
		metrics: slices.Concat([]metric{{"p99", duration, ""}, {"p99.9", duration, ""}}, fileMetrics),
		cases:   []scenario{{"", runStall}},
	}
}

func outageFamily() family {
	return family{
		name: "outage",
		about: "80k calls in 4 s, each 100th an ERROR, while the sink stalls for 1 s of each 2 s and 8192 records may wait: 23,616 of them find no room. " +
			"Counted is what the contender itself says it lost",
		metrics: slices.Concat(fileMetrics, []metric{{"counted", count, ""}, {"errors lost", count, ""}, {"p99", duration, ""}, {"max", duration, ""}}),
		cases:   []scenario{{"", runOutage}},
		without: []string{floorName},
	}
}

func runStall(c contender, b bench) (result, error) {
	return runStalled(c, b, b.size(40_000, 2000), defaultCapacity, 100*time.Millisecond, logger.log3)
}

func runOutage(c contender, b bench) (result, error) {
	calls, capacity, period := 80_000, defaultCapacity, 2*time.Second
	if b.quick {
		calls, capacity, period = stalledRate*3/10, 512, 300*time.Millisecond
	}
	r, err := runStalled(c, b, calls, capacity, period, func(l logger, n int) {
		if n%errorEach == 0 {
			l.error3(n)
		} else {
			l.log3(n)
		}
	})
	if isOurs(c.name) && r["errors lost"] > 0 {
		return nil, fmt.Errorf("%s: lost %v errors", c.name, r["errors lost"])
	}
	return r, err
}

// runStalled logs at stalledRate to a sink that stalls in the first half of each period.
func runStalled(c contender, b bench, calls, capacity int, period time.Duration, log func(logger, int)) (result, error) {
	file, err := os.Create(b.logFile())
	if err != nil {
		return nil, err
	}
	w := &stallingWriter{w: file, period: period}
	s, first, err := c.openWarm(sink{w: w, capacity: capacity, drop: true}, b)
	if err != nil {
		return nil, err
	}
	s.close = inOrder(s.close, file.Close)
	took := make([]int64, calls)
	pace := every(time.Second / stalledRate)
	w.start.Store(&pace.start)
	timeCalls(took, s.logger, pace, first, log)
	r, err := closeAndVerify(c, s, b.logFile(), first+calls)
	if err != nil {
		return nil, err
	}
	r["p99"], r["p99.9"], r["max"] = quantile(took, 0.99), quantile(took, 0.999), quantile(took, 1)
	return r, nil
}

// stallingWriter holds Writes that come in the first half of each period until that is over.
type stallingWriter struct {
	w      io.Writer
	start  atomic.Pointer[time.Time] // of the first period
	period time.Duration
}

func (s *stallingWriter) Write(p []byte) (int, error) {
	if start := s.start.Load(); start != nil {
		time.Sleep(s.period/2 - time.Since(*start)%s.period)
	}
	return s.w.Write(p)
}
