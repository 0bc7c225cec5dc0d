//go:build !purego

package peek_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/peek"
)

func TestOwnChangesARecordAndNotItsCopies(t *testing.T) {
	for n := range 12 {
		var r slog.Record
		for i := range n {
			r.AddAttrs(slog.Int("n", i))
		}
		before := r
		own, ok := peek.Own(&r)
		assert.True(t, ok)
		for i := range own {
			own[i].Key = "changed"
		}
		for i, a := range attrs(&r) {
			assert.Equal(t, i < len(own), a.Key == "changed")
		}
		for _, a := range attrs(&before) {
			assert.Equal(t, "n", a.Key)
		}
	}
}
