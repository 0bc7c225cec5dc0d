package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// locked is read under its lock by its methods alone: the race detector sees any other reader.
type locked struct {
	mu sync.Mutex
	m  map[string]int
}

func (l *locked) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.m)
}

type lockedJSON struct{ locked }

func (l *lockedJSON) MarshalJSON() ([]byte, error) { return json.Marshal(l.size()) }

type lockedText struct{ locked }

func (l *lockedText) String() string { return fmt.Sprint(l.size()) }

func TestAValueIsReadByTheRulesOfThoseWhoShowItAlone(t *testing.T) { // P4, F03, G2
	fallback := asynchandler.WithFallback(slog.NewTextHandler(io.Discard, nil))
	onDrop := asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {})
	asJSON, asText := &lockedJSON{locked{m: map[string]int{}}}, &lockedText{locked{m: map[string]int{}}}
	for name, tt := range map[string]struct {
		h *asynchandler.Handler
		v any
	}{
		"NewJSONHandler":                {asynchandler.NewJSONHandler(io.Discard, nil), asJSON},
		"NewJSONHandler and a fallback": {asynchandler.NewJSONHandler(io.Discard, nil, fallback), asJSON},
		"NewJSONHandler and OnDrop":     {asynchandler.NewJSONHandler(io.Discard, nil, onDrop), asJSON},
		"New over JSON and all":         {asynchandler.New(slog.NewJSONHandler(io.Discard, nil), fallback, onDrop), asJSON},
		"New over a breaker":            {asynchandler.New(breaker.New(slog.NewJSONHandler(io.Discard, nil), breaker.Options{})), asJSON},
		"New over a breaker over text":  {asynchandler.New(breaker.New(slog.NewTextHandler(io.Discard, nil), breaker.Options{})), asText},
		"New over a MultiHandler":       {asynchandler.New(members(t, asynchandler.NewJSONHandler, asynchandler.NewJSONHandler)), asJSON},
		"New over one of two formats":   {asynchandler.New(members(t, asynchandler.NewJSONHandler, asynchandler.NewTextHandler)), asJSON},
		"New over an unknown next":      {asynchandler.New(middleware{slog.NewTextHandler(io.Discard, nil)}), asJSON},
		"unknown, String":               {asynchandler.New(middleware{slog.NewJSONHandler(io.Discard, nil)}), asText},
		"WithFormat": {
			asynchandler.New(middleware{slog.NewJSONHandler(io.Discard, nil)}, asynchandler.WithFormat(asynchandler.FormatJSON)), asJSON,
		},
		"NewWriterHandler": {
			asynchandler.NewWriterHandler(io.Discard, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }), asText,
		},
	} {
		t.Run(name, func(t *testing.T) {
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for _, l := range []*locked{&asJSON.locked, &asText.locked} {
				wg.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						l.mu.Lock()
						l.m[fmt.Sprint(i%100)]++
						l.mu.Unlock()
					}
				})
			}
			for range 200 {
				slog.New(tt.h).With("own", tt.v).Info("m", "v", tt.v, slog.Group("g", "v", tt.v))
			}
			close(stop)
			wg.Wait()
			require.NoError(t, tt.h.Close())
		})
	}
}

// members returns a MultiHandler of handlers that nobody reads.
func members(t *testing.T, makers ...func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler) *asynchandler.MultiHandler {
	hs := make([]*asynchandler.Handler, len(makers))
	for i, newHandler := range makers {
		hs[i] = newHandler(io.Discard, nil, small)
	}
	m := asynchandler.NewMultiHandler(hs...)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// code is an error without pointers, whose text is in a table.
type code int

var codes = map[code]string{}

func (c code) Error() string { return codes[c] }

func TestMethodsRunOnTheCaller(t *testing.T) { // P4, F02, G8
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var out testsink.Buffer
			gate := testsink.NewBlockingWriter(&out)
			h := f.make(gate, nil, small)
			slog.New(h).Info("first")
			<-gate.Entered()
			codes[1] = "before"
			slog.New(h).Info("m", "err", code(1), "codes", []code{1})
			codes[1] = "after"
			gate.Release()
			require.NoError(t, h.Close())
			assert.Contains(t, out.String(), "before")
			assert.NotContains(t, out.String(), "after")
		})
	}
}

