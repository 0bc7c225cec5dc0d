package asynchandler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A bad member costs the others nothing: they have all records before any time has
// passed.
func TestMultiHandlerIsolatesItsMembers(t *testing.T) { // P2, P8
	tests := []struct {
		name string
		next func() slog.Handler
	}{
		{"slow", func() slog.Handler { return testsink.NewSlow(nil, time.Minute) }},
		{"failing", func() slog.Handler { return testsink.NewFailer(nil, nil, nil) }},
		{"panicking", func() slog.Handler { return testsink.NewPanicker(nil, "boom", nil) }},
		{"exiting", func() slog.Handler { return testsink.NewExiter(nil, nil) }},
		{"hung", func() slog.Handler {
			return testsink.Func(func(context.Context, slog.Record) error { time.Sleep(1000 * time.Hour); return nil })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first, last testsink.Recorder
				before := asynchandler.New(&first)
				bad := asynchandler.New(tt.next(), quiet, asynchandler.WithCloseTimeout(time.Second))
				after := asynchandler.New(&last)
				m := asynchandler.NewMultiHandler(before, bad, after)
				began := time.Now()
				msgs := numbered(1000, 10)
				logEach(m, msgs...)
				require.NoError(t, before.Flush(t.Context()))
				require.NoError(t, after.Flush(t.Context()))
				assert.Less(t, time.Since(began), 10*time.Millisecond)
				assert.Equal(t, msgs, first.Messages())
				assert.Equal(t, msgs, last.Messages())

				_ = m.Close() // of some with an error
				for i, s := range m.Stats() {
					assert.Equal(t, s.Received, s.Delivered+s.Failed+s.Dropped+uint64(s.Depth), "member %d", i)
				}
				time.Sleep(2000 * time.Hour) // let the hung one return
			})
		})
	}
}

func TestMultiHandlerTellsTheHealthOfItsMembers(t *testing.T) {
	well := asynchandler.New(&testsink.Recorder{}, small)
	closed := asynchandler.New(&testsink.Recorder{}, small, asynchandler.WithName("closed one"))
	m := asynchandler.NewMultiHandler(well, closed)
	require.NoError(t, m.Health())
	require.NoError(t, closed.Close())
	var unhealthy *asynchandler.HealthError
	require.ErrorAs(t, m.Health(), &unhealthy)
	assert.Equal(t, "closed one", unhealthy.Handler)
	require.NoError(t, m.Close())
	assert.Len(t, strings.Split(m.Health().Error(), "\n"), 2)
}

func TestMultiHandlerAsksEachMemberForTheLevel(t *testing.T) {
	var info, errs testsink.Recorder
	info.Level, errs.Level = slog.LevelInfo, slog.LevelError
	m := asynchandler.NewMultiHandler(asynchandler.New(&info, small), asynchandler.New(&errs, small))
	ctx := t.Context()
	assert.False(t, m.Enabled(ctx, slog.LevelDebug))
	assert.True(t, m.Enabled(ctx, slog.LevelInfo))
	assert.True(t, m.Enabled(ctx, slog.LevelError))
	l := slog.New(m)
	l.Debug("debug")
	l.Info("info")
	l.Error("error")
	require.NoError(t, m.Close())
	assert.Equal(t, []string{"info", "error"}, info.Messages())
	assert.Equal(t, []string{"error"}, errs.Messages())
	stats := m.Stats()
	assert.Equal(t, uint64(2), stats[0].Received)
	assert.Equal(t, uint64(1), stats[1].Received)
}

// changeable is rendered in different ways by the rules of JSON and of text.
type changeable struct{ Values []int }

// Members must not see what others made of a record: of values, of added attributes.
func TestMultiHandlerGivesEachMemberItsOwnRecord(t *testing.T) { // P4
	var asJSON, asText, plainJSON, plainText testsink.Buffer
	greedy := testsink.Func(func(_ context.Context, r slog.Record) error {
		r.AddAttrs(slog.Int("added", 1), slog.Int("again", 2))
		return nil
	})
	m := asynchandler.NewMultiHandler(asynchandler.New(greedy, small), asynchandler.NewJSONHandler(&asJSON, nil, small), asynchandler.NewTextHandler(&asText, nil, small))
	value := &changeable{[]int{1}}
	rec := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	for i := range 8 {
		rec.AddAttrs(slog.Any(fmt.Sprint("v", i), value))
	}
	require.NoError(t, slog.NewJSONHandler(&plainJSON, nil).Handle(t.Context(), rec))
	require.NoError(t, slog.NewTextHandler(&plainText, nil).Handle(t.Context(), rec))
	require.NoError(t, m.Handle(t.Context(), rec))
	value.Values[0] = 2
	require.NoError(t, m.Close())
	assert.Equal(t, plainJSON.String(), asJSON.String())
	assert.Equal(t, plainText.String(), asText.String())
}

