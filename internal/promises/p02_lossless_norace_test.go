//go:build !race

package promises_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
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
	tests := []struct {
		procs, goroutines, each int
		ended                   bool // the context of the calls has ended before
	}{
		{1, 1, total, false},
		{2, 1, total, false},
		{4, 1, total, false},
		{1, 4, total / 20, false},
		{4, 4, total / 20, false},
		{1, 1, total / 5, true},
		{2, 1, total / 5, true},
		{4, 1, total / 5, true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("GOMAXPROCS %d, %d goroutines, ended: %t", tt.procs, tt.goroutines, tt.ended), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if tt.ended {
				cancel()
			}
			requireLossless(t, tt.procs, tt.goroutines, tt.each, func(l *slog.Logger, msg string) { l.InfoContext(ctx, msg) })
		})
	}
}

// P2, and with the same reserve. They are all there before the first of them logs.
func TestAHerdOfErrorsIntoAFileLosesNothing(t *testing.T) {
	const herd = 30_000
	for _, procs := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("GOMAXPROCS %d", procs), func(t *testing.T) {
			requireLossless(t, procs, herd, 1, func(l *slog.Logger, msg string) { l.Error(msg) })
		})
	}
}

// requireLossless fails if records are lost each time that they are logged.
func requireLossless(t *testing.T, procs, goroutines, each int, log func(l *slog.Logger, msg string)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	var s asynchandler.Stats
	for range 5 {
		if s = logIntoAFile(t, goroutines, each, log); s.Dropped == 0 {
			break
		}
	}
	require.Equal(t, uint64(goroutines*each), s.Delivered)
}

// logIntoAFile returns the stats of a handler through which that many records were
// logged. If none was dropped, all are in the file, each once.
func logIntoAFile(t *testing.T, goroutines, each int, log func(l *slog.Logger, msg string)) asynchandler.Stats {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer file.Close()
	w := &timed{File: file}
	h := asynchandler.NewJSONHandler(w, nil, gathered) // as to the file within
	l, start := slog.New(h), make(chan struct{})
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			<-start
			for seq := range each {
				log(l, testsink.Message(g, seq))
			}
		})
	}
	close(start)
	all.Wait()
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

// messagesIn returns the messages of a file that a JSON handler wrote.
func messagesIn(t *testing.T, path string) (msgs []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		_, rest, _ := strings.Cut(line, `,"msg":"`)
		msg, ok := strings.CutSuffix(rest, "\"}\n")
		require.True(t, ok, "no whole line: %q", line)
		msgs = append(msgs, msg)
	}
	return msgs
}
