package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/breaker"
)

// collector is a handler whose other end is down.
type collector struct{ slog.Handler }

func (collector) Enabled(context.Context, slog.Level) bool { return true }

func (collector) Handle(context.Context, slog.Record) error {
	fmt.Println("collector: connection refused")
	return errors.New("connection refused")
}

func textHandler() slog.Handler {
	return slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})
}

// The collector is tried twice and then left alone; nothing is lost.
func ExampleNew() {
	h := breaker.New(collector{slog.DiscardHandler}, breaker.Options{
		Settings: gobreaker.Settings{
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 2 },
		},
		Fallback: textHandler(),
	})
	logger := slog.New(h)
	logger.Info("first")
	logger.Info("second")
	logger.Info("third")
	fmt.Println(h.State())
	// Output:
	// collector: connection refused
	// level=INFO msg=first
	// collector: connection refused
	// level=INFO msg=second
	// level=INFO msg=third
	// open
}

// Without a fallback the error says whether next failed or was left alone.
func ExampleHandler_Handle() {
	h := breaker.New(collector{slog.DiscardHandler}, breaker.Options{
		Settings: gobreaker.Settings{
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 1 },
		},
	})
	var r slog.Record
	fmt.Println(h.Handle(context.Background(), r))
	err := h.Handle(context.Background(), r)
	fmt.Println(errors.Is(err, gobreaker.ErrOpenState), err)
	// Output:
	// collector: connection refused
	// connection refused
	// true breaker: circuit breaker is open
}

// An operator who knows that the collector is back need not wait for the open time to end.
func ExampleHandler_Reset() {
	h := breaker.New(collector{slog.DiscardHandler}, breaker.Options{})
	for range 5 {
		_ = h.Handle(context.Background(), slog.Record{})
	}
	fmt.Println(h.State())
	h.Reset()
	fmt.Println(h.State())
	// Output:
	// collector: connection refused
	// collector: connection refused
	// collector: connection refused
	// collector: connection refused
	// collector: connection refused
	// open
	// closed
}

// A worker that sends batches asks before each and tells what came of it.
func ExampleBreaker() {
	b := breaker.NewBreaker(gobreaker.Settings{
		OnStateChange: func(_ string, from, to gobreaker.State) { fmt.Println(from, "to", to) },
	}, nil)
	send := func() error { return errors.New("disk full") }
	for range 6 {
		ticket, _, retry, ok := b.Allow()
		if !ok {
			fmt.Println("waits:", retry > 0)
			continue
		}
		err := send()
		b.Done(ticket, err == nil, err)
	}
	fmt.Printf("%+v\n", b.Snapshot())
	// Output:
	// closed to open
	// waits: true
	// {State:open Opened:1 HalfOpened:0 Closed:0}
}
