package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	slowCapacity = 512 // so that the queue is full before the first second ends
	slowLine     = time.Millisecond
	slowEvery    = 5 * time.Millisecond // the calls of a goroutine
)

func slowFamily() family {
	f := family{
		name: "slow",
		about: "goroutines that log 200 times a second each for 6 s, to a file behind a writer that takes 1 ms a line, 512 may wait: " +
			"p99 of a call after the first second, and how long all calls took together",
		metrics: slices.Concat([]metric{{"p99", duration, ""}, {"in calls", duration, ""}}, fileMetrics),
		only:    slogContenders,
	}
	for _, n := range []int{10, 50} {
		f.cases = append(f.cases, scenario{
			fmt.Sprintf("%d goroutines", n),
			func(c contender, b bench) (result, error) { return runSlow(c, b, n) },
		})
	}
	return f
}

func runSlow(c contender, b bench, goroutines int) (result, error) {
	file, err := os.Create(b.logFile())
	if err != nil {
		return nil, err
	}
	w := &slowWriter{w: file}
	s, first, err := c.openWarm(sink{w: w, capacity: slowCapacity, drop: true}, b)
	if err != nil {
		return nil, err
	}
	s.close = inOrder(s.close, file.Close)
	callers := newCallers(s.logger, first, time.Duration(b.size(6000, 60))*time.Millisecond)
	w.slow.Store(true)
	callers.run(goroutines)
	w.slow.Store(false) // what is left need not take long
	r, err := closeAndVerify(c, s, b.logFile(), int(callers.next.Load()))
	if err != nil {
		return nil, err
	}
	r["p99"], r["in calls"] = quantile(callers.took, 0.99), float64(callers.all)
	return r, nil
}

// callers log from several goroutines until their time is over.
type callers struct {
	logger
	next   atomic.Int64 // number to log
	start  time.Time
	settle time.Duration // after start: earlier calls have no part in took
	end    time.Duration

	mu   sync.Mutex
	took []int64       // by each call, in ns
	all  time.Duration // of all calls
}

func newCallers(l logger, first int, end time.Duration) *callers {
	c := &callers{logger: l, start: time.Now(), settle: end / 6, end: end}
	c.next.Store(int64(first))
	return c
}

func (c *callers) run(goroutines int) {
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() { c.call(slowEvery * time.Duration(i) / time.Duration(goroutines)) })
	}
	wg.Wait()
}

// call logs once in slowEvery, from so much after the start. A call that is late is not made up for.
func (c *callers) call(due time.Duration) {
	var took []int64
	var all time.Duration
	for due < c.end {
		time.Sleep(due - time.Since(c.start))
		before := time.Since(c.start)
		c.log3(int(c.next.Add(1)) - 1)
		after := time.Since(c.start)
		if before >= c.settle {
			took = append(took, int64(after-before))
		}
		all += after - before
		due = max(due+slowEvery, after)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took, c.all = append(c.took, took...), c.all+all
}

// slowWriter is slow, once it is told to be.
type slowWriter struct {
	w    io.Writer
	slow atomic.Bool
}

func (s *slowWriter) Write(p []byte) (int, error) {
	if s.slow.Load() {
		time.Sleep(slowLine * time.Duration(bytes.Count(p, []byte{'\n'})))
	}
	return s.w.Write(p)
}
