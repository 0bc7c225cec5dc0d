package spool_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

func noSpace(*os.File, []byte, int64) (int, error) { return 0, syscall.ENOSPC }

// The position has its room from the start: no later write needs more of the disk.
func TestPositionHasItsRoom(t *testing.T) {
	for _, older := range []int{-1, 0, 36, 100, 128} { // bytes that the file has before
		t.Run(strconv.Itoa(older), func(t *testing.T) {
			dir, want := filled(t, 500, spool.Options{})
			name := filepath.Join(dir, "position")
			require.NoError(t, os.Remove(name))
			s := open(t, dir, spool.Options{})
			require.NoError(t, s.Remove(100))
			require.NoError(t, s.Remove(100))
			require.NoError(t, s.Close())
			left := want[200:]
			if older >= 0 {
				require.NoError(t, os.Truncate(name, int64(older)))
			} else {
				require.NoError(t, os.Remove(name))
			}
			if older < 36 {
				left = want
			}
			s = open(t, dir, spool.Options{})
			info, err := os.Stat(name)
			require.NoError(t, err)
			size := info.Size()
			for range 5 {
				require.NoError(t, s.Remove(10))
			}
			info, err = os.Stat(name)
			require.NoError(t, err)
			require.Positive(t, size)
			require.Equal(t, size, info.Size())
			require.NoError(t, s.Close())
			s = open(t, dir, spool.Options{})
			require.Equal(t, left[50:], drain(t, s))
			require.Zero(t, s.Damaged())
		})
	}
}

// A disk that takes no byte more, not even of the position, is read to its end, and the files
// go.
func TestFullDiskIsReadToItsEnd(t *testing.T) {
	for _, opts := range []spool.Options{{MaxBytes: 1 << 20}, {MaxBytes: 1 << 20, SyncInterval: -1}} {
		t.Run(opts.SyncInterval.String(), func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, opts)
			want := records(0, 3000, 100)
			appendAll(t, s, want)
			size := s.Bytes()
			s.SetWrite(noSpace)
			for range 10 {
				require.NoError(t, s.Remove(100))
			}
			require.Less(t, s.Bytes(), size)
			require.ErrorIs(t, s.Flush(), syscall.ENOSPC)
			got, err := s.Next(10)
			require.NoError(t, err)
			require.Equal(t, want[1000:1010], got)

			s.SetWrite((*os.File).WriteAt)
			require.NoError(t, s.Close())
			s = open(t, dir, opts)
			require.Equal(t, 2000, s.Len(), "Close has written the position")
			s.SetWrite(noSpace)
			require.Equal(t, want[1000:], drain(t, s))
			require.Zero(t, s.Damaged())
			require.Empty(t, files(t, dir))
			require.ErrorIs(t, s.Close(), syscall.ENOSPC)
		})
	}
}

// A process that ends while the position cannot be written has the files say where it was.
func TestCrashOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{MaxBytes: 1 << 20, SyncInterval: -1})
	want := records(0, 3000, 100)
	appendAll(t, s, want)
	s.SetWrite(noSpace)
	require.NoError(t, s.Remove(1000))
	require.Error(t, s.Close()) // it writes nothing

	s = open(t, dir, spool.Options{})
	again := s.Len() - 2000
	require.Positive(t, again)
	require.LessOrEqual(t, again, (64<<10)/frameSize, "of one file")
	require.Equal(t, want[1000-again:], drain(t, s))
	require.Zero(t, s.Damaged())
}

// The oldest go for want of room although the position cannot be written.
func TestEvictionOnAFullDisk(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 200_000, SyncInterval: -1})
	want := records(0, 5000, 100)
	s.SetWrite(func(f *os.File, b []byte, off int64) (int, error) {
		if filepath.Base(f.Name()) == "position" {
			return 0, syscall.ENOSPC
		}
		return f.WriteAt(b, off)
	})
	appendAll(t, s, want)
	require.Equal(t, want[5000-s.Len():], drain(t, s))
}
