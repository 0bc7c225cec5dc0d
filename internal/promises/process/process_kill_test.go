//go:build unix

package process_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// The capacity and the batch size of the program that is killed.
const killedCapacity, killedBatch = 256, 32

// untilKilled logs to a file, and tells its parent of each line with a byte.
func untilKilled() {
	file, err := os.Create(os.Getenv("ASYNCHANDLER_LOG"))
	must(err)
	pause, err := time.ParseDuration(os.Getenv("ASYNCHANDLER_PAUSE"))
	must(err)
	h := asynchandler.NewJSONHandler(&slowFile{file, pause}, nil, gathered, asynchandler.WithOverflow(asynchandler.Block),
		asynchandler.WithCapacity(killedCapacity), asynchandler.WithBatchSize(killedBatch))
	l := slog.New(h)
	for n := 0; ; n++ {
		l.Info("numbered", "n", n, "pad", padding)
		_, err := progressPipe().Write([]byte{'.'})
		must(err)
	}
}

// slowFile is a file that takes its time for each Write.
type slowFile struct {
	*os.File
	pause time.Duration
}

func (f *slowFile) Write(p []byte) (int, error) {
	if f.pause > 0 {
		time.Sleep(f.pause)
	}
	return f.File.Write(p)
}

// What a process that is killed loses is bounded by what may wait. What it has written is
// whole, in order and without a gap, but for half a line at the end.
func TestKilledProcessLosesNoMoreThanWhatMayWait(t *testing.T) { // P3, P5
	tests := []struct {
		name, pause string
		sizes       []int64 // of the log, in bytes, when the process is killed
	}{
		{"file", "0s", []int64{1, 1_000_000, 5_000_000}},
		{"slow file", "2ms", []int64{100_000, 300_000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range tt.sizes {
				killAt(t, tt.pause, size)
			}
		})
	}
}

// killAt kills the program when its log has that size, and looks at what there is.
func killAt(t *testing.T, pause string, size int64) {
	path := filepath.Join(t.TempDir(), "log")
	c := startChild(t, "killed", "ASYNCHANDLER_LOG="+path, "ASYNCHANDLER_PAUSE="+pause)
	told := testsink.ReadAll(c.progress)
	testsink.Eventually(t, "a log", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() >= size
	})
	require.NoError(t, c.cmd.Process.Kill())
	require.Equal(t, "signal: killed", c.ended(), "%s", &c.stderr)
	logged := len(told())

	out, err := os.ReadFile(path)
	require.NoError(t, err)
	whole := bytes.LastIndexByte(out, '\n') + 1
	numbers, _ := readLog(t, string(out[:whole]))
	lost := logged - len(numbers)
	t.Logf("%d lines logged, %d in the file, with %d bytes of another one: %d lost", logged, len(numbers), len(out)-whole, lost)
	require.Equal(t, testsink.Span(0, len(numbers)), numbers)
	assert.LessOrEqual(t, lost, killedCapacity+killedBatch)
	assert.GreaterOrEqual(t, lost, -1, "the parent may not have been told of the last one")
}
