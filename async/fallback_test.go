package async_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// What next refuses goes to the fallback at once, the probe's too; while the breaker
// is open all does.
func TestFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, fallback, errs := &testsink.Recorder{}, &testsink.Recorder{}, newJournal()
		next := testsink.NewFailer(rec, errDown, nil)
		b, probe := newBreaker(), testsink.NewGate()
		t.Cleanup(probe.Release)
		h, plug := plugged(t, testsink.Func(func(ctx context.Context, r slog.Record) error {
			if r.Message == "31" {
				probe.Pass()
			}
			return next.Handle(ctx, r)
		}), async.Options{Gate: b, Fallback: fallback, ErrorHandler: errs.hear})
		info(h, numbered(2, 20)...)
		errs.reset()
		opened := time.Now()
		plug.Release()
		assertOutcomes(t, h, outcomes{fallback: 20})
		assert.Equal(t, 5, next.Calls(), "the breaker's threshold")
		assert.Equal(t, "open", b.Stats().State)
		assert.Equal(t, make([]time.Duration, 5), errs.when(), "no pause")
		assert.Equal(t, []string{"attempt 1: next is down"}, errs.what()[:1])

		time.Sleep(openTime - time.Since(opened))
		info(h, numbered(21, 30)...)
		assertOutcomes(t, h, outcomes{fallback: 30})
		assert.Equal(t, 5, next.Calls(), "next is left alone")

		time.Sleep(maxOpenTime - time.Since(opened))
		info(h, "31")
		<-probe.Entered()
		info(h, numbered(32, 40)...)
		probe.Release()
		assertOutcomes(t, h, outcomes{fallback: 40})
		assert.EqualValues(t, 1, b.Stats().HalfOpened, "one probe")
		assert.Greater(t, next.Calls(), 5)
		assert.LessOrEqual(t, next.Calls(), 15, "of all that were there")

		next.Heal()
		time.Sleep(maxOpenTime)
		info(h, numbered(41, 50)...)
		assertOutcomes(t, h, outcomes{delivered: 10, fallback: 40})
		assert.Equal(t, append([]string{"plug"}, numbered(2, 40)...), fallback.Messages())
		assert.Equal(t, numbered(41, 50), rec.Messages())
		assert.Equal(t, "closed", b.Stats().State)
	})
}

// Each record that next refuses is tried once, whatever the reason.
func TestFallbackForOneRecord(t *testing.T) {
	is := testsink.HasMessage("bad")
	for _, gate := range []struct {
		name string
		gate func() *fakeGate
	}{{"gate", func() *fakeGate { return &fakeGate{} }}, {"no gate", nil}} {
		for _, tt := range []struct {
			name     string
			next     func(slog.Handler) slog.Handler
			failures int // that the gate hears of
		}{
			{"error", func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, errDown, is) }, 4},
			{"permanent", func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, async.ErrPermanent, is) }, 0},
			{"panic", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) }, 4},
			{"exit", func(next slog.Handler) slog.Handler { return testsink.NewExiter(next, is) }, 4},
		} {
			bubble(t, gate.name+"/"+tt.name, func(t *testing.T) {
				rec, fallback, errs := &testsink.Recorder{}, &testsink.Recorder{}, newJournal()
				opts := async.Options{Fallback: fallback, ErrorHandler: errs.hear}
				var g *fakeGate
				if gate.gate != nil {
					g = gate.gate()
					opts.Gate = g
				}
				h, plug := plugged(t, tt.next(rec), opts)
				info(h, "1", "bad", "2", "bad", "bad", "3", "bad")
				plug.Release()
				assertOutcomes(t, h, outcomes{delivered: 4, fallback: 4})
				assert.Equal(t, []string{"plug", "1", "2", "3"}, rec.Messages())
				assert.Equal(t, []string{"bad", "bad", "bad", "bad"}, fallback.Messages())
				assert.Len(t, errs.what(), 4, "one try each")
				if g != nil {
					assert.Len(t, g.bad, tt.failures)
					g.assertSettled(t)
				}
			})
		}
	}
}

