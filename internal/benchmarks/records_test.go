package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecordsAreWrittenAsBySlog(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			f, err := measureKind(k, effortOf(1, true))
			require.NoError(t, err)
			assert.Positive(t, f.call)
			assert.Positive(t, f.lossless)
		})
	}
}

// TestPeersRenameAndSaySource keeps the peers from being measured at less work than slog.
func TestPeersRenameAndSaySource(t *testing.T) {
	for _, c := range recordContenders[1:] {
		t.Run(c.name, func(t *testing.T) {
			line := lineOf(t, c.open, slog.HandlerOptions{ReplaceAttr: renamed, AddSource: true})
			assert.Contains(t, line, `"timestamp":`)
			assert.Contains(t, line, `"message":"request served"`)
			if c.name != "phuslu/log" { // which has no way to
				assert.Contains(t, line, `"severity":`)
			}
			assert.Contains(t, line, "/record.go")
			assert.Contains(t, lineOf(t, c.open, slog.HandlerOptions{}), `"level":`, "what closed has undone its names")
		})
	}
}

func lineOf(t *testing.T, open func(sink, slog.HandlerOptions) (*subject, error), ho slog.HandlerOptions) string {
	file := filepath.Join(t.TempDir(), "log")
	s, err := open(sink{path: file, capacity: 16}, ho)
	require.NoError(t, err)
	s.log3(1)
	require.NoError(t, s.flush(1)) // phuslu/log may close before its file is there
	require.NoError(t, s.close())
	line, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(line)
}

func TestCompleteFindsWhatIsMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(file, []byte(`{"n":0}`+"\n"+`{"n":2}`+"\n"), 0o600))
	require.ErrorContains(t, complete(file, 3), "number 1 is missing")
	require.ErrorContains(t, complete(file, 2), "never logged")
}
