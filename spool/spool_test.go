package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

func open(t testing.TB, dir string, opts spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// records returns those with the numbers from first to before last, size bytes each.
func records(first, last, size int) (all [][]byte) {
	for i := first; i < last; i++ {
		b := fmt.Appendf(nil, "%08d ", i)
		for len(b) < size {
			b = append(b, byte('a'+i%26))
		}
		all = append(all, b)
	}
	return all
}

func appendAll(t testing.TB, s *spool.Spool, all [][]byte) {
	t.Helper()
	for len(all) > 0 {
		n := min(len(all), 256)
		require.NoError(t, s.Append(all[:n]))
		all = all[n:]
	}
}

// drain takes all out of s.
func drain(t testing.TB, s *spool.Spool) (all [][]byte) {
	t.Helper()
	for s.Len() > 0 {
		got, err := s.Next(100)
		require.NoError(t, err)
		if len(got) == 0 {
			require.Zero(t, s.Len())
			break
		}
		all = append(all, got...)
		require.NoError(t, s.Remove(len(got)))
	}
	return all
}

// files returns the files of records in dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	require.NoError(t, err)
	return names
}

func TestRecordsComeOutInOrder(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	want := records(0, 3000, 200)
	appendAll(t, s, want)
	require.Equal(t, 3000, s.Len())
	got, err := s.Next(2000)
	require.NoError(t, err)
	require.Equal(t, want[:2000], got)
	again, err := s.Next(10)
	require.NoError(t, err)
	require.Equal(t, want[:10], again, "they stay")
	require.NoError(t, s.Remove(500))
	require.Equal(t, 2500, s.Len())
	require.Equal(t, want[500:], drain(t, s))
	require.Zero(t, s.Bytes())
	require.Zero(t, s.Damaged())
	got, err = s.Next(10)
	require.NoError(t, err)
	require.Empty(t, got)
	appendAll(t, s, records(0, 10, 20))
	require.Equal(t, records(0, 10, 20), drain(t, s))
}

func TestRecordsSurviveTheProcess(t *testing.T) {
	dir := t.TempDir()
	want := records(0, 10000, 100)
	s := open(t, dir, spool.Options{MaxBytes: 4 << 20})
	appendAll(t, s, want)
	require.NoError(t, s.Remove(1234))
	require.NoError(t, s.Close())
	require.Greater(t, len(files(t, dir)), 3)

	s = open(t, dir, spool.Options{MaxBytes: 4 << 20})
	require.Equal(t, 10000-1234, s.Len())
	more := records(10000, 11000, 100)
	appendAll(t, s, more)
	got, err := s.Next(5000)
	require.NoError(t, err)
	require.Equal(t, want[1234:6234], got)
	require.NoError(t, s.Remove(5000))
	require.NoError(t, s.Close())

	s = open(t, dir, spool.Options{MaxBytes: 4 << 20})
	require.Equal(t, append(want[6234:], more...), drain(t, s))
	require.Zero(t, s.Damaged())
	require.Empty(t, files(t, dir))
	require.NoError(t, s.Close())
	s = open(t, dir, spool.Options{})
	require.Zero(t, s.Len())
}

// Append and Remove change places: the file that is read is the one that is appended to.
func TestAppendWhileReading(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 1 << 20})
	var got [][]byte
	for i := range 500 {
		require.NoError(t, s.Append(records(i*7, i*7+7, 150)))
		some, err := s.Next(5 + i%4)
		require.NoError(t, err)
		got = append(got, some...)
		require.NoError(t, s.Remove(len(some)))
	}
	got = append(got, drain(t, s)...)
	require.Equal(t, records(0, 3500, 150), got)
	require.Zero(t, s.Damaged())
}

func TestTheOldestGo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{MaxBytes: 100_000})
	var gone [][]byte
	s.OnEvict(func(r []byte) { gone = append(gone, r) })
	want := records(0, 5000, 100)
	for i := 0; i < 5000; i += 50 {
		require.NoError(t, s.Append(want[i:i+50]))
		require.LessOrEqual(t, s.Bytes(), int64(100_000))
		onDisk := int64(0)
		for _, f := range files(t, dir) {
			info, err := os.Stat(f)
			require.NoError(t, err)
			onDisk += info.Size()
		}
		require.Equal(t, onDisk, s.Bytes())
		require.Equal(t, i+50, s.Len()+len(gone))
	}
	require.Greater(t, s.Bytes(), int64(60_000))
	require.Equal(t, want, append(gone, drain(t, s)...))
	require.Zero(t, s.Damaged())
}

// Nobody wants to know of them, and some were read already.
func TestTheOldestGoUnread(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 100_000})
	want := records(0, 5000, 100)
	for i := 0; i < 5000; i += 50 {
		require.NoError(t, s.Append(want[i:i+50]))
		_, err := s.Next(1 + i%100)
		require.NoError(t, err)
		require.NoError(t, s.Remove(1))
	}
	n := s.Len()
	require.Equal(t, want[5000-n:], drain(t, s))
}

func TestRecordLargerThanTheBound(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 10_000})
	appendAll(t, s, records(0, 3, 100))
	err := s.Append([][]byte{make([]byte, 10), make([]byte, 10_000)})
	require.ErrorIs(t, err, spool.ErrTooLarge)
	require.ErrorContains(t, err, "10000 bytes")
	require.Equal(t, records(0, 3, 100), drain(t, s))
	require.NoError(t, s.Append([][]byte{make([]byte, s.MaxRecord())}))
	require.LessOrEqual(t, s.Bytes(), int64(10_000))
	require.Len(t, drain(t, s), 1)
}

func TestLargeRecords(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	var want [][]byte
	for i := range 20 {
		want = append(want, records(i, i+1, 1<<20)...)
	}
	require.NoError(t, s.Append(want))
	require.NoError(t, s.Append([][]byte{{}, nil}))
	got, err := s.Next(100)
	require.NoError(t, err)
	require.Less(t, len(got), 6, "megabytes come in portions")
	all := drain(t, s)
	require.Equal(t, want, all[:20])
	require.Equal(t, [][]byte{{}, {}}, all[20:])
}

func TestClosedSpool(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Append(records(0, 1, 10)), spool.ErrClosed)
	_, err := s.Next(1)
	require.ErrorIs(t, err, spool.ErrClosed)
	require.ErrorIs(t, s.Remove(1), spool.ErrClosed)
	require.ErrorIs(t, s.Flush(), spool.ErrClosed)
}
