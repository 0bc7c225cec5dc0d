package promises_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// A drop report of which the writer has taken a part is finished first: its rest must not
// be taken for the line of the record that comes next.
func TestTornDropReport(t *testing.T) { // P3, P7
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(asynchandler.WithCapacity(2), asynchandler.WithOverflow(asynchandler.DropNewest),
			asynchandler.WithMaxWrite(0), asynchandler.WithDropReports(1))
		logEach(f.Handler, "first")
		<-f.gate.Entered()
		logEach(f.Handler, "a", "b", "c")
		f.writer.Then(testsink.Accept, testsink.Accept, testsink.Short(3, io.ErrShortWrite),
			testsink.Short(0, testsink.ErrFault), testsink.Short(0, testsink.ErrFault))
		f.gate.Release()
		time.Sleep(time.Second)
		logEach(f.Handler, "x")
		time.Sleep(time.Minute)
		require.NoError(t, f.Close())
		assert.Equal(t, "first\na\nb\nlog records dropped\nx\n", f.out.String())
		s := f.Stats()
		assert.Equal(t, uint64(4), s.Delivered)
		assert.Equal(t, uint64(1), s.DropReports)
	})
}

// A record that cannot fit into what others leave of a shared budget, whatever is released,
// is dropped at once: under Block its caller would wait for ever, and under DropOldest all
// that waits would be evicted in vain.
func TestRecordLargerThanAShare(t *testing.T) { // P5
	for _, policy := range []asynchandler.Overflow{asynchandler.DropOldest, asynchandler.DropNewest, asynchandler.Block} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := asynchandler.WithBudget(membudget.New(1000, membudget.Options{}))
				h := asynchandler.New(&testsink.Recorder{}, budget, asynchandler.WithOverflow(policy))
				defer h.Close()
				other := asynchandler.New(&testsink.Recorder{}, budget)
				defer other.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begun := time.Now()
				err := h.Handle(ctx, slog.NewRecord(begun, slog.LevelInfo, strings.Repeat("x", 900), 0))
				require.ErrorIs(t, err, asynchandler.ErrDropped)
				assert.Zero(t, time.Since(begun))
				for _, d := range h.Stats().Drops {
					assert.Equal(t, d.Reason == asynchandler.DropOversize && d.Level == slog.LevelInfo, d.Count == 1, d)
				}
			})
		})
	}
}
