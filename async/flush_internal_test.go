package async

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Flush that comes when the worker has just drained everything for a shutdown finds
// all that it waits for done.
func TestFlushAtTheEndOfTheDrain(t *testing.T) {
	c, _, w := newIdleCore(slog.DiscardHandler, Options{})
	c.worker = w
	require.True(t, c.seal())
	b := &barrier{before: c.ring.Tail()}
	require.True(t, c.add(b))
	c.finished(w, nil)
	require.NoError(t, c.waitFor(t.Context(), b))
	assert.True(t, b.reached)
}
