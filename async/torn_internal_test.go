package async

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// tornSink has taken a part of a record. It would go on with that, whatever it is given.
type tornSink struct {
	handlerSink
	calls int
}

func (s *tornSink) Deliver(b *Batch) (int, error) {
	s.calls++
	return s.handlerSink.Deliver(b)
}

func (s *tornSink) Torn() bool { return true }

// While a torn record waits the others go to the fallback. One that was taken for that, when
// the time for it ended, must not go to the sink.
func TestBypassEndsBeforeTheDelivery(t *testing.T) {
	sink, rec := &tornSink{}, &testsink.Recorder{}
	c, h, w := newIdleCore(rec, Options{Sink: sink, Fallback: &testsink.Recorder{}})
	c.worker = w
	c.outage.held = []held{{entry: entry{h: h, rec: newRecord("torn")}}}
	c.outage.failures = 1
	c.outage.bypass = time.Now().Add(time.Hour)
	require.NoError(t, h.Handle(t.Context(), newRecord("fresh")))
	c.mu.Lock()
	require.True(t, c.fillLocked(w))
	c.mu.Unlock()
	require.Equal(t, fresh, w.kind)

	h.Retry() // as after a reset of the breaker
	for c.deliver(w) {
	}
	assert.Zero(t, sink.calls)
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.Equal(t, 2, c.depthLocked(c.ring.Tail()))
	require.True(t, c.fillLocked(w))
	assert.Equal(t, retry, w.kind, "the torn one comes first")
}
