package recordsize_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/asynchandler/asynchandler/internal/recordsize"
)

func BenchmarkTruncate(b *testing.B) {
	long := record("request done", slog.String("body", strings.Repeat("x", 100_000)), slog.Int("status", 200))
	b.ReportAllocs()
	for b.Loop() {
		r := long
		recordsize.Truncate(&r, 1000, nil)
	}
}

func BenchmarkOf(b *testing.B) {
	plain := record("request done", slog.String("method", "GET"), slog.Int("status", 200), slog.String("path", "/users"),
		slog.Bool("cached", false), slog.Duration("took", 1234))
	b.Run("Message", func(b *testing.B) {
		r := record("request done")
		b.ReportAllocs()
		for b.Loop() {
			recordsize.Of(&r)
		}
	})
	b.Run("FiveAttributes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			recordsize.Of(&plain)
		}
	})
	for _, c := range corpus {
		b.Run(strings.ReplaceAll(c.name, " ", ""), func(b *testing.B) {
			r := c.make(1)
			b.ReportAllocs()
			for b.Loop() {
				recordsize.Of(&r)
			}
		})
	}
}
