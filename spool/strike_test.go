package spool_test

import (
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

func TestRemoveRange(t *testing.T) {
	for _, r := range []struct{ from, n int }{{0, 3}, {1, 1}, {5, 4000}, {500, 0}, {9999, 1}, {9990, 100}, {1, 9999}} {
		t.Run(strconv.Itoa(r.from)+"+"+strconv.Itoa(r.n), func(t *testing.T) {
			dir := t.TempDir()
			opts := spool.Options{MaxBytes: 4 << 20}
			want := records(0, 10000, 100)
			s := open(t, dir, opts)
			appendAll(t, s, want)
			require.NoError(t, s.Remove(10))
			require.NoError(t, s.Append(records(10000, 10010, 100)))
			want = append(want[10:], records(10000, 10010, 100)...)
			want = slices.Delete(want, r.from, min(r.from+r.n, len(want)))
			require.NoError(t, s.RemoveRange(r.from, r.n))
			require.Equal(t, len(want), s.Len())
			got, err := s.Next(10)
			require.NoError(t, err)
			require.Equal(t, want[:len(got)], got)
			require.NoError(t, s.Close())

			s = open(t, dir, opts)
			require.Equal(t, len(want), s.Len())
			require.NoError(t, s.RemoveRange(1, 2))
			want = slices.Delete(want, min(1, len(want)), min(3, len(want)))
			require.Equal(t, len(want), s.Len())
			more := records(20000, 20100, 100)
			require.NoError(t, s.Append(more))
			require.Equal(t, append(want, more...), drain(t, s))
			require.Zero(t, s.Damaged())
			require.Zero(t, s.Bytes())
			require.NoError(t, s.Close())
			require.ErrorIs(t, s.RemoveRange(1, 2), spool.ErrClosed)
		})
	}
}

// What is struck out is told from what is damaged.
func TestDamageBesideWhatIsStruckOut(t *testing.T) {
	frame := func(i, at int) int { return segmentHead + i*frameSize + at }
	tests := []struct {
		name    string
		damage  func(b []byte) []byte
		lost    []int // of those that were not struck out
		damaged int
	}{
		{"Before", flip(frame(399, 50)), []int{399}, 1},
		{"Behind", flip(frame(500, 50)), []int{500}, 1},
		{"Struck", flip(frame(450, 50)), nil, 1},
		{"StruckMagic", flip(frame(450, 2)), nil, 1},
		{"Torn", func(b []byte) []byte { return b[:len(b)-7] }, []int{998}, 0},
		{"TornStruck", func(b []byte) []byte { return b[:len(b)-frameSize-7] }, []int{998}, 0},
		{"CutOut", func(b []byte) []byte { return append(b[:frame(450, 0)], b[frame(550, 0):]...) }, between(500, 550), 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := filled(t, 1000, spool.Options{})
			s := open(t, dir, spool.Options{})
			require.NoError(t, s.RemoveRange(999, 1))
			require.NoError(t, s.RemoveRange(400, 100))
			require.NoError(t, s.Close())
			edit(t, files(t, dir)[0], tt.damage)
			if tt.name == "Torn" {
				tt.lost = nil // the last one is struck out
			}
			var left [][]byte
			for i, r := range want {
				if (i < 400 || i >= 500) && i < 999 && !slices.Contains(tt.lost, i) {
					left = append(left, r)
				}
			}
			s = open(t, dir, spool.Options{})
			require.Equal(t, len(left), s.Len())
			require.EqualValues(t, tt.damaged, s.Damaged())
			more := records(1000, 1100, 100)
			appendAll(t, s, more)
			require.Equal(t, append(left, more...), drain(t, s))
			require.EqualValues(t, tt.damaged, s.Damaged())
		})
	}
}

func between(first, last int) (all []int) {
	for i := first; i < last; i++ {
		all = append(all, i)
	}
	return all
}

// Open has no time to look at all files: what is struck out is found when it is read.
func TestStruckOutIsFoundLater(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 4 << 20})
	want := records(0, 10000, 100)
	appendAll(t, s, want)
	edit(t, files(t, s.Dir())[1], func(b []byte) []byte {
		copy(b[segmentHead+10*frameSize:], []byte{0xFA, 'o', 'u', 't'})
		return b
	})
	require.Len(t, drain(t, s), 9999)
	require.Zero(t, s.Len())
	require.Zero(t, s.Damaged())
}

