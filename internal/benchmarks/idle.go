package main

import (
	"io"
	"runtime"
	"time"
)

func idleFamily() family {
	return family{
		name:    "idle",
		about:   "CPU time of the process in 5 s after the last of 16k records was written; that of the floor is the Go runtime's own",
		metrics: []metric{{"CPU in 5 s", duration, ""}},
		cases:   []scenario{{"", runIdle}},
	}
}

func runIdle(c contender, b bench) (result, error) {
	s, _, err := c.openWarm(sink{w: io.Discard, capacity: burstSize}, b)
	if err != nil {
		return nil, err
	}
	runtime.GC() // else the runtime's background work may fall into the time
	time.Sleep(time.Duration(b.size(1000, 10)) * time.Millisecond)
	cpu := cpuTime()
	time.Sleep(time.Duration(b.size(5000, 10)) * time.Millisecond)
	r := result{"CPU in 5 s": float64(cpuTime() - cpu)}
	return r, s.close()
}

// cpuTime returns what the process has used so far.
func cpuTime() time.Duration { return cpuOf(usage()) }
