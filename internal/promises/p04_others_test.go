package promises_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestFallbackOfTheSameFormatShowsTheSame(t *testing.T) { // P4
	for _, f := range flavors {
		for _, fallback := range flavors[:2] {
			if f.json != fallback.json {
				continue // it gets what was made for next
			}
			for _, ho := range []*slog.HandlerOptions{nil, {ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}} {
				t.Run(fmt.Sprintf("%s/%s/%t", f.name, fallback.name, ho != nil), func(t *testing.T) {
					var want, got bytes.Buffer
					broken := testsink.NewFaultWriter(nil)
					broken.Always(testsink.Short(0, testsink.ErrFault))
					h := f.make(broken, ho, small, quiet, asynchandler.WithFallback(fallback.original(&got, nil)))
					for _, m := range mutables {
						for _, h := range []slog.Handler{fallback.original(&want, nil), h} {
							v, change := m.make()
							slog.New(clocked{h}).With("own", v).WithGroup("g").Info(m.name, "v", v, slog.Group("h", "v", v))
							change()
						}
					}
					require.NoError(t, h.Close())
					assert.Equal(t, uint64(len(mutables)), h.Stats().Fallback)
					assert.Equal(t, withoutAddresses(want.String()), withoutAddresses(got.String()))
				})
			}
		}
	}
}

// A fallback that keeps attributes may show them much later.
func TestFallbackGetsOwnAttributesThatCannotChange(t *testing.T) { // P4
	for _, f := range flavors {
		for _, ho := range []*slog.HandlerOptions{nil, {ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}} {
			t.Run(fmt.Sprintf("%s/%t", f.name, ho != nil), func(t *testing.T) {
				var fallback testsink.Recorder
				broken := testsink.NewFaultWriter(nil)
				broken.Always(testsink.Short(0, testsink.ErrFault))
				h := f.make(broken, ho, small, quiet, asynchandler.WithFallback(&fallback))
				p := &point{X: 1}
				slog.New(h).With("p", p).WithGroup("g").Info("m", "p", p)
				p.X = 2
				require.NoError(t, h.Close())
				require.Equal(t, 1, fallback.Len())
				for _, a := range fallback.Records()[0].Attrs {
					if a.Value.Kind() == slog.KindGroup {
						a = a.Value.Group()[0]
					}
					assert.Equal(t, f.shown(point{X: 1}), a.Value.Any())
				}
			})
		}
	}
}

func TestOnDropGetsTheWholeRecord(t *testing.T) { // P4, N7
	for _, f := range flavors {
		for _, ho := range []*slog.HandlerOptions{nil, {ReplaceAttr: without(slog.MessageKey, "a")}} {
			t.Run(fmt.Sprintf("%s/%t", f.name, ho != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					removed := 0
					if ho != nil && strings.HasPrefix(f.name, "New") && !strings.Contains(f.name, " ") {
						removed = 1 // by the ReplaceAttr of NewJSONHandler and NewTextHandler, for all
					}
					var dropped testsink.Recorder
					onDrop := func(ctx context.Context, r slog.Record, reason asynchandler.DropReason) {
						assert.Equal(t, asynchandler.DropOverflow, reason)
						_ = dropped.Handle(ctx, r)
					}
					gate := testsink.NewBlockingWriter(nil)
					h := f.make(gate, ho, asynchandler.WithCapacity(1), asynchandler.WithOnDrop(onDrop))
					defer h.Close()
					defer gate.Release()
					l := slog.New(h).With("own", 1).WithGroup("g")
					l.Info("in the worker's hands")
					synctest.Wait()

					p := &point{X: 1}
					now := time.Now()
					l.Warn("oldest", "a", 1, "p", p)
					p.X = 2
					l.Info("newer")
					l.Error("newest")
					require.Equal(t, 2, dropped.Len())
					assert.Equal(t, "INFO newer own=1", dropped.Lines()[1])
					first := dropped.Records()[0].Record
					attrs := slices.Collect(first.Attrs)
					assert.Equal(t, slog.Int("own", 1), attrs[0])
					inGroup := attrs[1].Value.Group()
					assert.Equal(t, f.shown(point{X: 1}), inGroup[len(inGroup)-1].Value.Any())
					assert.Len(t, inGroup, 2-removed)
					assert.Equal(t, now, first.Time)
					assert.NotZero(t, first.PC)
				})
			})
		}
	}
}

func TestDropReportsAreLinesLikeOthers(t *testing.T) { // P1
	for _, f := range flavors[:2] {
		for _, o := range observers {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out testsink.Buffer
					gate := testsink.NewBlockingWriter(&out)
					ho := &slog.HandlerOptions{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
						a.Key = "k." + a.Key
						return a
					}}
					h := f.make(gate, ho, asynchandler.WithCapacity(1), o.opt, asynchandler.WithName("app"))
					l := slog.New(h).With("own", 1)
					for _, msg := range []string{"first", "dropped", "last"} {
						l.Info(msg)
						synctest.Wait()
					}
					gate.Release()
					require.NoError(t, h.Close())

					lines := out.Lines()
					require.Len(t, lines, 3)
					if f.json {
						report := f.parse(t, lines[1])
						assert.Equal(t, "log records dropped", report["k.msg"])
						assert.Equal(t, "WARN", report["k.level"])
						assert.Equal(t, "app", report["k.handler"])
						assert.Equal(t, map[string]any{"k.overflow": 1.0}, report["reasons"])
						assert.Equal(t, map[string]any{"k.INFO": 1.0}, report["levels"])
						assert.NotContains(t, report, "k.own")
					} else {
						assert.Regexp(t, `^k\.time=\S+ k\.level=WARN k\.msg="log records dropped" k\.handler=app k\.count=1 k\.since=\S+ reasons\.k\.overflow=1 levels\.k\.INFO=1$`, lines[1])
					}
					assert.Equal(t, uint64(1), h.Stats().DropReports)
				})
			})
		}
	}
}
