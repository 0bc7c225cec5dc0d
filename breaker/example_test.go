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

func Example() {
	collector, file := newCollector(), slog.NewTextHandler(os.Stdout, noTime)

	h := breaker.New(collector, breaker.Options{Fallback: file}) // two handlers
	logger := slog.New(h)
	logger.Info("order placed", "id", 17)
	// Output:
	// collector: connection refused
	// level=INFO msg="order placed" id=17
}

// The collector is tried twice and then left alone; nothing is lost.
func ExampleNew() {
	h := breaker.New(newCollector(), breaker.Options{
		Settings: gobreaker.Settings{
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 2 },
		},
		Fallback: slog.NewTextHandler(os.Stdout, noTime),
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
	h := breaker.New(newCollector(), breaker.Options{
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
	h := breaker.New(newCollector(), breaker.Options{})
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

// A panic of next becomes an error, and a failure.
func ExamplePanicError() {
	h := breaker.New(handlerFunc(func(context.Context, slog.Record) error { panic("index out of range") }), breaker.Options{})
	err := h.Handle(context.Background(), slog.Record{})
	if e, ok := errors.AsType[*breaker.PanicError](err); ok {
		fmt.Println(e.Handler, e.Value, len(e.Stack) > 0)
	}
	fmt.Println(h.Counts().TotalFailures)
	// Output:
	// next index out of range true
	// 1
}

// A worker that sends batches asks before each and tells what came of it.
func ExampleNewBreaker() {
	b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{
		OnStateChange: func(_ string, from, to gobreaker.State) { fmt.Println(from, "to", to) },
	}})
	send := func() error { return errors.New("disk full") }
	for range 6 {
		p := b.Allow()
		ticket, retry, ok := p.Ticket, p.Retry, p.OK
		if !ok {
			fmt.Println("waits:", retry > 0)
			continue
		}
		err := send()
		b.Done(ticket, err == nil, err)
	}
	fmt.Printf("%+v\n", b.Stats())
	// Output:
	// closed to open
	// waits: true
	// {State:open Opened:1 HalfOpened:0 Closed:0}
}

// When somebody finds that the call under way hangs, the breaker opens.
func ExampleBreaker_Trip() {
	b := breaker.NewBreaker(breaker.Options{})
	ticket := b.Allow().Ticket
	b.Trip()
	ok := b.Allow().OK
	fmt.Println(b.Stats().State, ok)

	b.Done(ticket, true, nil) // it returns after all: that was the probe
	fmt.Println(b.Stats().State)
	// Output:
	// open false
	// closed
}

// newCollector returns a handler whose other end is down.
func newCollector() slog.Handler {
	return handlerFunc(func(context.Context, slog.Record) error {
		fmt.Println("collector: connection refused")
		return errors.New("connection refused")
	})
}

// handlerFunc is a slog.Handler that stands for one of another package.
type handlerFunc func(context.Context, slog.Record) error

func (handlerFunc) Enabled(context.Context, slog.Level) bool          { return true }
func (f handlerFunc) Handle(ctx context.Context, r slog.Record) error { return f(ctx, r) }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler              { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                   { return f }

// noTime leaves out the times, so that the output of an example is always the same.
var noTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindTime {
		return slog.Attr{}
	}
	return a
}}
