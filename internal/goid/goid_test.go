package goid

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIDIsTheOneOfTheStackTrace(t *testing.T) {
	var want uint64
	_, err := fmt.Sscanf(string(debug.Stack()), "goroutine %d ", &want)
	require.NoError(t, err)
	assert.Equal(t, want, ID())
}

func TestIDStaysAndDiffers(t *testing.T) {
	const goroutines = 100
	ids := make(map[uint64]int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			id := ID()
			assert.NotZero(t, id)
			assert.Equal(t, id, deep(100, ID), "deeper on the same goroutine")
			mu.Lock()
			defer mu.Unlock()
			ids[id]++
		})
	}
	wg.Wait()
	assert.Len(t, ids, goroutines)
}

func TestParse(t *testing.T) {
	tests := []struct {
		name  string
		trace string
		want  uint64
	}{
		{"one", "goroutine 1 [running]:\nmain.main()", 1},
		{"several digits", "goroutine 1234567890 [running]:", 1234567890},
		{"highest", "goroutine 18446744073709551615 [running]:", math.MaxUint64},
		{"other state", "goroutine 7 gp=0xc000002380 m=0 mp=0x1 [running]:", 7},
		{"cut", "goroutine 12", 12},
		{"no number", "goroutine ", 0},
		{"not a number", "goroutine [running]:", 0},
		{"another start", "thread 12 [running]:", 0},
		{"too short", "gor", 0},
		{"empty", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, parse([]byte(tt.trace)))
		})
	}
}

// deep calls f below depth more frames.
//
//go:noinline
func deep(depth int, f func() uint64) uint64 {
	if depth == 0 {
		return f()
	}
	id := deep(depth-1, f)
	return id
}

func BenchmarkID(b *testing.B) {
	for _, depth := range []int{0, 10, 30, 100, 1000} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			b.ReportAllocs()
			deep(depth, func() uint64 {
				for b.Loop() {
					ID()
				}
				return 0
			})
		})
	}
}
