package promises_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// What is made for one record, so that a ReplaceAttr sees its values before they are captured,
// is counted, too.
func TestWhatIsMadeForOneRecordIsCounted(t *testing.T) { // P5
	const records, slot, other = 5000, 328, 40 // bytes: of the ring, and of what nobody counts
	ho := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}
	for name, make := range map[string]func(gate *testsink.BlockingWriter, opts ...asynchandler.Option) *asynchandler.Handler{
		"NewJSONHandler": func(gate *testsink.BlockingWriter, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.NewJSONHandler(gate, ho, opts...)
		},
		"New": func(gate *testsink.BlockingWriter, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.New(slog.NewJSONHandler(gate, ho), opts...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			gate := testsink.NewBlockingWriter(nil)
			h := make(gate, quiet, asynchandler.WithStallTimeout(0))
			l := slog.New(h)
			l.Info("in the writer", "ids", []int{0})
			<-gate.Entered()
			before, counted := liveHeap(), h.Stats().MemoryUsed
			for i := range records {
				l.Info("m", "ids", []int{i, 1})
			}
			grown := float64(liveHeap()-before) / records
			each := float64(h.Stats().MemoryUsed-counted) / records
			t.Logf("%s: %.0f bytes grown, %.0f counted", name, grown, each)
			assert.InDelta(t, grown, each+slot, other)
			gate.Release()
			require.NoError(t, h.Close())
			assert.Zero(t, h.Stats().MemoryUsed)
		})
	}
}
