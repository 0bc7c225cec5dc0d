package ring

import (
	"runtime"
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
