//go:build !race

package goid

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Not with the race detector: under it a sync.Pool loses some of what it is given.
func TestIDDoesNotAllocate(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, func() { ID() }))
}
