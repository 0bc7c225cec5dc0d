package sleeper_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/sleeper"
)

// bench is a sleeper and what was published for it.
type bench struct {
	state     sleeper.State
	published atomic.Int64
	s         *sleeper.Sleeper
}

func newBench() *bench {
	b := &bench{}
	b.s = sleeper.New(&b.state, func() {}, func() {})
	return b
}

// take returns what was published beyond seen, for which it rests without a timer.
func (b *bench) take(t *testing.T, as sleeper.Manner, seen int64) int64 {
	for b.published.Load() == seen {
		runtime.Gosched() // here a caller publishes and sees it awake
		b.s.Rest(as, 0, func() bool { return b.published.Load() == seen })
		require.Equal(t, sleeper.Awake, b.state.Load())
	}
	return b.published.Load()
}

// A wake-up that is lost leaves all goroutines of the bubble blocked.
func TestNoWakeUpIsLostConcurrentSafe(t *testing.T) {
	const callers, each = 2, 5_000
	for name, wake := range map[string]func(*bench, sleeper.Manner){
		"woken":   func(b *bench, m sleeper.Manner) { b.s.Wake(m) },
		"poked":   func(b *bench, _ sleeper.Manner) { b.s.Poke() },
		"gathers": func(b *bench, m sleeper.Manner) { b.s.GatherFrom(m, time.Millisecond) },
		"any":     func(b *bench, _ sleeper.Manner) { b.s.WakeUp() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, taken := newBench(), make(chan struct{}, callers)
				for range callers {
					go func() {
						for range each {
							b.published.Add(1)
							if m := b.state.Load(); m != sleeper.Awake {
								wake(b, m)
							}
							<-taken
						}
					}()
				}
				for seen := int64(0); seen < callers*each; {
					as := []sleeper.Manner{sleeper.Parked, sleeper.Watching}[seen%2]
					for now := b.take(t, as, seen); seen < now; seen++ {
						taken <- struct{}{}
					}
				}
			})
		})
	}
}

func quiet() bool { return true }

func TestHowLongItSleeps(t *testing.T) {
	for name, tt := range map[string]struct {
		sleep func(*bench)
		takes time.Duration
	}{
		"a nap": {func(b *bench) { b.s.Nap(sleeper.LongNap, quiet) }, sleeper.LongNap},
		"a nap that is not quiet": {
			func(b *bench) { b.s.Nap(sleeper.LongNap, func() bool { return false }) }, 0,
		},
		"a rest": {func(b *bench) { b.s.Rest(sleeper.Parked, time.Minute, quiet) }, time.Minute},
		"a rest that gathers": {func(b *bench) {
			time.AfterFunc(time.Second, func() { b.s.GatherFrom(sleeper.Watching, sleeper.LongNap) })
			b.s.Rest(sleeper.Watching, time.Minute, quiet)
		}, time.Second + sleeper.LongNap},
		"one that gathers at its end": {func(b *bench) {
			time.AfterFunc(59*time.Second, func() { b.s.GatherFrom(sleeper.Parked, time.Hour) })
			b.s.Rest(sleeper.Parked, time.Minute, quiet)
		}, time.Minute},
		"one that is woken": {func(b *bench) {
			time.AfterFunc(time.Second, func() { b.s.Wake(sleeper.Parked) })
			b.s.Rest(sleeper.Parked, time.Minute, quiet)
		}, time.Second},
		"one that others are not woken from": {func(b *bench) {
			time.AfterFunc(time.Second, func() { b.s.Wake(sleeper.Napping) })
			b.s.Rest(sleeper.Parked, time.Minute, quiet)
		}, time.Minute},
		"one that only a poke ends": {func(b *bench) {
			time.AfterFunc(time.Second, b.s.WakeUp)
			time.AfterFunc(2*time.Second, b.s.Poke)
			b.s.Rest(sleeper.Awake, time.Minute, quiet)
		}, 2 * time.Second},
		"one that was poked before": {func(b *bench) { b.s.Poke(); b.s.Rest(sleeper.Parked, 0, quiet) }, 0},
		"none after the end": {func(b *bench) {
			b.state.End()
			b.s.Rest(sleeper.Parked, 0, quiet)
			b.s.Nap(time.Hour, quiet)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, began := newBench(), time.Now()
				tt.sleep(b)
				assert.Equal(t, tt.takes, time.Since(began))
				if b.state.Load() != sleeper.Gone {
					assert.Equal(t, sleeper.Awake, b.state.Load())
				}
			})
		})
	}
}

// A goroutine that ends while it looks leaves no sleeper that others would wake in vain.
func TestItIsAwakeAfterItsGoroutineEnded(t *testing.T) {
	b := newBench()
	func() {
		defer func() { _ = recover() }()
		b.s.Rest(sleeper.Watching, time.Hour, func() bool { panic("user code") })
	}()
	assert.Equal(t, sleeper.Awake, b.state.Load())
}

// Who turns one sleep into another just then does not leave it asleep.
func TestItIsAwakeAfterARestConcurrentSafe(t *testing.T) {
	b, ended := newBench(), make(chan struct{})
	go func() {
		defer close(ended)
		for b.state.Load() != sleeper.Gone {
			b.s.GatherFrom(sleeper.Watching, time.Hour)
		}
	}()
	defer func() { b.state.End(); <-ended }()
	for range 100_000 {
		b.s.Poke()
		b.s.Rest(sleeper.Watching, 0, quiet)
		require.Equal(t, sleeper.Awake, b.state.Load())
	}
}