// What is struck out is not told of as gone for want of room, nor counted.
func TestStruckOutIsEvicted(t *testing.T) {
	for _, tells := range []bool{true, false} {
		t.Run(strconv.FormatBool(tells), func(t *testing.T) {
			dir := t.TempDir()
			opts := spool.Options{MaxBytes: 100_000, SyncInterval: -1}
			s := open(t, dir, opts)
			all := records(0, 800, 100)
			appendAll(t, s, all)
			require.NoError(t, s.RemoveRange(1, 9))
			require.NoError(t, s.Close())
			s = open(t, dir, opts)
			var gone [][]byte
			if tells {
				s.OnEvict(func(r []byte) { gone = append(gone, slices.Clone(r)) })
			}
			had := s.Len()
			more := records(800, 1000, 100)
			appendAll(t, s, more)
			n := had + len(more) - s.Len()
			require.Positive(t, n)
			if tells {
				require.Equal(t, slices.Concat(all[:1], all[10:n+9]), gone)
			}
			require.Equal(t, append(all[n+9:], more...), drain(t, s))
			require.Zero(t, s.Damaged())
		})
	}
}

// The files go with the last record, whatever is struck out behind it.
func TestOnlyStruckOutIsLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{MaxBytes: 4 << 20})
	appendAll(t, s, records(0, 10000, 100))
	require.NoError(t, s.RemoveRange(1, 9999))
	require.NoError(t, s.Close())
	s = open(t, dir, spool.Options{MaxBytes: 4 << 20})
	require.Equal(t, 1, s.Len())
	require.NoError(t, s.Remove(1))
	require.Empty(t, files(t, dir))
	require.Zero(t, s.Bytes())
	want := records(0, 10, 100)
	require.NoError(t, s.Append(want))
	require.Equal(t, want, drain(t, s))
}

// What cannot be struck out now is removed all the same, and struck out when that works.
func TestStrikeFails(t *testing.T) {
	for _, works := range []int{0, 1, 2, 5} { // writes; the first one is to the head
		for _, again := range []string{"Close", "Flush", "RemoveRange", "Never"} {
			t.Run(strconv.Itoa(works)+again, func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, dir, spool.Options{SyncInterval: -1})
				want := records(0, 10, 100)
				appendAll(t, s, want)
				writes := 0
				s.SetWrite(func(f *os.File, b []byte, off int64) (int, error) {
					if writes++; writes > works {
						return 0, syscall.EIO
					}
					return f.WriteAt(b, off)
				})
				require.NoError(t, s.RemoveRange(1, 5))
				want = slices.Delete(want, 1, 6)
				require.Equal(t, 5, s.Len())
				if again != "Never" {
					require.ErrorIs(t, s.Flush(), syscall.EIO)
					s.SetWrite((*os.File).WriteAt)
				}
				switch again {
				case "Flush":
					require.NoError(t, s.Flush())
				case "RemoveRange":
					require.NoError(t, s.RemoveRange(1, 1))
					want = slices.Delete(want, 1, 2)
				case "Never":
					require.ErrorIs(t, s.Close(), syscall.EIO)
					require.Equal(t, 10-max(0, works-1), open(t, dir, spool.Options{}).Len())
					return
				}
				require.NoError(t, s.Close())
				s = open(t, dir, spool.Options{})
				require.Equal(t, want, drain(t, s))
				require.Zero(t, s.Damaged())
			})
		}
	}
}

// What is struck out is not counted by Open either where that has no time to check.
func TestStruckOutWithoutTimeToCheck(t *testing.T) {
	opts := spool.Options{MaxBytes: 4 << 20, SyncInterval: -1}
	for name, r := range map[string]struct{ from, n int }{"First": {1, 3}, "Middle": {5000, 1}, "OverFiles": {1000, 6000}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, opts)
			want := records(0, 10000, 100)
			appendAll(t, s, want)
			require.Greater(t, len(files(t, dir)), 4)
			require.NoError(t, s.RemoveRange(r.from, r.n))
			require.NoError(t, s.Close())
			s, err := spool.OpenUnchecked(dir, opts)
			require.NoError(t, err)
			defer s.Close()
			require.Equal(t, 10000-r.n, s.Len())
			require.Equal(t, slices.Delete(want, r.from, r.from+r.n), drain(t, s))
			require.Zero(t, s.Len())
			require.Zero(t, s.Damaged())
		})
	}
}

// To ask for more than there is removes what there is, and its files.
func TestRemoveMoreThanThereIs(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{SyncInterval: -1})
	want := records(0, 10, 100)
	appendAll(t, s, want)
	require.NoError(t, s.RemoveRange(10, math.MaxInt))
	require.NoError(t, s.RemoveRange(3, -1))
	require.Equal(t, 10, s.Len())
	require.NoError(t, s.RemoveRange(-1, 2))
	require.NoError(t, s.RemoveRange(3, math.MaxInt))
	require.Equal(t, 3, s.Len())
	got, err := s.Next(10)
	require.NoError(t, err)
	require.Equal(t, want[2:5], got)
	require.NoError(t, s.Remove(math.MaxInt))
	require.Zero(t, s.Len())
	require.Zero(t, s.Bytes())
	require.Empty(t, files(t, s.Dir()))
}
