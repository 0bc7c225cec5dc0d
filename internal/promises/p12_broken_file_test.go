package promises_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestFullDiskHoldsTheRecords(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty()
		defer f.Close()
		f.writer.Always(testsink.NoSpace(0))
		msgs := numbered(500, 20)
		go together(t, f.Handler, f.gate, msgs...)

		time.Sleep(time.Hour)
		s := f.Stats()
		assert.Equal(t, 500, s.Depth)
		assert.Equal(t, uint64(1), s.Delivered)
		assert.Contains(t, s.LastError, "no space left on device")

		f.writer.Heal()
		require.NoError(t, f.Flush(t.Context()))
		assert.Len(t, f.out.Lines(), 501)
		assert.ElementsMatch(t, append(msgs, "first"), f.out.Lines())
		assert.Equal(t, uint64(501), f.Stats().Delivered)
	})
}

// brokenFile is a file of the system to which nothing can be written.
type brokenFile struct {
	name string
	open func(t *testing.T) *os.File
	want error
}

var brokenFiles = []brokenFile{
	{"closed file", func(t *testing.T) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), "log"))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		return f
	}, os.ErrClosed},
	{"pipe without reader", func(t *testing.T) *os.File {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		t.Cleanup(func() { w.Close() })
		return w
	}, syscall.EPIPE},
}

func TestBrokenFile(t *testing.T) { // P7, P8, P9
	for _, tt := range brokenFiles {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.open(t)
			synctest.Test(t, func(t *testing.T) {
				errs := make(chan error, 1000)
				h := asynchandler.NewJSONHandler(file, nil, asynchandler.WithErrorHandler(func(err error) { errs <- err }))
				for range 10 {
					slog.New(h).Info("m")
				}
				time.Sleep(time.Minute)
				require.ErrorIs(t, <-errs, tt.want)
				s := h.Stats()
				assert.Equal(t, 10, s.Depth)
				assert.Equal(t, "open", s.Breaker.State)
				assert.Zero(t, s.WrittenBytes)

				err := h.Close()
				var undelivered *asynchandler.ShutdownError
				require.ErrorAs(t, err, &undelivered)
				assert.Equal(t, 10, undelivered.Undelivered)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				s = h.Stats()
				assert.Equal(t, uint64(10), s.Received)
				assert.Equal(t, uint64(10), s.Dropped)
				assert.Zero(t, s.Depth)
				require.ErrorIs(t, h.Handle(t.Context(), slog.Record{}), asynchandler.ErrClosed)
			})
		})
	}
}
