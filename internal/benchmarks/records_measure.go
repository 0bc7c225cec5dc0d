package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler"
)

// effort is how much is measured: bursts of calls, and those until all is written.
type effort struct{ bursts, calls, longBursts, longCalls int }

func effortOf(rounds int, quick bool) effort {
	if quick {
		return effort{10, 20, 1, 100}
	}
	return effort{100 * rounds, 400, 2 * rounds, 20_000}
}

// A runner is a logger that takes its turn.
type runner struct {
	log    *slog.Logger
	flush  func(sent int) error
	calls  []float64 // ns for a call, in each burst
	writes []float64 // ns for a record until all is written, in each long burst
}

// takeTurns lets each runner log bursts of a kind, one after the other, numbered from 0. It returns
// how many records each has logged. The order moves on, so that each comes after itself at times:
// then its caches are warm.
func takeTurns(k kind, e effort, runners ...*runner) (n int, err error) {
	for i := range e.bursts {
		for _, r := range rotated(runners, i) {
			r.calls = append(r.calls, r.logAll(k, n, e.calls))
			err = errors.Join(err, r.flush(n+e.calls))
		}
		n += e.calls
	}
	for i := range e.longBursts {
		for _, r := range rotated(runners, i) {
			start := time.Now()
			r.logAll(k, n, e.longCalls)
			err = errors.Join(err, r.flush(n+e.longCalls))
			r.writes = append(r.writes, float64(time.Since(start))/float64(e.longCalls))
		}
		n += e.longCalls
	}
	return n, err
}

// logAll returns how long a call took, in ns.
func (r *runner) logAll(k kind, first, calls int) float64 {
	start := time.Now()
	for i := range calls {
		k.log(r.log, first+i)
	}
	return float64(time.Since(start)) / float64(calls)
}

// call returns the fifth percentile, in which little else was in the way: neither the worker, which
// may have to share a core with the caller, nor another program.
func (r *runner) call() float64 {
	return slices.Sorted(slices.Values(r.calls))[len(r.calls)/20]
}

// write returns how long a record took until all was written.
func (r *runner) write() float64 { return median(r.writes) }

// lossless returns how many times as fast as another it wrote everything.
func (r *runner) lossless(other *runner) float64 {
	ratios := make([]float64, len(r.writes))
	for i := range r.writes {
		ratios[i] = other.writes[i] / r.writes[i]
	}
	return median(ratios)
}

// figures are of a call, those in which little else was in the way, and medians of what it takes
// until all is written.
type figures struct {
	floor, sync, call     float64 // ns
	syncWrite, write      float64 // ns per record until all is written
	lossless              float64
	allocs, allocsOfFloor float64
}

// printRecords measures the kinds whose name matches, each beside the floor and slog's own handler
// in one process, a few hundred calls to each in turns; and some beside the peers in the same way.
func printRecords(matches func(string) bool, e effort) error {
	selected := slices.DeleteFunc(kinds(), func(k kind) bool { return !matches("records/" + k.name) })
	table := [][]string{{"record", "floor", "sync", "ours", "x floor", "x sync", "allocs (floor)", "until written: sync", "ours", "lossless, x sync"}}
	for _, k := range selected {
		f, err := measureKind(k, e)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		table = append(table, []string{
			k.name, duration(f.floor), duration(f.sync), duration(f.call), fraction(f.call / f.floor), fraction(f.call / f.sync),
			fmt.Sprintf("%.0f (%.0f)", f.allocs, f.allocsOfFloor), duration(f.syncWrite), duration(f.write), fraction(f.lossless),
		})
	}
	fmt.Printf("\n### records\n\n%s.\n\n%s",
		"time per call into a file, the fifth percentile of bursts of 400; time per record until written, medians of bursts of 20,000; all within one process, in turns", markdown(table))
	return printRecordsOfPeers(selected, e)
}

func measureKind(k kind, e effort) (f figures, err error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	var files [2]*os.File
	for i := range files {
		if files[i], err = os.Create(filepath.Join(dir, fmt.Sprint("log", i))); err != nil {
			return f, err
		}
		defer files[i].Close()
	}
	var own slog.Handler
	var h *asynchandler.Handler
	if k.text {
		own, h = slog.NewTextHandler(files[0], k.ho), asynchandler.NewTextHandler(files[1], k.ho)
	} else {
		own, h = slog.NewJSONHandler(files[0], k.ho), asynchandler.NewJSONHandler(files[1], k.ho)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if f, err = measureBeside(k, e, own, h); err != nil {
		return f, err
	}
	return f, sameLines(files[0].Name(), files[1].Name())
}

// measureBeside measures our handler beside the floor and slog's own, which have nothing to flush.
func measureBeside(k kind, e effort, own slog.Handler, h *asynchandler.Handler) (figures, error) {
	nothingToDo := func(int) error { return nil }
	floor := &runner{log: slog.New(nothing{}), flush: nothingToDo}
	sync := &runner{log: slog.New(own), flush: nothingToDo}
	ours := &runner{log: slog.New(h), flush: func(int) error { return h.Flush(context.Background()) }}
	n, err := takeTurns(k, e, floor, sync, ours)
	if err != nil {
		return figures{}, err
	}
	f := figures{
		floor: floor.call(), sync: sync.call(), call: ours.call(),
		syncWrite: sync.write(), write: ours.write(), lossless: ours.lossless(sync),
	}
	f.allocsOfFloor = mallocs(func() { floor.logAll(k, n, e.calls) }) / float64(e.calls)
	sync.logAll(k, n, e.calls)
	f.allocs = mallocs(func() { ours.logAll(k, n, e.calls); err = ours.flush(0) }) / float64(e.calls)
	return f, err
}

// mallocs returns how many objects f allocates, those of a worker too.
func mallocs(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs - before.Mallocs)
}

// sameLines holds a file that slog's handler wrote against ours, but for the times.
func sameLines(slogs, ours string) error {
	var lines [2][]string
	for i, name := range []string{slogs, ours} {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		lines[i] = strings.Split(string(data), "\n")
	}
	if len(lines[0]) != len(lines[1]) {
		return fmt.Errorf("%d lines instead of %d", len(lines[1]), len(lines[0]))
	}
	for i := range lines[0] {
		_, want, _ := strings.Cut(lines[0][i], slog.LevelInfo.String())
		_, got, _ := strings.Cut(lines[1][i], slog.LevelInfo.String())
		if got != want {
			return fmt.Errorf("line %d is %q instead of %q", i, lines[1][i], lines[0][i])
		}
	}
	return nil
}
