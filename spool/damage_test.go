package spool_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

const (
	frameSize   = 16 + 100
	segmentHead = 40
)

// filled makes a spool of records of 100 bytes and closes it.
func filled(t testing.TB, n int, opts spool.Options) (dir string, want [][]byte) {
	t.Helper()
	dir, want = t.TempDir(), records(0, n, 100)
	opts.SyncInterval = -1
	s := open(t, dir, opts)
	appendAll(t, s, want)
	require.NoError(t, s.Close())
	return dir, want
}

func edit(t testing.TB, name string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, f(b), 0o600))
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at] ^= 0x10
		return b
	}
}

func TestDamageCostsWhatIsDamaged(t *testing.T) {
	frame := func(i, at int) int { return segmentHead + i*frameSize + at }
	tests := []struct {
		name   string
		damage func(b []byte) []byte
		lost   []int // records
	}{
		{"Nothing", func(b []byte) []byte { return b }, nil},
		{"Record", flip(frame(500, 50)), []int{500}},
		{"Magic", flip(frame(500, 1)), []int{500}},
		{"LengthLess", flip(frame(500, 4)), []int{500}},
		{"LengthMore", flip(frame(500, 5)), []int{500}},
		{"LengthBehindTheEnd", flip(frame(500, 7)), []int{500}},
		{"Index", flip(frame(500, 8)), []int{500}},
		{"Checksum", flip(frame(500, 12)), []int{500}},
		{"FirstRecord", flip(frame(0, 50)), []int{0}},
		{"LastRecord", flip(frame(999, 50)), []int{999}},
		{"HeadOfTheFile", flip(12), nil},
		{"MagicOfTheFile", flip(2), nil},
		{"VersionOfTheFile", flip(8), nil},
		{"Torn", func(b []byte) []byte { return b[:len(b)-7] }, []int{999}},
		{"TornHead", func(b []byte) []byte { return b[:len(b)-frameSize+3] }, []int{999}},
		{"TornAtTheEdge", func(b []byte) []byte { return b[:len(b)-2*frameSize] }, []int{998, 999}},
		{"ZerosInTheMiddle", func(b []byte) []byte {
			clear(b[frame(500, 50):frame(502, 50)])
			return b
		}, []int{500, 501, 502}},
		{"CutOut", func(b []byte) []byte {
			return append(b[:frame(500, 50)], b[frame(502, 50):]...)
		}, []int{500, 501, 502}},
		{"PutIn", func(b []byte) []byte {
			return bytes.Join([][]byte{b[:frame(500, 0)], bytes.Repeat([]byte{0xFA, 'r', 'e', 0xF5}, 30), b[frame(500, 0):]}, nil)
		}, nil},
		{"Twice", func(b []byte) []byte {
			return bytes.Join([][]byte{b[:frame(500, 0)], b[frame(400, 0):]}, nil)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, want := filled(t, 1000, spool.Options{})
			edit(t, files(t, dir)[0], tt.damage)
			var left [][]byte
			lost := 0
			for i, r := range want {
				if lost < len(tt.lost) && tt.lost[lost] == i {
					lost++
					continue
				}
				left = append(left, r)
			}
			s := open(t, dir, spool.Options{})
			require.Equal(t, len(left), s.Len())
			if tt.name[:4] == "Torn" {
				require.Zero(t, s.Damaged())
			} else {
				require.EqualValues(t, len(tt.lost), s.Damaged())
			}
			more := records(1000, 1100, 100)
			appendAll(t, s, more)
			require.Equal(t, append(left, more...), drain(t, s))
		})
	}
}

// The records are damaged while a process has them.
func TestDamageUnderTheHand(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{MaxBytes: 4 << 20})
	want := records(0, 10000, 100)
	appendAll(t, s, want)
	all := files(t, dir)
	edit(t, all[1], flip(segmentHead+10*frameSize+50))
	edit(t, all[len(all)-1], flip(segmentHead+3*frameSize+50))
	got := drain(t, s)
	require.Len(t, got, 9998)
	require.Zero(t, s.Len())
	require.EqualValues(t, 2, s.Damaged())
	appendAll(t, s, want)
	require.Equal(t, want, drain(t, s))
}

