// Outage logs at a steady rate to a sink that fails, hangs and comes back, without a
// fallback and then with one. Once a second it shows what became of the records. In the
// end it looks whether any line is missing or there twice:
//
//	go run ./examples/outage
//
// Look at the depth: without a fallback the records wait until the sink is back. With
// one the depth stays low, and it is the fallback that gets them.
package main

import (
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler"
)

// moods is what the sink does, one after the other, each for one step.
var moods = []mood{works, works, fails, fails, hangs, hangs, works, works}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "outage: ", 0)
	step, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}

	table := log.New(stdout, "", 0)
	for _, withFallback := range []bool{false, true} {
		if err := play(table, step, withFallback); err != nil {
			console.Println(err)
			code = 1
		}
	}
	return code
}

// play logs through all moods of a sink.
func play(table *log.Logger, step time.Duration, withFallback bool) error {
	title := "Without a fallback: records wait until the sink is back."
	s, fallback := newSink(), &lines{}
	opts := []asynchandler.Option{
		asynchandler.WithBreaker(gobreaker.Settings{Timeout: step / 4}),
		asynchandler.WithStallTimeout(step / 4),
		asynchandler.WithErrorHandler(func(error) {}), // the table has the numbers
	}
	if withFallback {
		title = "With a fallback: it gets, at once, what the sink does not take."
		opts = append(opts, asynchandler.WithFallback(slog.NewJSONHandler(fallback, nil)))
	}
	h := asynchandler.NewJSONHandler(s, nil, opts...)
	defer h.Close()

	table.Printf("%s\n%5s  %-5s  %-9s  %5s  %9s  %8s  %7s  %6s  %6s", title,
		"step", "sink", "breaker", "depth", "delivered", "fallback", "dropped", "errors", "stalls")
	stop := logSteadily(slog.New(h), step/500)
	for i, m := range moods {
		s.set(m)
		time.Sleep(step)
		st := h.Stats()
		table.Printf("%5d  %-5s  %-9s  %5d  %9d  %8d  %7d  %6d  %6d", i+1, m,
			st.Breaker.State, st.Depth, st.Delivered, st.Fallback, st.Dropped, st.DeliveryErrors, st.Stalls)
	}
	logged := stop()
	if err := h.Close(); err != nil {
		return err
	}
	return audit(table, h.Stats(), logged, s.lines.String()+fallback.String())
}

// logSteadily logs a numbered record at each interval, until stop is called, which
// returns how many there were.
func logSteadily(logger *slog.Logger, interval time.Duration) (stop func() int) {
	var stopped atomic.Bool
	logged := make(chan int)
	go func() {
		n := 0
		for ; !stopped.Load(); n++ {
			logger.Info("tick", "n", n)
			time.Sleep(interval)
		}
		logged <- n
	}()
	return func() int {
		stopped.Store(true)
		return <-logged
	}
}
