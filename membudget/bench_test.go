package membudget_test

import (
	"testing"

	"github.com/asynchandler/asynchandler/membudget"
)

// One acquire and one release, by those who can get at the budget in different ways.
func BenchmarkAcquireRelease(b *testing.B) {
	full := func(budget *membudget.Budget) acquirer { // its reserve is used up, so all goes through the pool
		s := budget.Join()
		s.TryAcquire(budget.Limit() / 2)
		return s
	}
	benchmarks := []struct {
		name string
		user func(*membudget.Budget) acquirer
	}{
		{"Budget", func(budget *membudget.Budget) acquirer { return budget }},
		{"Reserve", func(budget *membudget.Budget) acquirer { return budget.Join() }},
		{"Pool", full},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			u := bb.user(membudget.New(1<<30, membudget.Options{}))
			for b.Loop() {
				if u.TryAcquire(100) {
					u.Release(100)
				}
			}
		})
		b.Run(bb.name+"Parallel", func(b *testing.B) {
			u := bb.user(membudget.New(1<<30, membudget.Options{}))
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if u.TryAcquire(100) {
						u.Release(100)
					}
				}
			})
		})
	}
}

// Each goroutine has a share of its own, as handlers have.
func BenchmarkSharesParallel(b *testing.B) {
	budget := membudget.New(1<<30, membudget.Options{})
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		s := budget.Join()
		defer s.Leave()
		for pb.Next() {
			if s.TryAcquire(100) {
				s.Release(100)
			}
		}
	})
}