func TestMultiHandlerDerives(t *testing.T) { // P1
	var a, b testsink.Recorder
	members := []*asynchandler.Handler{asynchandler.New(&a, small), asynchandler.New(&b, small)}
	m := asynchandler.NewMultiHandler(members...)
	assert.Same(t, m, m.WithGroup(""))
	assert.Same(t, m, m.WithAttrs(nil))
	assert.Same(t, m, m.WithAttrs([]slog.Attr{}))

	attrs := make([]slog.Attr, 1, 10)
	attrs[0] = slog.Int("a", 1)
	d := m.WithAttrs(attrs).WithGroup("g").(*asynchandler.MultiHandler)
	attrs[0] = slog.Int("changed", 2)
	slog.New(d).Info("derived", "b", 2)
	slog.New(m).Info("plain", "b", 2)
	require.NoError(t, d.Flush(t.Context()))
	for _, rec := range []*testsink.Recorder{&a, &b} {
		assert.Equal(t, []string{"INFO derived a=1 g.b=2", "INFO plain b=2"}, rec.Lines())
	}
	require.NoError(t, d.Close(), "it closes the queues that all share")
	require.NoError(t, m.Close())
	assert.Equal(t, m.Stats(), d.Stats())
}

func TestMultiHandlerMembers(t *testing.T) {
	var a, b testsink.Recorder
	members := []*asynchandler.Handler{asynchandler.New(&a, small, asynchandler.WithName("a")), asynchandler.New(&b, small, asynchandler.WithName("b"))}
	m := asynchandler.NewMultiHandler(members...)
	members[0] = nil
	got := m.Handlers()
	assert.Equal(t, "a", got[0].Stats().Name)
	got[0] = nil
	assert.NotNil(t, m.Handlers()[0])
	stats := m.Stats()
	assert.Equal(t, []string{"a", "b"}, []string{stats[0].Name, stats[1].Name})
	require.NoError(t, m.Close())

	assert.PanicsWithValue(t, "asynchandler: NewMultiHandler: a handler is nil", func() { asynchandler.NewMultiHandler(got...) })

	none := asynchandler.NewMultiHandler()
	assert.False(t, none.Enabled(t.Context(), slog.LevelError))
	require.NoError(t, none.Handle(t.Context(), slog.Record{}))
	assert.Empty(t, none.Stats())
	assert.Empty(t, none.Handlers())
	logEach(none.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}), "nobody hears")
	require.NoError(t, errors.Join(none.Flush(t.Context()), none.Shutdown(t.Context()), none.Close()))
}

func TestMultiHandlerSlogtest(t *testing.T) { // P1
	for _, n := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d members", n), func(t *testing.T) {
			var m *asynchandler.MultiHandler
			var outs []*testsink.Buffer
			slogtest.Run(t, func(t *testing.T) slog.Handler {
				outs = nil
				var members []*asynchandler.Handler
				for range n {
					outs = append(outs, new(testsink.Buffer))
					members = append(members, asynchandler.NewJSONHandler(outs[len(outs)-1], nil, small))
				}
				m = asynchandler.NewMultiHandler(members...)
				t.Cleanup(func() { require.NoError(t, m.Close()) })
				return m
			}, func(t *testing.T) map[string]any {
				require.NoError(t, m.Flush(t.Context()))
				for _, out := range outs {
					require.Equal(t, outs[0].String(), out.String())
				}
				line := map[string]any{}
				require.NoError(t, json.Unmarshal([]byte(outs[0].String()), &line))
				return line
			})
		})
	}
}

func TestMultiHandlerAllocatesNothing(t *testing.T) {
	nothing := testsink.Func(func(context.Context, slog.Record) error { return nil })
	m := asynchandler.NewMultiHandler(asynchandler.New(nothing), asynchandler.New(nothing))
	rec := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	rec.AddAttrs(slog.String("a", "b"), slog.Int("c", 1), slog.Bool("d", true))
	allocs := testing.AllocsPerRun(1000, func() { _ = m.Handle(context.Background(), rec) })
	assert.Zero(t, allocs)
	require.NoError(t, m.Close())
}

func TestMultiHandlerConcurrentSafe(t *testing.T) { // P1, P3
	var outs [2]testsink.Buffer
	m := asynchandler.NewMultiHandler(asynchandler.NewJSONHandler(&outs[0], nil), asynchandler.NewTextHandler(&outs[1], nil))
	const goroutines, each = 4, 500
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			l := slog.New(m).With("g", g).WithGroup("group")
			for seq := range each {
				l.Info(testsink.Message(g, seq), "value", []int{seq})
				if seq%100 == 0 {
					assert.NoError(t, m.Flush(t.Context()))
					_ = m.Stats()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, m.Close())
	for i := range outs {
		require.NoError(t, testsink.Check(testsink.Messages(outs[i].String()), goroutines, each).Err())
	}
}
