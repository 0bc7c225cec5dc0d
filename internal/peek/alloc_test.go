//go:build !race

package peek_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/peek"
)

// Not with the race detector: under it a sync.Pool loses some of what it is given.
func TestAttrsDoesNotAlloc(t *testing.T) {
	r := slog.Record{Message: "m"}
	r.AddAttrs(slog.Int("1", 1), slog.Int("2", 2), slog.Int("3", 3), slog.Int("4", 4), slog.Int("5", 5), slog.Int("6", 6))
	n := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		front, back, loan := peek.Attrs(&r)
		n += len(front) + len(back)
		loan.End()
	}))
	assert.Equal(t, 101*6, n)
}
