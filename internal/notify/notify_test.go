package notify_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/asynchandler/asynchandler/internal/notify"
)

// TestMain fails if a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newQueue returns a queue that survives panics, as its owner must see to.
func newQueue() *notify.Queue {
	return &notify.Queue{Run: func(f func()) {
		defer func() { _ = recover() }()
		f()
	}}
}

// told adds functions that note their numbers.
type told struct {
	mu      sync.Mutex
	numbers []int
}

func (l *told) note(n int) func() {
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.numbers = append(l.numbers, n)
	}
}

func TestFunctionsAreCalledInOrder(t *testing.T) {
	q, l := newQueue(), &told{}
	var want []int
	for i := range 1000 {
		require.True(t, q.Add(notify.All, l.note(i)))
		want = append(want, i)
	}
	await(q)
	assert.Equal(t, want, l.numbers)
}

// await waits until there is nothing left to tell.
func await(q *notify.Queue) {
	if done := q.Done(); done != nil {
		<-done
	}
}

func TestTheGoroutineExistsOnlyWhileThereIsSomethingToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, before := newQueue(), runtime.NumGoroutine()
		for range 3 {
			q.Add(notify.All, func() { time.Sleep(time.Second) })
			synctest.Wait()
			assert.Equal(t, before+1, runtime.NumGoroutine())
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Equal(t, before, runtime.NumGoroutine())
		}
		assert.Nil(t, q.Done())
	})
}

func TestAFunctionThatPanicsOrEndsItsGoroutineCostsNoOther(t *testing.T) {
	q, l := newQueue(), &told{}
	q.Add(notify.All, func() { panic("the handler's") })
	q.Add(notify.All, l.note(1))
	q.Add(notify.All, runtime.Goexit)
	q.Add(notify.All, l.note(2))
	await(q)
	assert.Equal(t, []int{1, 2}, l.numbers)
}

func TestAFunctionThatHangsDelaysNobodyWhoAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), &told{}
		hang := make(chan struct{})
		q.Add(1, func() { <-hang })
		synctest.Wait()
		assert.True(t, q.Add(1, l.note(1)), "the one that is called does not wait any more")
		assert.False(t, q.Add(1, l.note(2)), "one waits already")
		assert.True(t, q.Add(notify.All, l.note(3)), "this one must not be left out")
		done := q.Done()
		synctest.Wait()
		assert.Empty(t, l.numbers)
		close(hang)
		<-done
		assert.Equal(t, []int{1, 3}, l.numbers)
	})
}

func TestIdleIsAskedWhenNothingWaitsAndAgainAfterItsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, l := newQueue(), &told{}
		began := time.Now()
		var asked []time.Duration
		q.Idle = func() time.Duration {
			asked = append(asked, time.Since(began))
			if len(asked) == 3 {
				q.Add(notify.All, l.note(1)) // what it waited for
				return time.Hour             // is not waited for: there is something to tell
			}
			return time.Second * time.Duration(3-len(asked)) // 2, 1 and in the end none
		}
		q.Start()
		q.Start() // it runs already
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 3 * time.Second, 3 * time.Second}, asked)
		assert.Equal(t, []int{1}, l.numbers)
		assert.Nil(t, q.Done())
	})
}

func TestWhoWaitsForTheEndEndsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, began := newQueue(), time.Now()
		var mu sync.Mutex
		var calls []bool
		q.Idle = func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, q.Hurried())
			if n := len(calls); n == 1 || n == 3 {
				return time.Hour
			}
			return 0
		}
		hurried := func() []bool {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(calls)
		}
		q.Start()
		synctest.Wait()
		require.NotNil(t, q.Done())
		if done := q.Done(); done != nil { // twice is not too often
			<-done
		}
		assert.Equal(t, began, time.Now())
		assert.Equal(t, []bool{false, true}, hurried())

		q.Start() // a pause that Idle wants all the same is one
		time.Sleep(time.Minute)
		assert.Equal(t, []bool{false, true, true}, hurried())
		time.Sleep(time.Hour)
		assert.Equal(t, []bool{false, true, true, true}, hurried())
		assert.Nil(t, q.Done())
	})
}

func TestQueueConcurrentSafe(t *testing.T) {
	const callers, each = 8, 500
	q := newQueue()
	var added, called atomic.Int64
	var running atomic.Bool
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				if q.Add(3, func() {
					assert.True(t, running.CompareAndSwap(false, true), "one at a time")
					called.Add(1)
					running.Store(false)
				}) {
					added.Add(1)
				}
			}
		})
	}
	all.Wait()
	await(q)
	assert.Positive(t, called.Load())
	assert.Equal(t, added.Load(), called.Load())
}
