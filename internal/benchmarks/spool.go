package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

func spoolFamily() family {
	return family{
		name: "spool",
		about: "300k records while a file refuses all, until all are on the disk, without fsync; then the file takes them, until all are delivered: " +
			"records per second, and CPU time of the process for each. The handler writes lines, or is given records, which slog's JSON handler writes",
		metrics: []metric{{"in", rate, ""}, {"out", rate, ""}, {"CPU in", duration, ""}, {"CPU out", duration, ""}},
		only:    []string{oursName},
		cases: []scenario{
			{"lines", func(_ contender, b bench) (result, error) { return runSpool(b, overLines) }},
			{"records", func(_ contender, b bench) (result, error) { return runSpool(b, overRecords) }},
		},
	}
}

func overLines(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
	return asynchandler.NewJSONHandler(w, nil, append(opts, asynchandler.WithMaxWrite(64<<10))...) // as for a file
}

func overRecords(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
	return asynchandler.New(slog.NewJSONHandler(w, nil), opts...)
}

func runSpool(b bench, build func(io.Writer, ...asynchandler.Option) *asynchandler.Handler) (result, error) {
	file, err := os.Create(b.logFile())
	if err != nil {
		return nil, err
	}
	defer file.Close()
	disk, err := spool.Open(filepath.Join(b.dir, "spool"), spool.Options{SyncInterval: -1})
	if err != nil {
		return nil, err
	}
	w := &refusingWriter{w: file}
	w.down.Store(true)
	h := build(w, asynchandler.WithSpool(disk), asynchandler.WithCapacity(b.size(1<<16, 256)),
		asynchandler.WithOverflow(asynchandler.Block), asynchandler.WithErrorHandler(func(error) {}))
	n := b.size(300_000, 2000)

	start, cpu := time.Now(), cpuTime()
	logAll(newSlogLogger(h), logger.log3, 1, 0, n)
	if err := h.Flush(context.Background()); err != nil {
		return nil, err
	}
	in, cpuIn := time.Since(start), cpuTime()-cpu
	if got := h.Stats().Spooled; got != n {
		return nil, fmt.Errorf("%d of %d records are in the spool: %+v", got, n, h.Stats())
	}

	w.down.Store(false)
	start, cpu = time.Now(), cpuTime()
	h.ResetBreaker()
	err = waitUntil(func() bool { return h.Stats().Delivered == uint64(n) })
	out, cpuOut := time.Since(start), cpuTime()-cpu
	if err = errors.Join(err, h.Close(), inOrderFrom(b.logFile(), n)); err != nil {
		return nil, fmt.Errorf("%w: %+v", err, h.Stats())
	}
	each := float64(n)
	return result{
		"in": each / in.Seconds(), "out": each / out.Seconds(), "CPU in": float64(cpuIn) / each, "CPU out": float64(cpuOut) / each,
	}, nil
}

// refusingWriter refuses all while it is down.
type refusingWriter struct {
	w    io.Writer
	down atomic.Bool
}

func (r *refusingWriter) Write(p []byte) (int, error) {
	if r.down.Load() {
		return 0, errors.New("refused")
	}
	return r.w.Write(p)
}

// inOrderFrom returns an error unless the lines of the file have the numbers below n, in order.
func inOrderFrom(file string, n int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want := 0
	for line := range bytes.Lines(text) {
		var record struct{ N int }
		if err := json.Unmarshal(line, &record); err != nil || record.N != want {
			return fmt.Errorf("line %q, want number %d: %w", line, want, err)
		}
		want++
	}
	if want != n {
		return fmt.Errorf("%d lines, want %d", want, n)
	}
	return nil
}
