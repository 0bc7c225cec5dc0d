package main

import (
	"slices"
	"time"
)

func paceFamily() family {
	return family{
		name:    "pace",
		about:   "one call each 500 us into a file, while a worker sleeps. A call includes reading the clock twice, which takes what the floor's row says",
		metrics: slices.Concat([]metric{{"p50", duration, floorName}, {"p99", duration, floorName}, {"clock", duration, ""}}, fileMetrics),
		cases:   []scenario{{"", runPace}},
	}
}

func runPace(c contender, b bench) (result, error) {
	s, first, err := c.openWarm(sink{path: b.logFile(), capacity: defaultCapacity}, b)
	if err != nil {
		return nil, err
	}
	took := make([]int64, b.size(2000, 20))
	timeCalls(took, s.logger, every(500*time.Microsecond), first, logger.log3)
	r, err := closeAndVerify(c, s, b.logFile(), first+len(took))
	if err != nil {
		return nil, err
	}
	r["p50"], r["p99"] = quantile(took, 0.5), quantile(took, 0.99)
	if c.name == floorName {
		r["clock"] = clockOverhead()
	}
	return r, nil
}

func burstFamily() family {
	return family{
		name:    "burst",
		about:   "50k calls by one goroutine into a file and a queue that holds them: the slowest calls, clock included, and the time until all is written and the logger closed",
		metrics: slices.Concat([]metric{{"p99", duration, ""}, {"p99.9", duration, ""}, {"until written", duration, syncName}}, fileMetrics),
		cases:   []scenario{{"", runBurst}},
	}
}

func runBurst(c contender, b bench) (result, error) {
	s, first, err := c.openWarm(sink{path: b.logFile(), capacity: 65536}, b)
	if err != nil {
		return nil, err
	}
	took := make([]int64, b.size(50_000, 2000))
	start := time.Now()
	timeCalls(took, s.logger, rhythm{}, first, logger.log3)
	err = s.close()
	written := time.Since(start)
	if err != nil {
		return nil, err
	}
	r, err := verify(c, s, b.logFile(), first+len(took))
	if err != nil {
		return nil, err
	}
	r["p99"], r["p99.9"] = quantile(took, 0.99), quantile(took, 0.999)
	if c.name != floorName {
		r["until written"] = float64(written)
	}
	return r, nil
}

// timeCalls makes calls at their time, numbered from first, and stores how long each took,
// in ns.
func timeCalls(took []int64, l logger, pace rhythm, first int, log func(logger, int)) {
	for i := range took {
		pace.wait(i)
		start := time.Now()
		log(l, first+i)
		took[i] = int64(time.Since(start))
	}
}

// rhythm says when calls are due. The zero value is as fast as possible.
type rhythm struct {
	start time.Time
	every time.Duration
}

func every(d time.Duration) rhythm { return rhythm{time.Now(), d} }

// wait sleeps until call i is due. A call that is late already follows at once.
func (p rhythm) wait(i int) {
	if p.every == 0 {
		return
	}
	if d := time.Duration(i)*p.every - time.Since(p.start); d > 0 {
		time.Sleep(d)
	}
}

// quantile sorts ns.
func quantile(ns []int64, q float64) float64 {
	slices.Sort(ns)
	return float64(ns[min(int(q*float64(len(ns))), len(ns)-1)])
}

// clockOverhead returns how long a call that does nothing seems to take.
func clockOverhead() float64 {
	took := make([]int64, 1001)
	for i := range took {
		start := time.Now()
		took[i] = int64(time.Since(start))
	}
	return quantile(took, 0.5)
}