// A next that ends the worker's goroutine with every record costs the handler
// nothing but time.
func TestFallbackForNextThatAlwaysExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		h := begin(t, testsink.NewExiter(nil, nil), async.Options{Fallback: fallback})
		info(h, numbered(1, 50)...)
		assertOutcomes(t, h, outcomes{fallback: 50})
		assert.EqualValues(t, 50, h.Stats().Panics)
		assert.Equal(t, numbered(1, 50), fallback.Messages())
	})
}

func TestFallbackOfDerivedHandlers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		derive func(slog.Handler) slog.Handler
		want   string
	}{
		{"attributes", func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.Int("a", 1)}) }, "INFO m a=1 k=v"},
		{"group", func(h slog.Handler) slog.Handler { return h.WithGroup("g") }, "INFO m g.k=v"},
		{"both", func(h slog.Handler) slog.Handler {
			return h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})
		}, "INFO m a=1 g.b=2 g.k=v"},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
			next := testsink.NewFailer(rec, errDown, testsink.First(1))
			h := begin(t, next, async.Options{Fallback: fallback})
			log := slog.New(tt.derive(h))
			log.Info("m", "k", "v")
			log.Info("m", "k", "v")
			assertOutcomes(t, h, outcomes{delivered: 1, fallback: 1})
			assert.Equal(t, []string{tt.want}, fallback.Lines())
			assert.Equal(t, []string{tt.want}, rec.Lines())
		})
	}
}

// A fallback that does not take a record either has the last word on it.
func TestFallbackRefuses(t *testing.T) {
	is := testsink.HasMessage("bad")
	for _, tt := range []struct {
		name     string
		fallback func(slog.Handler) slog.Handler
		hears    string
		panics   int
	}{
		{"error", func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, errDown, is) }, ": fallback: next is down", 0},
		{"panic", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) }, "panic: boom", 3},
		{"exit", func(next slog.Handler) slog.Handler { return testsink.NewExiter(next, is) }, "panic: runtime.Goexit was called", 3},
	} {
		for _, open := range []bool{false, true} {
			name := tt.name + "/breaker closed"
			if open {
				name = tt.name + "/breaker open"
			}
			bubble(t, name, func(t *testing.T) {
				rec, errs, gate := &testsink.Recorder{}, newJournal(), &fakeGate{}
				h, plug := plugged(t, testsink.NewFailer(nil, errDown, nil), async.Options{Gate: gate, Fallback: tt.fallback(rec), ErrorHandler: errs.hear})
				info(h, "1", "bad", "bad", "2", "bad", "3")
				if open {
					gate.shut(time.Hour)
				}
				plug.Release()
				assertOutcomes(t, h, outcomes{fallback: 4, failed: 3})
				assert.Equal(t, []string{"plug", "1", "2", "3"}, rec.Messages())
				assert.EqualValues(t, tt.panics, h.Stats().Panics)
				heard := 0
				for _, e := range errs.what() {
					if strings.HasSuffix(e, tt.hears) {
						heard++
					}
				}
				assert.GreaterOrEqual(t, heard, 3, "the error handler hears of each: %q", errs.what())
				gate.assertSettled(t)
			})
		}
	}
}

// Who needs room takes back only what waits for its turn. While half of the queue is full
// and the last try failed, the fallback gets what waits, but next is tried again in time.
func TestEvictionDuringFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, taken := &testsink.Recorder{}, &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.HasMessage("bad"))
		fallback := testsink.NewBlocker(taken)
		t.Cleanup(fallback.Release)
		h, plug := plugged(t, next, async.Options{Gate: &fakeGate{}, Fallback: fallback, Capacity: 4, DropReports: -1, StallTimeout: -1})
		info(h, "bad", "1", "2", "3")
		plug.Release()
		<-fallback.Entered()
		info(h, numbered(4, 7)...)
		info(h, "8") // takes back "1" to "3"
		fallback.Release()
		assertOutcomes(t, h, outcomes{delivered: 5, fallback: 1, dropped: 4})
		assert.Equal(t, []string{"bad"}, taken.Messages())
		assert.Equal(t, append([]string{"plug"}, numbered(5, 8)...), rec.Messages())
	})
}
