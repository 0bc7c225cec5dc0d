package main

import (
	"fmt"
	"runtime"
	"time"
)

func gcFamily() family {
	f := family{
		name:    "gc",
		about:   "one runtime.GC() of a process that has nothing but a queue, empty or full, and the heap it keeps",
		metrics: []metric{{"GC", duration, ""}, {"heap", mebibytes, ""}},
		only:    []string{floorName, "channel", oursName},
	}
	for _, n := range capacities {
		f.cases = append(
			f.cases,
			scenario{fmt.Sprintf("%d empty", n), func(c contender, b bench) (result, error) { return runGC(c, b, n, 0) }},
			scenario{fmt.Sprintf("%d full", n), func(c contender, b bench) (result, error) { return runGC(c, b, n, n) }},
		)
	}
	return f
}

// runGC lets records wait in a queue of some capacity while the garbage is collected.
func runGC(c contender, b bench, capacity, waiting int) (result, error) {
	if b.quick {
		capacity, waiting = min(capacity, 1024), min(waiting, 1024)
	}
	w := make(blockedWriter)
	s, err := c.open(sink{w: w, capacity: capacity})
	if err != nil {
		return nil, err
	}
	logAll(s.logger, logger.log3, 1, 0, waiting)
	runtime.GC()
	var took []float64
	for range b.size(15, 1) {
		start := time.Now()
		runtime.GC()
		took = append(took, float64(time.Since(start)))
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	close(w)
	return result{"GC": median(took), "heap": float64(m.HeapAlloc)}, s.close()
}

// blockedWriter does not take anything until it is closed.
type blockedWriter chan struct{}

func (w blockedWriter) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}
