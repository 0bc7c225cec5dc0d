package spool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

// openFiles counts the files in dir that this process has open.
func openFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

// However many files of records there are, few of them are open: a spool for a night has hundreds.
func TestFewFilesAreOpen(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Options{MaxBytes: 4 << 20, SyncInterval: -1})
	require.NoError(t, err)
	defer s.Close()
	for range 9 {
		for range 6 {
			require.NoError(t, s.Append([][]byte{make([]byte, 60<<10)}))
		}
		require.NoError(t, s.Flush())
	}
	require.LessOrEqual(t, openFiles(t, dir), 5) // lock, position, the first and the last
}
