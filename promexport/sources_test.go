package promexport_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/promexport"
)

func TestNamesOfSources(t *testing.T) {
	for _, tt := range []struct {
		name        string
		names, want []string
	}{
		{"one", []string{"a"}, []string{"a"}},
		{"the same", []string{"a", "a", "a"}, []string{"a", "a-2", "a-3"}},
		{"one that looks like a suffix", []string{"a", "a-2", "a"}, []string{"a", "a-2", "a-3"}},
		{"one that looks like a suffix, later", []string{"a", "a", "a-2"}, []string{"a", "a-2", "a-2-2"}},
		{"none", []string{"", ""}, []string{"unknown", "unknown-2"}},
		{"invalid UTF-8", []string{"\xff", "a\xc0b"}, []string{"a\uFFFDb", "\uFFFD"}},
		{"the same once valid", []string{"\xff", "\xfe"}, []string{"\uFFFD", "\uFFFD-2"}},
		{"to be escaped", []string{"a\"b\\c\nd", "{handler=\"x\"}"}, []string{"a\"b\\c\nd", "{handler=\"x\"}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, r := register(t)
			for _, name := range tt.names {
				c.Add(named(name))
			}
			assert.ElementsMatch(t, tt.want, handlers(t, r))
			scrape := httptest.NewRecorder()
			promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			assert.NoError(t, testutil.GatherAndCompare(r, scrape.Body), "the text can be read back")
		})
	}
}

func TestNameIsFixedWhenAdded(t *testing.T) {
	s := named("before")
	_, r := register(t, s)
	s.stats.Name = "after"
	assert.Equal(t, []string{"before"}, handlers(t, r))
}

func TestAddAndRemove(t *testing.T) {
	c, r := register(t)
	families, err := r.Gather()
	require.NoError(t, err)
	require.Empty(t, families, "no source, no series")

	a, b := named("x"), named("x")
	c.Add(a)
	c.Add(a)
	assert.Equal(t, []string{"x"}, handlers(t, r), "added twice, shown once")
	c.Add(b)
	assert.Equal(t, []string{"x", "x-2"}, handlers(t, r))
	c.Remove(a)
	assert.Equal(t, []string{"x-2"}, handlers(t, r), "the others keep their labels")
	c.Remove(a)
	c.Remove(named("x"))
	assert.Equal(t, []string{"x-2"}, handlers(t, r), "never added, or not any more")
	c.Add(a)
	assert.Equal(t, []string{"x", "x-2"}, handlers(t, r), "a free label is used again")
}

func TestOneQueueIsOneSource(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	defer h.Close()
	derived := h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).(*asynchandler.Handler)
	another := asynchandler.NewJSONHandler(io.Discard, nil)
	defer another.Close()
	c, r := register(t, h, derived, sourceFunc(derived.Stats), another)
	assert.Equal(t, []string{"default", "default-2"}, handlers(t, r))
	c.Remove(derived)
	assert.Equal(t, []string{"default-2"}, handlers(t, r), "the queue is removed")
	c.Add(derived)
	c.Remove(h)
	assert.Equal(t, []string{"default-2"}, handlers(t, r))
}

func TestMembersOfAMultiHandler(t *testing.T) {
	m := asynchandler.NewMultiHandler(
		asynchandler.NewJSONHandler(io.Discard, nil), asynchandler.NewTextHandler(io.Discard, nil),
	)
	defer m.Close()
	derived := m.WithGroup("g").(*asynchandler.MultiHandler)
	_, r := register(t, append(promexport.Sources(m), promexport.Sources(derived)...)...)
	assert.Equal(t, []string{"default", "default-2"}, handlers(t, r))
	assert.Empty(t, promexport.Sources(&asynchandler.MultiHandler{}))
}

func TestSourcesThatCannotBeCompared(t *testing.T) {
	f := sourceFunc(func() asynchandler.Stats { return asynchandler.Stats{Name: "f"} })
	c, r := register(t, f, f)
	c.Remove(f)
	assert.Equal(t, []string{"f", "f-2"}, handlers(t, r))
}

