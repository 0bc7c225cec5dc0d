//go:build !race

package promises_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// P2. A machine so busy that a Write, or the worker's thread, gets nowhere for 100 ms
// is no healthy file and makes callers right to drop: so each loop has some tries, and
// must lose nothing in one. Under the race detector a record may take longer than 20 µs, and
// a destination as slow as that is not waited for.
func TestTightLoopIntoAFileLosesNothing(t *testing.T) {
	const total = 1_000_000
	tests := []struct{ procs, goroutines, each int }{
		{1, 1, total},
		{2, 1, total},
		{4, 1, total},
		{1, 4, total / 20},
		{4, 4, total / 20},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("GOMAXPROCS %d, %d goroutines", tt.procs, tt.goroutines), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(tt.procs))
			var s asynchandler.Stats
			for range 5 {
				if s = logIntoAFile(t, tt.goroutines, tt.each); s.Dropped == 0 {
					break
				}
			}
			require.Equal(t, uint64(tt.goroutines*tt.each), s.Delivered)
		})
	}
}

// logIntoAFile returns the stats of a handler through which that many records were
// logged. If none was dropped, all are in the file.
func logIntoAFile(t *testing.T, goroutines, each int) asynchandler.Stats {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer file.Close()
	w := &timed{File: file}
	h := asynchandler.NewTextHandler(w, nil, gathered) // as to the file within
	logAll(slog.New(h), goroutines, each)
	require.NoError(t, h.Close())
	s := h.Stats()
	if s.Dropped > 0 {
		t.Logf("dropped %d: longest Write %v, callers waited %v in all", s.Dropped, w.longest, s.Blocked)
		return s
	}
	require.NoError(t, testsink.Check(messagesIn(t, file.Name()), goroutines, each).Err())
	return s
}

// timed is a file that knows how long its slowest Write took. That bounds nothing,
// but says whether the file was to blame.
type timed struct {
	*os.File
	longest time.Duration
}

func (f *timed) Write(p []byte) (int, error) {
	start := time.Now()
	n, err := f.File.Write(p)
	f.longest = max(f.longest, time.Since(start))
	return n, err
}

// messagesIn returns the messages of a file that a text handler wrote.
func messagesIn(t *testing.T, path string) (msgs []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		_, msg, _ := strings.Cut(line, " msg=")
		msgs = append(msgs, strings.TrimSuffix(msg, "\n"))
	}
	return msgs
}
