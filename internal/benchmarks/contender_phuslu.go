package main

import (
	phuslu "github.com/phuslu/log"
)

type phusluLogger struct{ *phuslu.Logger }

func (l phusluLogger) log3(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).Msg(message)
}

func (l phusluLogger) error3(n int) {
	l.Error().Str("method", method).Int("n", n).Dur("took", took).Msg(message)
}

func (l phusluLogger) log5(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).
		Bool("cached", cached).Str("path", path).Msg(message)
}

func (l phusluLogger) log8(n int) {
	l.Info().Str("method", method).Int("n", n).Dur("took", took).
		Bool("cached", cached).Str("path", path).
		Str("user", user).Int("size", size).Float64("score", score).Msg(message)
}

func openPhuslu(s sink) (*subject, error) {
	return openAsyncWriter(s, func(l *phuslu.Logger) logger { return phusluLogger{l} })
}

// openPhusluSlog uses Logger.Slog: SlogNewJSONHandler takes back the buffer that
// AsyncWriter.Write keeps, and so writes some lines twice and others never.
func openPhusluSlog(s sink) (*subject, error) {
	return openAsyncWriter(s, func(l *phuslu.Logger) logger { return slogLogger{l.Slog()} })
}

func openAsyncWriter(s sink, build func(*phuslu.Logger) logger) (*subject, error) {
	w := &phuslu.AsyncWriter{ChannelSize: uint(s.capacity), DiscardOnFull: s.drop}
	lines, tail := &lineCounter{w: s.w}, &lineTail{path: s.path}
	if s.path != "" {
		w.Writer = &phuslu.FileWriter{Filename: s.path} // many lines in one writev
	} else {
		w.Writer = phuslu.IOWriter{Writer: lines}
	}
	return &subject{
		logger: build(&phuslu.Logger{Level: phuslu.InfoLevel, Writer: w}),
		flush: func(sent int) error {
			return waitUntil(func() bool {
				if s.path != "" {
					return tail.count() >= sent
				}
				return lines.lines.Load() >= int64(sent)
			})
		},
		close: w.Close,
	}, nil
}
