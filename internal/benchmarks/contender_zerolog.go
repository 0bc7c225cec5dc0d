package main

import (
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/rs/zerolog/diode"
)

type zerologLogger struct{ zerolog.Logger }

func (l zerologLogger) log3(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).Msg(message)
}

func (l zerologLogger) error3(n int) {
	l.Error().Str("method", method).Int("n", n).Dur("took", took).Msg(message)
}

func (l zerologLogger) log5(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).
		Bool("cached", cached).Str("path", path).Msg(message)
}

func (l zerologLogger) log8(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).
		Bool("cached", cached).Str("path", path).
		Str("user", user).Int("size", size).Float64("score", score).Msg(message)
}

func openZerolog(s sink) (*subject, error) {
	return openDiode(s, func(w diode.Writer) logger {
		return &zerologLogger{zerolog.New(w).With().Timestamp().Logger()}
	})
}

func openZerologSlog(s sink) (*subject, error) {
	return openDiode(s, func(w diode.Writer) logger {
		return newSlogLogger(zerolog.NewSlogHandler(zerolog.New(w)))
	})
}

// pollInterval is the one in zerolog's README.
const pollInterval = 10 * time.Millisecond

// openDiode returns a writer that overwrites the oldest lines when it is full: there is no
// other policy.
func openDiode(s sink, build func(diode.Writer) logger) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	var missed atomic.Uint64
	lines := &lineCounter{w: w}
	d := diode.NewWriter(lines, s.capacity, pollInterval, func(n int) { missed.Add(uint64(n)) })
	return &subject{
		logger: build(d),
		flush: func(sent int) error {
			return waitUntil(func() bool { return lines.lines.Load()+int64(missed.Load()) >= int64(sent) })
		},
		close:   inOrder(d.Close, closeFile),
		dropped: missed.Load,
	}, nil
}