func TestCaptureCopyCopiesStrings(t *testing.T) { // P4, G1: gofiber/fiber 185
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var out testsink.Buffer
			gate := testsink.NewBlockingWriter(&out)
			h := f.make(gate, nil, small, asynchandler.WithCapture(asynchandler.CaptureCopy))
			slog.New(h).Info("first")
			<-gate.Entered()
			buf := []byte("GET")
			s := unsafe.String(&buf[0], len(buf))
			slog.New(h).Info(s, s, s, slog.Group("g", s, s), "list", []string{s})
			slog.New(h).With("own", s).Info("m")
			copy(buf, "PUT")
			gate.Release()
			require.NoError(t, h.Close())
			assert.Equal(t, 7, strings.Count(out.String(), "GET"))
			assert.NotContains(t, out.String(), "PUT")
		})
	}
}

type body [1 << 20]byte

func TestAContextThatNobodyReadsIsNotKept(t *testing.T) { // P4, G7, O7
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			gate := testsink.NewBlockingWriter(nil)
			h := f.make(gate, nil, small)
			b := new(body)
			kept := weak.Make(b)
			slog.New(h).InfoContext(context.WithValue(t.Context(), body{}, b), "m")
			<-gate.Entered()
			runtime.GC()
			assert.Nil(t, kept.Value())
			gate.Release()
			require.NoError(t, h.Close())
		})
	}
}

// What an error of fmt.Errorf wraps is kept where somebody may look for it, and only there.
func TestWhatAnErrorWrapsIsNotKept(t *testing.T) { // P5, F11
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			gate := testsink.NewBlockingWriter(nil)
			h := f.make(gate, nil, small)
			b := &largeError{new(body)}
			kept := weak.Make(b.body)
			slog.New(h).Info("m", "err", fmt.Errorf("call: %w", b))
			<-gate.Entered()
			runtime.GC()
			assert.Nil(t, kept.Value())
			gate.Release()
			require.NoError(t, h.Close())
		})
	}
}

type largeError struct{ body *body }

func (*largeError) Error() string { return "large" }

// hostile is a context that is no longer the caller's own.
type hostile struct{ context.Context }

func TestNoMethodOfAContextIsCalledAfterTheCall(t *testing.T) { // P4, P8, F08, T2
	for name, h := range map[string]*asynchandler.Handler{
		"known": asynchandler.NewJSONHandler(io.Discard, nil, quiet),
		"unknown": asynchandler.New(testsink.Func(func(ctx context.Context, _ slog.Record) error {
			assert.Nil(t, ctx.Value("key"))
			assert.NoError(t, ctx.Err())
			return nil
		}), quiet),
		"OnDrop": asynchandler.NewJSONHandler(io.Discard, nil, quiet, asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {})),
	} {
		t.Run(name, func(t *testing.T) {
			for range 6 {
				slog.New(h).InfoContext(hostile{}, "m") // its methods panic
			}
			require.NoError(t, h.Close())
			s := h.Stats()
			assert.Equal(t, uint64(6), s.Delivered)
			assert.Zero(t, s.Panics)
			assert.Equal(t, "closed", s.Breaker.State)
		})
	}
}

func TestFormatIsAskedForOnce(t *testing.T) { // P4
	var out bytes.Buffer
	h := asynchandler.New(middleware{slog.NewJSONHandler(&out, nil)}, asynchandler.WithFormat(asynchandler.FormatJSON))
	slog.New(h).Info("m", "v", &point{X: 1}, "raw", json.RawMessage(`{"a":1}`))
	require.NoError(t, h.Close())
	assert.Contains(t, out.String(), `"v":{"X":1,"Y":0},"raw":{"a":1}}`)
}