func TestMissingFile(t *testing.T) {
	for _, i := range []int{0, 1, 3} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			dir, want := filled(t, 10000, spool.Options{MaxBytes: 4 << 20})
			s := open(t, dir, spool.Options{})
			require.NoError(t, s.Remove(10))
			require.NoError(t, s.Close())
			all := files(t, dir)
			require.Len(t, all, 5)
			info, err := os.Stat(all[i])
			require.NoError(t, err)
			in := int(info.Size()-segmentHead) / frameSize
			require.NoError(t, os.Remove(all[i]))

			from := i * in
			lost := in
			if i == 0 {
				from, lost = 10, in-10
			}
			s = open(t, dir, spool.Options{})
			require.Equal(t, 9990-lost, s.Len())
			require.EqualValues(t, lost, s.Damaged())
			require.Equal(t, append(want[10:from:from], want[from+lost:]...), drain(t, s))
		})
	}
}

func TestPositionIsDamaged(t *testing.T) {
	dir, want := filled(t, 1000, spool.Options{})
	s := open(t, dir, spool.Options{})
	require.NoError(t, s.Remove(100))
	require.NoError(t, s.Remove(100))
	require.NoError(t, s.Close())
	position := filepath.Join(dir, "position")

	edit(t, position, flip(30)) // the place of the second
	s = open(t, dir, spool.Options{})
	require.Equal(t, 900, s.Len(), "the one before holds")
	require.NoError(t, s.Close())

	edit(t, position, func([]byte) []byte { return []byte("nonsense") })
	s = open(t, dir, spool.Options{})
	require.Equal(t, want, drain(t, s), "rather twice than never")
	require.NoError(t, s.Close())
	s = open(t, dir, spool.Options{})
	require.Zero(t, s.Len())
	require.Zero(t, s.Damaged())
}

func TestVersionOfTheFuture(t *testing.T) {
	later := func(at int) func(b []byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint16(b[at:], 7)
			binary.LittleEndian.PutUint16(b[at+2:], ^uint16(7))
			return b
		}
	}
	dir, _ := filled(t, 10, spool.Options{})
	edit(t, files(t, dir)[0], later(8))
	_, err := spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrVersion)
	require.ErrorContains(t, err, "later version: 7, want at most 1")
	require.ErrorContains(t, err, dir)

	name := filepath.Join(dir, "another-name.spool")
	require.NoError(t, os.Rename(files(t, dir)[0], name))
	_, err = spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrVersion)
	require.NoError(t, os.Remove(name))
	open(t, dir, spool.Options{})
}

func TestPositionOfALaterVersion(t *testing.T) {
	dir, want := filled(t, 10, spool.Options{})
	s := open(t, dir, spool.Options{})
	require.NoError(t, s.Remove(1))
	require.NoError(t, s.Close())
	name := filepath.Join(dir, "position")
	before, err := os.ReadFile(name)
	require.NoError(t, err)
	edit(t, name, func(b []byte) []byte {
		at := bytes.Index(b, []byte("asyncpos"))
		binary.LittleEndian.PutUint16(b[at+8:], 7)
		binary.LittleEndian.PutUint32(b[at+32:], crc32.Checksum(b[at:at+32], crc32.MakeTable(crc32.Castagnoli)))
		return b
	})
	_, err = spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrVersion)
	require.NoError(t, os.WriteFile(name, before, 0o600))
	s = open(t, dir, spool.Options{})
	require.Equal(t, want[1:], drain(t, s), "nothing was changed")
}

// The disk is full in the middle of a write, and has room again.
func TestFullDisk(t *testing.T) {
	for _, taken := range []int{0, 1, 20, 116, 300, 5000} {
		t.Run(strconv.Itoa(taken), func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, spool.Options{MaxBytes: 1 << 20, SyncInterval: -1})
			want := records(0, 900, 100)
			require.NoError(t, s.Append(want[:500]))
			full := taken
			s.SetWrite(func(f *os.File, b []byte, off int64) (int, error) {
				if len(b) <= full {
					full -= len(b)
					return f.WriteAt(b, off)
				}
				n, _ := f.WriteAt(b[:full], off)
				full = 0
				return n, syscall.ENOSPC
			})
			size := s.Bytes()
			for range 3 {
				err := s.Append(want[500:])
				require.ErrorIs(t, err, syscall.ENOSPC)
				require.ErrorContains(t, err, dir)
				require.Equal(t, 500, s.Len())
				require.Equal(t, size, s.Bytes())
			}
			got, err := s.Next(100)
			require.NoError(t, err)
			require.Equal(t, want[:100], got)
			require.NoError(t, s.Remove(100))
			s.SetWrite((*os.File).WriteAt)
			require.NoError(t, s.Append(want[500:]))
			require.NoError(t, s.Close())
			s = open(t, dir, spool.Options{})
			require.Equal(t, want[100:], drain(t, s))
			require.Zero(t, s.Damaged())
		})
	}
}
