package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	phuslu "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/diode"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/asynchandler/asynchandler"
)

// recordContenders log the records of services through slog, each with its own way of renaming
// keys and of adding the source: what the options ask of slog's handlers.
var recordContenders = []struct {
	name string
	open func(sink, slog.HandlerOptions) (*subject, error)
}{
	{floorName, func(s sink, _ slog.HandlerOptions) (*subject, error) { return openFloor(s) }},
	{syncName, openSyncRecords},
	{"zap", openZapRecords},
	{"zerolog diode", openZerologRecords},
	{"phuslu/log", openPhusluRecords},
	{oursName, openOurRecords},
}

func openSyncRecords(s sink, ho slog.HandlerOptions) (*subject, error) {
	return openSyncWith(s, &ho)
}

func openZapRecords(s sink, ho slog.HandlerOptions) (*subject, error) {
	config := zap.NewProductionEncoderConfig()
	if ho.ReplaceAttr != nil {
		config.TimeKey, config.LevelKey, config.MessageKey = "timestamp", "severity", "message"
	}
	return openZapSlogWith(s, config, zapslog.WithCaller(ho.AddSource))
}

// slogFrames is how many functions of slog are between a log call and a hook of zerolog.
const slogFrames = 3

// openZerologRecords renames keys for the whole process, as there is no other way, until it is closed.
func openZerologRecords(s sink, ho slog.HandlerOptions) (*subject, error) {
	l := zerolog.New(nil)
	if ho.AddSource {
		l = l.With().CallerWithSkipFrameCount(zerolog.CallerSkipFrameCount + slogFrames).Logger()
	}
	subject, err := openDiode(s, func(w diode.Writer) logger {
		return newSlogLogger(zerolog.NewSlogHandler(l.Output(w)))
	})
	if err != nil || ho.ReplaceAttr == nil {
		return subject, err
	}
	names := []*string{&zerolog.TimestampFieldName, &zerolog.LevelFieldName, &zerolog.MessageFieldName}
	before := []string{*names[0], *names[1], *names[2]}
	*names[0], *names[1], *names[2] = "timestamp", "severity", "message"
	subject.close = inOrder(subject.close, func() error {
		*names[0], *names[1], *names[2] = before[0], before[1], before[2]
		return nil
	})
	return subject, nil
}

// openPhusluRecords renames the time alone: the message has the name already, and the level cannot
// have another.
func openPhusluRecords(s sink, ho slog.HandlerOptions) (*subject, error) {
	return openAsyncWriter(s, func(l *phuslu.Logger) logger {
		if ho.ReplaceAttr != nil {
			l.TimeField = "timestamp"
		}
		if ho.AddSource {
			l.Caller = 1
		}
		return slogLogger{l.Slog()}
	})
}

func openOurRecords(s sink, ho slog.HandlerOptions) (*subject, error) {
	return openHandler(s, func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.NewJSONHandler(w, &ho, opts...)
	})
}

// printRecordsOfPeers has a table of calls, and one of what is written.
func printRecordsOfPeers(kinds []kind, e effort) error {
	header := []string{"record"}
	for _, c := range recordContenders {
		header = append(header, c.name)
	}
	calls, writes := [][]string{header}, [][]string{slices.Concat(header[:1], header[2:])}
	for _, k := range kinds {
		if k.text { // none of them writes slog's
			continue
		}
		runners, err := measurePeers(k, e)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		call, written := []string{k.name}, []string{k.name}
		for i, r := range runners {
			call = append(call, fmt.Sprintf("%s (%.2fx)", duration(r.call()), r.call()/runners[0].call()))
			if i > 0 {
				written = append(written, fmt.Sprintf("%s (%.2fx)", duration(r.write()), r.lossless(runners[1])))
			}
		}
		calls, writes = append(calls, call), append(writes, written)
	}
	if len(calls) == 1 {
		return nil
	}
	_, err := fmt.Printf("\n### records beside the peers\n\n%s.\n\n%s\n%s.\n\n%s",
		"time per call into a file, through slog, and times the floor, measured in the same way", markdown(calls),
		"Time per record until written, and times as fast as slog's own handler", markdown(writes))
	return err
}

// measurePeers lets all contenders log a kind in turns. It is an error if a line is missing or not valid.
func measurePeers(k kind, e effort) (_ []*runner, err error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var ho slog.HandlerOptions
	if k.ho != nil {
		ho = *k.ho
	}
	runners := make([]*runner, len(recordContenders))
	closeAll := func() error { return nil }
	for i, c := range recordContenders {
		s, err := c.open(sink{path: filepath.Join(dir, fmt.Sprint(i)), capacity: 65536}, ho)
		if err != nil {
			return nil, errors.Join(err, closeAll())
		}
		closeAll = inOrder(closeAll, s.close)
		runners[i] = &runner{log: s.logger.(slogLogger).Logger, flush: s.flush}
	}
	n, err := takeTurns(k, e, runners...)
	if err := errors.Join(err, closeAll()); err != nil {
		return nil, err
	}
	for i, c := range recordContenders {
		if c.name != floorName {
			err = errors.Join(err, complete(filepath.Join(dir, fmt.Sprint(i)), n))
		}
	}
	return runners, err
}

// complete returns an error unless a file has a line for each number below n, and no other.
func complete(file string, n int) error {
	seen, bad, err := readNumbers(file, n)
	if missing := slices.Index(seen, false); missing >= 0 {
		bad = append(bad, fmt.Errorf("%s: number %d is missing", file, missing))
	}
	return errors.Join(append(bad, err)...)
}
