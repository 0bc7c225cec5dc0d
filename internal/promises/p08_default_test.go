package promises_test

import (
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// The standard logger is global: no test of this file is parallel.

func TestWrappedDefaultAsDefault(t *testing.T) { // P8
	policies := []asynchandler.Overflow{asynchandler.DropOldest, asynchandler.DropNewest, asynchandler.Block}
	for _, policy := range policies {
		t.Run(policy.String(), func(t *testing.T) {
			var out testsink.Buffer
			redirect(t, &out, "app: ", log.Lshortfile|log.Lmsgprefix)
			h := asynchandler.New(slog.Default().Handler(), asynchandler.WithOverflow(policy), asynchandler.WithCapacity(2))
			slog.SetDefault(slog.New(h))
			log.SetPrefix("") // the standard logger's own, which is now on the way to h

			slog.Info("one", "a", 1)
			require.NoError(t, h.Flush(t.Context()))
			slog.With("b", 2).WithGroup("g").Warn("two", "c", 3)
			require.NoError(t, h.Flush(t.Context()))
			slog.Debug("not enabled")
			log.Print("three")
			log.Println("four")
			require.NoError(t, h.Close())
			slog.Error("late")
			log.Print("late too")

			lines := out.Lines()
			require.Len(t, lines, 6)
			for i, want := range []string{"INFO one a=1", "WARN two b=2 g.c=3", "INFO three", "INFO four", "ERROR late", "INFO late too"} {
				assert.Regexp(t, `^p08_default_test\.go:\d+: app: `+want+`$`, lines[i])
			}
			assert.Len(t, out.Writes(), 6, "package log promises a Write for each line")
			assert.Equal(t, uint64(6), h.Stats().Received)
		})
	}
}

func TestWrappedDefaultWritesToAFileInBatches(t *testing.T) { // P8, P12
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	require.NoError(t, err)
	redirect(t, file, "", 0)
	h := asynchandler.New(slog.Default().Handler())
	slog.SetDefault(slog.New(h))
	for i := range 1000 {
		slog.Info(testsink.Message(0, i))
	}
	require.NoError(t, h.Close())
	require.NoError(t, file.Close())

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, testsink.Check(testsink.Messages(string(data)), 1, 1000).Err())
}

func TestDerivedDefault(t *testing.T) { // P8
	var out testsink.Buffer
	redirect(t, &out, "", 0)
	derived := slog.Default().With("a", 1).WithGroup("g").Handler()
	h := asynchandler.New(derived, small)
	slog.SetDefault(slog.New(h))
	slog.Info("one", "b", 2)
	log.Print("two")
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"INFO one a=1 g.b=2", "INFO two a=1"}, out.Lines())
}

// A writer below the standard logger that fails must not have its errors sent to
// where they came from.
func TestWrappedDefaultWithAFailingWriter(t *testing.T) { // P8
	var out testsink.Buffer
	w := testsink.NewFaultWriter(&out, testsink.Short(0, testsink.ErrFault), testsink.Short(3, testsink.ErrFault))
	redirect(t, w, "", 0)
	h := asynchandler.New(slog.Default().Handler(), small, asynchandler.WithErrorHandler(func(err error) {
		slog.Error("trouble", "err", err)
	}))
	slog.SetDefault(slog.New(h))
	slog.Info("one")
	require.NoError(t, h.Flush(t.Context()))
	testsink.Eventually(t, "trouble is logged twice", func() bool { s := h.Stats(); return s.Received == 3 && s.Depth == 0 })
	require.NoError(t, h.Close())
	lines := out.Lines()
	require.Len(t, lines, 3)
	assert.Equal(t, "INFO one", lines[0])
	assert.Contains(t, lines[1], "ERROR trouble")
	assert.Contains(t, lines[2], "ERROR trouble")
}
