package main

import (
	"context"
	"log/slog"
	"time"
)

// What all contenders log.
const (
	message = "request served"
	method  = "GET"
	took    = 1234567 * time.Nanosecond
	cached  = true
	path    = "/api/v1/orders"
	user    = "mallory"
	size    = 4096
	score   = 0.25
)

// slogLogger logs as users of log/slog do who want it fast.
type slogLogger struct{ *slog.Logger }

func newSlogLogger(h slog.Handler) slogLogger { return slogLogger{slog.New(h)} }

func (l slogLogger) log3(n int) {
	l.LogAttrs(context.Background(), slog.LevelInfo, message,
		slog.String("method", method), slog.Int("n", n), slog.Duration("took", took))
}

func (l slogLogger) error3(n int) {
	l.LogAttrs(context.Background(), slog.LevelError, message,
		slog.String("method", method), slog.Int("n", n), slog.Duration("took", took))
}

func (l slogLogger) log5(n int) {
	l.LogAttrs(context.Background(), slog.LevelInfo, message,
		slog.String("method", method), slog.Int("n", n), slog.Duration("took", took),
		slog.Bool("cached", cached), slog.String("path", path))
}

func (l slogLogger) log8(n int) {
	l.LogAttrs(context.Background(), slog.LevelInfo, message,
		slog.String("method", method), slog.Int("n", n), slog.Duration("took", took),
		slog.Bool("cached", cached), slog.String("path", path),
		slog.String("user", user), slog.Int("size", size), slog.Float64("score", score))
}
