package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	phuslu "github.com/phuslu/log"

	"github.com/asynchandler/asynchandler/internal/plainjson"
)

func limitFamily() family {
	return family{
		name: "limit",
		about: "what lossless comes to at most, with one worker and this encoder: the handler behind asynchandler alone, over a 64 KiB bufio.Writer and a file, " +
			"on one goroutine that has the records already; the CPU time is that and the floor's",
		metrics: []metric{{"records/s", rate, syncName}, {"CPU per record", duration, syncName}},
		cases: []scenario{{"", func(c contender, b bench) (result, error) {
			switch c.name {
			case oursName:
				return runLimit(b, func(w io.Writer) slog.Handler { return plainjson.New(w, nil) })
			case oursFastName:
				return runLimit(b, func(w io.Writer) slog.Handler { return phuslu.SlogNewJSONHandler(w, nil) })
			}
			return runLossless(c, b, 1)
		}}},
		only: []string{syncName, oursName, oursFastName},
	}
}

func runLimit(b bench, build func(io.Writer) slog.Handler) (result, error) {
	f, err := os.Create(b.logFile())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, bufferSize)
	h := build(w)
	rounds, records := b.size(50, 2), keptRecords(defaultCapacity)
	encode := func() error {
		for _, r := range records {
			if err := h.Handle(context.Background(), r); err != nil {
				return err
			}
		}
		return w.Flush()
	}
	if err := encode(); err != nil { // warm
		return nil, err
	}
	start, cpu := time.Now(), cpuTime()
	for range rounds {
		if err := encode(); err != nil {
			return nil, err
		}
	}
	n := float64(rounds * len(records))
	r := result{"records/s": n / time.Since(start).Seconds()}
	logAll(newSlogLogger(nothing{}), logger.log3, 1, 0, rounds*len(records))
	r["CPU per record"] = float64(cpuTime()-cpu) / n
	return r, nil
}

// keeper is a handler that keeps the records.
type keeper struct {
	nothing
	records []slog.Record
}

func (k *keeper) Handle(_ context.Context, r slog.Record) error {
	k.records = append(k.records, r.Clone())
	return nil
}

// keptRecords returns n records as a log call makes them.
func keptRecords(n int) []slog.Record {
	k := &keeper{records: make([]slog.Record, 0, n)}
	logAll(newSlogLogger(k), logger.log3, 1, 0, n)
	return k.records
}
