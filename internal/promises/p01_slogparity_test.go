package promises_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestWritesWhatSlogWritesInItsOwnCases(t *testing.T) { // P1
	for _, f := range flavors {
		for _, c := range slogCases {
			for _, r := range []struct {
				name    string
				replace func([]string, slog.Attr) slog.Attr
			}{{"as it is", c.replace}, {"plain", nil}, {"identity", identity}} {
				t.Run(f.name+"/"+c.name+"/"+r.name, func(t *testing.T) {
					ho := &slog.HandlerOptions{AddSource: c.source, ReplaceAttr: r.replace}
					want, got := f.both(t, ho, func(h slog.Handler) { c.log(slog.New(clocked{behindOthers{h}})) })
					assert.Equal(t, want, got)
				})
			}
		}
	}
}

// TestDefaultHandle of slog, and all other cases with the default handler.
func TestDefaultHandlerInSlogsOwnCases(t *testing.T) { // P1, P8
	for _, c := range slogCases {
		t.Run(c.name, func(t *testing.T) {
			var want, got testsink.Buffer
			redirect(t, &want, "app: ", log.Lmsgprefix)
			c.log(slog.New(clocked{slog.Default().Handler()}))

			log.SetOutput(&got)
			h := asynchandler.New(slog.Default().Handler(), small)
			c.log(slog.New(clocked{h}))
			require.NoError(t, h.Close())

			assert.Equal(t, withoutAddresses(want.String()), withoutAddresses(got.String()))
		})
	}
}

// TestConnections, TestCallDepth and TestCallDepthConnection of slog: the functions of
// the packages slog and log.
func TestDefaultLoggerIsLikeSlogs(t *testing.T) { // P1
	scene := func() {
		slog.Debug("debug", "a", 1)
		slog.Info("info", "a", 1)
		slog.Warn("warn", "a", 1)
		slog.Error("error", "a", 1)
		slog.With("b", 2).WithGroup("g").Info("info", "a", 1)
		slog.Log(noContext, slog.LevelError+1, "log", "a", 1)
		slog.LogAttrs(noContext, slog.LevelError+2, "log", slog.Int("a", 1))
		log.Print("print")
		log.Default().Printf("printf %d", 1)
		_ = log.Output(1, "output")
		assert.Panics(t, func() { log.Panicln("panicln") })
	}
	for _, f := range flavors {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelWarn} {
			t.Run(fmt.Sprintf("%s/%v", f.name, level), func(t *testing.T) {
				ho := &slog.HandlerOptions{AddSource: true, Level: level}
				redirect(t, io.Discard, "", 0)
				want, got := f.both(t, ho, func(h slog.Handler) {
					log.SetFlags(log.Lshortfile) // which SetDefault takes for what AddSource is
					slog.SetDefault(slog.New(clocked{h}))
					scene()
				})
				assert.Equal(t, want, got)
				assert.Contains(t, got, "slogparity_test.go")
			})
		}
	}
}

// TestReplaceAttrGroups of slog: what the function sees, and within which groups.
func TestReplaceAttrSeesTheSameAttributesAsWithSlog(t *testing.T) { // P1
	for _, f := range flavors {
		for _, c := range slogCases {
			t.Run(f.name+"/"+c.name, func(t *testing.T) {
				var mu sync.Mutex // it is called on the caller and on the worker
				var seen []string
				ho := &slog.HandlerOptions{AddSource: c.source, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, fmt.Sprintf("%v %q=%v", groups, a.Key, a.Value.Kind()))
					return a
				}}
				c.log(slog.New(clocked{f.original(io.Discard, ho)}))
				want := seen

				seen = nil
				h := f.make(io.Discard, ho, small)
				l := slog.New(clocked{h})
				c.log(l)
				require.NoError(t, h.Close())
				// Attributes that can change are seen on the caller, before time and level are.
				assert.ElementsMatch(t, want, seen)
			})
		}
	}
}

// TestHandlerEnabled of slog.
func TestEnabledLikeSlogs(t *testing.T) { // P1
	var unset, warn slog.LevelVar
	warn.Set(slog.LevelWarn)
	for _, f := range flavors {
		for _, leveler := range []slog.Leveler{nil, slog.LevelWarn, slog.LevelDebug, slog.Level(-100), &unset, &warn} {
			t.Run(fmt.Sprintf("%s/%v", f.name, leveler), func(t *testing.T) {
				ho := &slog.HandlerOptions{Level: leveler}
				original := f.original(io.Discard, ho)
				h := f.make(io.Discard, ho, small)
				defer h.Close()
				for level := slog.LevelDebug - 1; level <= slog.LevelError+1; level++ {
					want := original.Enabled(t.Context(), level)
					assert.Equal(t, want, h.Enabled(t.Context(), level), level)
					assert.Equal(t, want, h.WithGroup("g").WithAttrs(some).Enabled(t.Context(), level), level)
				}
			})
		}
	}
}
