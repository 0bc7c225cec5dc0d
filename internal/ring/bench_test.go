package ring

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// payload has the size of a log record with its context: with the slot's own
// number it fills five cache lines.
type payload [312]byte

// pushPayload reports false if the ring was full.
func pushPayload(r *Ring[payload], p *payload) bool {
	pos, v, status := r.Reserve()
	if status != Reserved {
		return false
	}
	*v = *p
	r.Publish(pos)
	return true
}

func BenchmarkPush(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](8192), &payload{1}
	taken := make([]payload, 0, r.Cap())
	for b.Loop() {
		if r.Full() {
			b.StopTimer()
			r.Take(taken, r.Cap())
			b.StartTimer()
		}
		pushPayload(r, p)
	}
}

// BenchmarkPushAndTake is a push and its share of a take by a remover that keeps up.
func BenchmarkPushAndTake(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](8192), &payload{1}
	taken := make([]payload, 0, r.Cap())
	for i := 0; b.Loop(); i++ {
		if i%256 == 0 {
			r.Take(taken, r.Cap())
		}
		pushPayload(r, p)
	}
}

// BenchmarkPushParallel has a remover that keeps up as well as it can. A push that
// finds the ring full is tried again; how often is reported.
func BenchmarkPushParallel(b *testing.B) {
	b.ReportAllocs()
	r := New[payload](8192)
	var full atomic.Int64
	var over atomic.Bool
	var removing sync.WaitGroup
	removing.Go(func() {
		taken := make([]payload, 0, 256)
		for !over.Load() {
			if len(r.Take(taken, 256)) == 0 {
				runtime.Gosched()
			}
		}
	})
	b.RunParallel(func(pb *testing.PB) {
		p, tries := &payload{1}, int64(0)
		for pb.Next() {
			for !pushPayload(r, p) {
				tries++
				runtime.Gosched()
			}
		}
		full.Add(tries)
	})
	over.Store(true)
	removing.Wait()
	b.ReportMetric(float64(full.Load())/float64(b.N), "full/op")
}

func BenchmarkReserveFull(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](1), &payload{1}
	pushPayload(r, p)
	for b.Loop() {
		pushPayload(r, p)
	}
}

func BenchmarkTake256(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](8192), &payload{1}
	taken := make([]payload, 0, 256)
	for b.Loop() {
		if r.Len() == 0 {
			b.StopTimer()
			for pushPayload(r, p) {
			}
			b.StartTimer()
		}
		r.Take(taken, 256)
	}
}

// BenchmarkNew shows that a capacity costs nothing.
func BenchmarkNew(b *testing.B) {
	for _, capacity := range []int{1 << 10, 1 << 13, 1 << 16, 1 << 20} {
		b.Run(strconv.Itoa(capacity), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New[payload](capacity)
			}
		})
	}
}

// BenchmarkDrain removes 262,144 elements, as a shutdown may that cannot wait.
func BenchmarkDrain(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](1<<18), &payload{1}
	for b.Loop() {
		b.StopTimer()
		for pushPayload(r, p) {
		}
		b.StartTimer()
		r.Drain(r.Len(), func(*payload) {})
	}
}

// BenchmarkEvictOne makes room for one element in a full ring.
func BenchmarkEvictOne(b *testing.B) {
	b.ReportAllocs()
	r, p := New[payload](8192), &payload{1}
	for pushPayload(r, p) {
	}
	for b.Loop() {
		r.Evict(1, func(*payload) bool { return false }, func(*payload) {})
		pushPayload(r, p)
	}
}

// BenchmarkEvictReturned makes room for one element where many protected ones have been set
// aside, and those that were taken last are back before them.
func BenchmarkEvictReturned(b *testing.B) {
	for _, aside := range []int{512, 32_768} {
		b.Run(strconv.Itoa(aside), func(b *testing.B) {
			r := New[payload](1 << 16)
			for range aside {
				pushPayload(r, &payload{1})
			}
			protected := func(p *payload) bool { return p[0] == 1 }
			r.Evict(1, protected, func(*payload) {})
			for b.Loop() {
				b.StopTimer()
				r.Return(make([]payload, 64))
				b.StartTimer()
				for r.Evict(1, protected, func(*payload) {}) > 0 {
				}
			}
		})
	}
}
