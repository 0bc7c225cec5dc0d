//go:build !race

package capture_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// The race detector allocates in the calls that are counted.
func TestRecordOfPlainKindsAllocatesNothing(t *testing.T) {
	r := recordOf(plainAttrs[:5]...)
	for _, f := range []capture.Format{capture.Any, capture.JSON, capture.Text} {
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			c := r
			capture.Record(&c, f)
		}))
	}
}
