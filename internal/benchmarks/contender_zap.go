package main

import (
	"io"
	"log/slog"
	"math"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

type zapLogger struct{ *zap.Logger }

func (l zapLogger) log3(n int) {
	l.Info(message, zap.String("method", method), zap.Int("n", n), zap.Duration("took", took))
}

func (l zapLogger) error3(n int) {
	l.Error(message, zap.String("method", method), zap.Int("n", n), zap.Duration("took", took))
}

func (l zapLogger) log5(n int) {
	l.Info(message, zap.String("method", method), zap.Int("n", n), zap.Duration("took", took),
		zap.Bool("cached", cached), zap.String("path", path))
}

func (l zapLogger) log8(n int) {
	l.Info(message, zap.String("method", method), zap.Int("n", n), zap.Duration("took", took),
		zap.Bool("cached", cached), zap.String("path", path),
		zap.String("user", user), zap.Int("size", size), zap.Float64("score", score))
}

func openZap(s sink) (*subject, error) {
	return openZapCore(s, zap.NewProductionEncoderConfig(), func(core zapcore.Core) logger { return zapLogger{zap.New(core)} })
}

func openZapSlog(s sink) (*subject, error) {
	return openZapSlogWith(s, zap.NewProductionEncoderConfig())
}

func openZapSlogWith(s sink, config zapcore.EncoderConfig, opts ...zapslog.HandlerOption) (*subject, error) {
	// No other contender adds stack traces to errors.
	opts = append(opts, zapslog.AddStacktraceAt(slog.Level(math.MaxInt)))
	return openZapCore(s, config, func(core zapcore.Core) logger {
		return newSlogLogger(zapslog.NewHandler(core, opts...))
	})
}

func openZapCore(s sink, config zapcore.EncoderConfig, build func(zapcore.Core) logger) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	// The struct hides the Sync of a file: no other contender waits for the disk.
	buffer := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(struct{ io.Writer }{w})}
	return &subject{
		logger: build(zapcore.NewCore(zapcore.NewJSONEncoder(config), buffer, zapcore.InfoLevel)),
		flush:  func(int) error { return buffer.Sync() },
		close:  inOrder(buffer.Stop, closeFile),
	}, nil
}