func TestBadSourceCostsOnlyItsOwnSeries(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  func() asynchandler.Stats
	}{
		{"panics", func() asynchandler.Stats { panic("bad") }},
		{"ends its goroutine", func() asynchandler.Stats { runtime.Goexit(); return asynchandler.Stats{} }},
		{"hangs", func() asynchandler.Stats { time.Sleep(time.Hour); return asynchandler.Stats{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bad atomic.Bool
				s := sourceFunc(func() asynchandler.Stats {
					if bad.Load() {
						return tt.bad()
					}
					return asynchandler.Stats{Name: "turns bad"}
				})
				c, r := register(t, named("a"), s, named("z"))
				assert.Equal(t, []string{"a", "turns bad", "z"}, handlers(t, r))

				bad.Store(true)
				assert.Equal(t, []string{"a", "z"}, handlers(t, r))
				c.Add(sourceFunc(tt.bad))
				assert.Equal(t, []string{"a", "z"}, handlers(t, r), "bad from the start")

				time.Sleep(2 * time.Hour) // the calls that hang have returned
				bad.Store(false)
				assert.Equal(t, []string{"a", "turns bad", "z"}, handlers(t, r))
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

func TestNilSourceIsLikeOneThatPanics(t *testing.T) {
	c, r := register(t, nil, (*asynchandler.Handler)(nil), named("a"))
	assert.Equal(t, []string{"a"}, handlers(t, r))
	c.Remove(nil)
	assert.Equal(t, []string{"a"}, handlers(t, r))
}

func TestScrapesWaitOnceForASourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		hang := make(chan struct{})
		hanging := func(name string) promexport.Source {
			return sourceFunc(func() asynchandler.Stats {
				if calls.Add(1) > 2 { // not when they are added
					<-hang
				}
				return asynchandler.Stats{Name: name}
			})
		}
		_, r := register(t, hanging("one"), hanging("two"), named("good"))
		begin := time.Now()
		assert.Equal(t, []string{"good"}, handlers(t, r))
		assert.Equal(t, 500*time.Millisecond, time.Since(begin), "both together")
		for range 10 {
			assert.Equal(t, []string{"good"}, handlers(t, r))
		}
		assert.Equal(t, 500*time.Millisecond, time.Since(begin), "known to hang")
		assert.Equal(t, int64(4), calls.Load(), "no further call while one hangs")
		close(hang)
		synctest.Wait()
		assert.Equal(t, []string{"good", "one", "two"}, handlers(t, r))
	})
}

func TestClosedHandlerIsShown(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	_, r := register(t, h)
	slog.New(h).Info("one")
	require.NoError(t, h.Close())
	assert.Equal(t, 1.0, value(t, r, "records_delivered_total", "default"))
}

// A scrape waits for no delivery, and does not let the breaker go on to half-open.
func TestScrapeDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewBlocker(testsink.Func(func(context.Context, slog.Record) error { return nil }))
		h := asynchandler.New(next, asynchandler.WithErrorHandler(func(error) {}))
		_, r := register(t, h)
		next.Block()
		slog.New(h).Info("stuck")
		time.Sleep(time.Minute)
		begin := time.Now()
		assert.Equal(t, 60.0, value(t, r, "in_flight_seconds", "default"))
		assert.Equal(t, 1.0, value(t, r, "breaker_state", "default", "open"))
		assert.Equal(t, 0.0, value(t, r, "breaker_transitions_total", "default", "half-open"))
		assert.Equal(t, 1.0, value(t, r, "stalls_total", "default"))
		assert.Equal(t, 1.0, value(t, r, "queue_depth", "default"))
		assert.Equal(t, begin, time.Now())
		next.Release()
		require.NoError(t, h.Close())
	})
}

func TestAddRemoveAndScrapeConcurrentSafe(t *testing.T) {
	stays := named("stays")
	c, r := register(t, stays)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 50 {
				s := named(fmt.Sprint("goes", n%2))
				c.Add(s)
				c.Remove(s)
			}
		})
		wg.Go(func() {
			for range 25 {
				assert.Contains(t, handlers(t, r), "stays")
			}
		})
	}
	wg.Wait()
	assert.Equal(t, []string{"stays"}, handlers(t, r))
}
