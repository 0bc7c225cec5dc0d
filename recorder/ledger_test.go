package recorder_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/recorder"
)

// sightings counts how often each record was shown. Now and then it misbehaves.
type sightings struct {
	mu     sync.Mutex
	shown  map[string]int
	last   map[string]int // of each goroutine in each scope, the number of its last record
	faulty bool
	log    *slog.Logger
}

func (s *sightings) Enabled(_ context.Context, level slog.Level) bool { return level != unwanted }

func (s *sightings) WithAttrs([]slog.Attr) slog.Handler { return s }

func (s *sightings) WithGroup(string) slog.Handler { return s }

const unwanted = slog.LevelDebug + 1

func (s *sightings) Handle(ctx context.Context, r slog.Record) error {
	if r.NumAttrs() != 3 { // a note, or what is logged below
		return nil
	}
	var who string
	var n int
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "n" {
			n = int(a.Value.Int64())
		} else {
			who += a.Value.String() + " "
		}
		return true
	})
	s.mu.Lock()
	s.shown[fmt.Sprint(who, n)]++
	inOrder := n > s.last[who]
	if s.last[who] = n; !inOrder && !s.faulty {
		s.shown["out of order: "+fmt.Sprint(who, n)] = 2
	}
	s.mu.Unlock()
	if !s.faulty {
		return nil
	}
	switch rand.IntN(100) {
	case 0:
		panic("next panics")
	case 1:
		runtime.Goexit()
	case 2:
		s.log.DebugContext(ctx, "logged by next")
	case 3:
		s.log.ErrorContext(ctx, "logged by next")
	case 4:
		time.Sleep(time.Microsecond)
	}
	return nil
}

// Goroutines log in shared scopes and in scopes of their own, let out, forget and end, with
// bounds that make room scarce. No record is shown twice, and all are accounted for.
func TestLedgerConcurrentSafe(t *testing.T) {
	for name, faulty := range map[string]bool{"next is well": false, "next misbehaves": true} {
		t.Run(name, func(t *testing.T) {
			next := &sightings{shown: map[string]int{}, last: map[string]int{}, faulty: faulty}
			h := recorder.New(next, recorder.Options{
				MaxRecords: 8, MaxScopes: 5, MaxBytes: 16 << 10, MaxAge: time.Millisecond,
				Scope: func(ctx context.Context) any { return ctx.Value(traceKey{}) },
			})
			next.log = slog.New(h)
			shared := withTrace(t.Context(), "shared")
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for job := range 60 {
						done := make(chan struct{})
						go func() { // of its own, since next may end it
							defer close(done)
							work(t, h, g, job, shared)
						}()
						<-done
					}
				})
			}
			wg.Wait()
			check(t, h, next)
		})
	}
}

// work logs as one request does.
func work(t *testing.T, h *recorder.Handler, g, job int, shared context.Context) {
	defer func() { _ = recover() }()
	begun, end := recorder.Begin(t.Context())
	defer end()
	contexts := []context.Context{t.Context(), shared, begun, withTrace(begun, fmt.Sprint("trace ", rand.IntN(20)))}
	l := slog.New(h).With()
	for n := 1; n <= 40; n++ {
		i := rand.IntN(len(contexts))
		level := [...]slog.Level{slog.LevelDebug, slog.LevelDebug, slog.LevelDebug, unwanted, slog.LevelError}[rand.IntN(5)]
		l.LogAttrs(contexts[i], level, "step", slog.String("who", fmt.Sprint(g, " ", job)), slog.Int("scope", i), slog.Int("n", n))
		switch rand.IntN(20) {
		case 0:
			h.Emit(contexts[i])
		case 1:
			h.Forget(contexts[i])
		case 2:
			h.Stats()
		}
	}
}

func check(t *testing.T, h *recorder.Handler, next *sightings) {
	for id, n := range next.shown {
		assert.Equal(t, 1, n, id)
	}
	for _, key := range []any{"shared", nil} {
		h.Forget(context.WithValue(context.Background(), traceKey{}, key))
	}
	for i := range 20 {
		h.Forget(withTrace(context.Background(), fmt.Sprint("trace ", i)))
	}
	s := law(t, h)
	require.Zero(t, s.Held)
	assert.NotZero(t, s.Emitted)
	assert.NotZero(t, s.Forgotten)
	assert.NotZero(t, s.Unwanted)
	assert.NotZero(t, s.EvictedBy.Records)
	assert.NotZero(t, s.EvictedBy.Scopes)
}
