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
	front, back, loan := peek.Attrs(r)
	defer loan.End()
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

func BenchmarkAttrs(b *testing.B) {
	for _, n := range []int{3, 8} {
		var r slog.Record
		for i := range n {
			r.AddAttrs(slog.Int("i", i))
		}
		sum := 0
		b.Run(fmt.Sprint("peek/", n), func(b *testing.B) {
			for b.Loop() {
				front, back, loan := peek.Attrs(&r)
				for i := range front {
					sum += len(front[i].Key)
				}
				for i := range back {
					sum += len(back[i].Key)
				}
				loan.End()
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

func TestWhatIsLentIsOneReadersOwn(t *testing.T) {
	var r, other slog.Record
	for i := range 300 {
		r.AddAttrs(slog.Int("r", i))
		other.AddAttrs(slog.Int("other", i))
	}
	front, back, loan := peek.Attrs(&r)
	for range 3 {
		assert.Equal(t, slices.Collect(other.Attrs), attrs(&other))
	}
	assert.Equal(t, slices.Collect(r.Attrs), slices.Concat(front, back))
	loan.End()
	assert.Equal(t, slices.Collect(r.Attrs), attrs(&r))
}
