package membudget_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/membudget"
)

// modelShare is a Share in plain numbers: what it uses and what is kept for it.
type modelShare struct {
	share      *membudget.Share // nil for users without one
	used, kept int64
	left       bool
}

// model says what a Budget must answer when it is used by one goroutine.
type model struct {
	limit  int64
	shares []*modelShare // the first one stands for users that have not joined
}

func (m *model) used() (sum int64) {
	for _, s := range m.shares {
		sum += s.used
	}
	return sum
}

// free is what is neither in use nor kept for someone.
func (m *model) free() int64 {
	free := m.limit - m.used()
	for _, s := range m.shares {
		free -= max(0, s.kept-s.used)
	}
	return free
}

func (m *model) target(s *modelShare) int64 {
	var members int64
	for _, s := range m.shares[1:] {
		if !s.left {
			members++
		}
	}
	switch {
	case s.left || s == m.shares[0] && members > 0:
		return 0
	case members == 0:
		return m.limit
	}
	return m.limit / 2 / members
}

// settle moves what is kept towards the targets and reports whether all of them are reached.
func (m *model) settle() bool {
	for _, s := range m.shares {
		s.kept = min(s.kept, m.target(s))
	}
	whole := true
	for _, s := range m.shares {
		for s.kept < m.target(s) && (s.kept < s.used || m.free() > 0) {
			s.kept++
		}
		whole = whole && s.kept == m.target(s)
	}
	return whole
}

func (m *model) tryAcquire(s *modelShare, n int64) bool {
	beyond := n - min(n, max(0, s.kept-s.used))
	whole := m.settle()
	if n > 0 && (beyond > 0 && (s.left || !whole || beyond > m.free())) {
		return false
	}
	s.used += n
	return true
}

// FuzzBudget runs a sequence of calls against the model. Each pair of bytes is a call: what
// and whose, and how much.
func FuzzBudget(f *testing.F) {
	f.Add(uint8(100), []byte{0, 0, 1, 60, 0, 0, 5, 50, 2, 30, 3, 0, 9, 9, 6, 20, 1, 80})
	f.Add(uint8(96), []byte{0, 0, 0, 0, 5, 72, 0, 0, 9, 16, 13, 16, 6, 8, 7, 0, 13, 8})
	f.Add(uint8(3), []byte{0, 0, 0, 0, 0, 0, 5, 2, 9, 1, 13, 1, 1, 1})
	f.Fuzz(func(t *testing.T, limit uint8, calls []byte) {
		limit, calls = max(limit, 1), calls[:min(len(calls), 400)] // more is of no use
		b := membudget.New(int64(limit), membudget.Options{})
		m := &model{limit: int64(limit), shares: []*modelShare{{kept: int64(limit)}}}
		var peak int64
		for ; len(calls) >= 2; calls = calls[2:] {
			s := m.shares[int(calls[0]/4)%len(m.shares)]
			step(t, b, m, s, calls[0]%4, int64(calls[1]))
			peak = max(peak, m.used())
			require.Equal(t, m.used(), b.Used())
			require.Equal(t, peak, b.Peak())
			require.LessOrEqual(t, b.Used(), b.Limit())
			require.GreaterOrEqual(t, m.free(), int64(0), "what is kept can be had")
		}
		for _, s := range m.shares {
			release(b, s, s.used)
		}
		assert.Zero(t, b.Used())
	})
}

func step(t *testing.T, b *membudget.Budget, m *model, s *modelShare, what byte, n int64) {
	switch what {
	case 0:
		if len(m.shares) < 12 {
			m.shares = append(m.shares, &modelShare{share: b.Join()})
		}
	case 1:
		want := m.tryAcquire(s, n)
		require.Equal(t, want, acquire(b, s, n), "acquire of %d with %+v", n, *s)
	case 2:
		n = min(n, s.used)
		release(b, s, n)
	case 3:
		if s.share != nil {
			s.share.Leave()
			s.left = true
		}
	}
	m.settle()
	if s.share != nil {
		require.Equal(t, s.used, s.share.Used())
	}
}

func acquire(b *membudget.Budget, s *modelShare, n int64) bool {
	if s.share == nil {
		return b.TryAcquire(n)
	}
	return s.share.TryAcquire(n)
}

func release(b *membudget.Budget, s *modelShare, n int64) {
	s.used -= n
	if s.share == nil {
		b.Release(n)
		return
	}
	s.share.Release(n)
}
