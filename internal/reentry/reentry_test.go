package reentry_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/reentry"
)

// elsewhere calls f on another goroutine.
func elsewhere(f func()) {
	var all sync.WaitGroup
	all.Go(f)
	all.Wait()
}

func TestAGoroutineIsInTheSetUntilItLeaves(t *testing.T) {
	var s reentry.Set
	assert.False(t, s.Here())
	leave := s.Enter()
	assert.True(t, s.Here())
	again := s.Enter()
	again()
	assert.True(t, s.Here(), "it entered twice")
	elsewhere(func() { assert.False(t, s.Here()) })
	elsewhere(leave) // whoever calls it
	assert.False(t, s.Here())
}

func TestNobodyNeedsToAskWhileAllAreHidden(t *testing.T) {
	var s reentry.Set
	assert.False(t, s.Visible())
	defer s.Enter()()
	elsewhere(func() {
		leave := s.Enter()
		assert.True(t, s.Visible())
		s.Hide()
		assert.True(t, s.Visible(), "there is another")
		s.Show()
		leave()
	})
	s.Hide()
	elsewhere(func() {
		assert.False(t, s.Visible())
		assert.False(t, s.Here())
	})
	s.Show()
	assert.True(t, s.Visible())
	assert.True(t, s.Here())
}

func TestOthersInTheSetDoNotMatter(t *testing.T) {
	var s reentry.Set
	leave := s.Enter()
	elsewhere(func() {
		defer s.Enter()()
		assert.True(t, s.Here())
		leave()
		assert.True(t, s.Here())
	})
	assert.False(t, s.Here())
}

func TestAnEntryKnowsGoroutinesThatWereStartedWithTheSameFunction(t *testing.T) {
	var e reentry.Entry
	var all sync.WaitGroup
	kind := func(f func()) { defer all.Done(); f() }
	ask := func(f func()) { all.Add(1); go kind(f); all.Wait() }
	ask(func() { assert.False(t, e.IsOutermost(), "not known yet") })
	ask(e.Mark)
	ask(func() { assert.True(t, e.IsOutermost()) })
	elsewhere(func() { assert.False(t, e.IsOutermost()) })
	elsewhere(func() {
		all.Add(1)
		kind(func() { assert.False(t, e.IsOutermost(), "called is not started") })
	})
}

func TestAStackTooDeepToTellMayBeOfAnyKind(t *testing.T) {
	var e reentry.Entry
	var deep func(frames int) bool
	deep = func(frames int) bool {
		if frames == 0 {
			return e.IsOutermost()
		}
		return deep(frames-1) || false
	}
	assert.False(t, deep(10))
	assert.True(t, deep(1000))
}

func TestSetConcurrentSafe(t *testing.T) {
	var s reentry.Set
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				if i%2 == 0 {
					assert.False(t, s.Here())
					continue
				}
				leave := s.Enter()
				assert.True(t, s.Here())
				leave()
				assert.False(t, s.Here())
			}
		})
	}
	all.Wait()
	assert.False(t, s.Here())
}

// To ask costs next to nothing while the set is empty, and a walk of the stack else.
func BenchmarkHere(b *testing.B) {
	for name, entered := range map[string]bool{"empty": false, "another": true} {
		b.Run(name, func(b *testing.B) {
			var s reentry.Set
			if entered {
				elsewhere(func() { s.Enter() })
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Here()
			}
		})
	}
}
