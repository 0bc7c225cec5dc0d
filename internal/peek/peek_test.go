package peek_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/peek"
)

func attrs(r *slog.Record) []slog.Attr {
	front, back := peek.Attrs(r)
	return slices.Concat(front, back)
}

func TestAttrs(t *testing.T) {
	for n := range 30 {
		var r slog.Record
		var want []slog.Attr
		for i := range n {
			want = append(want, slog.Int(fmt.Sprint(i), i))
		}
		r.AddAttrs(want...)
		assert.Equal(t, want, attrs(&r))
		clone := r.Clone()
		clone.AddAttrs(slog.String("s", "text"))
		assert.Equal(t, append(want, slog.String("s", "text")), attrs(&clone))
		assert.Equal(t, want, attrs(&r))
	}
}

func TestAttrsDoesNotAlloc(t *testing.T) {
	r := slog.Record{Message: "m"}
	r.AddAttrs(slog.Int("1", 1), slog.Int("2", 2), slog.Int("3", 3), slog.Int("4", 4), slog.Int("5", 5), slog.Int("6", 6))
	n := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		front, back := peek.Attrs(&r)
		n += len(front) + len(back)
	}))
	assert.Equal(t, 101*6, n)
}

func BenchmarkAttrs(b *testing.B) {
	for _, n := range []int{3, 8} {
		var r slog.Record
		for i := range n {
			r.AddAttrs(slog.Int("i", i))
		}
		sum := 0
		b.Run(fmt.Sprint("peek/", n), func(b *testing.B) {
			for b.Loop() {
				front, back := peek.Attrs(&r)
				for i := range front {
					sum += len(front[i].Key)
				}
				for i := range back {
					sum += len(back[i].Key)
				}
			}
		})
		b.Run(fmt.Sprint("slog/", n), func(b *testing.B) {
			for b.Loop() {
				r.Attrs(func(a slog.Attr) bool {
					sum += len(a.Key)
					return true
				})
			}
		})
	}
}
