package spool_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

// FuzzDamage flips bytes of the files and cuts them. What comes out are records that were
// put in, in order; a flipped byte costs one record at most.
func FuzzDamage(f *testing.F) {
	f.Add([]byte{0, 0, 0, 100, 8})
	f.Add([]byte{0, 0, 0, 8, 0xFF, 1, 2, 1, 0, 0})
	f.Add([]byte{2, 1, 0, 200, 0, 0, 3, 0, 9, 1})
	f.Add([]byte{3, 3, 0, 0, 0, 4, 1, 1, 0, 0})
	f.Add([]byte{0, 1, 0, 61, 0x80, 0, 1, 0, 62, 0x80})
	opts := spool.Options{MaxBytes: 64 << 10, SyncInterval: -1}
	f.Fuzz(func(t *testing.T, ops []byte) {
		dir := t.TempDir()
		s := open(t, dir, opts)
		var want [][]byte
		for i := range 150 { // of all sizes, some with what frames begin with
			r := bytes.Repeat([]byte{0xFA, 'r', 'e', 0xF5, byte(i)}, i%50*3)
			want = append(want, binary.BigEndian.AppendUint32(r, uint32(i)))
		}
		appendAll(t, s, want)
		require.NoError(t, s.RemoveRange(100, 20)) // in two files
		want = slices.Delete(want, 100, 120)
		require.NoError(t, s.Close())

		all := files(t, dir)
		flips, others := 0, 0
		for ; len(ops) >= 5; ops = ops[5:] {
			name := all[int(ops[1])%len(all)]
			b, err := os.ReadFile(name)
			if err != nil {
				continue // removed
			}
			at := int(binary.BigEndian.Uint16(ops[2:])) % (len(b) + 1)
			switch ops[0] % 5 {
			case 0, 1:
				if at < len(b) && ops[4] != 0 {
					b[at] ^= ops[4]
					flips++
				}
			case 2:
				b = b[:at]
				others++
			case 3:
				require.NoError(t, os.Remove(name))
				others++
				continue
			case 4:
				b = bytes.Join([][]byte{b[:at], bytes.Repeat(ops[4:5], int(ops[4])), b[at:]}, nil)
				others++
			}
			require.NoError(t, os.WriteFile(name, b, 0o600))
		}

		s, err := spool.Open(dir, opts)
		if errors.Is(err, spool.ErrVersion) && flips > 1 {
			return
		}
		require.NoError(t, err)
		defer s.Close()
		n := s.Len()
		more := records(0, 20, 50)
		require.NoError(t, s.Append(more))
		got := drain(t, s)
		require.Len(t, got, n+len(more), "what is damaged was found at Open")
		require.Equal(t, more, got[n:])
		next := 0
		for _, r := range got[:n] {
			i := next + slices.IndexFunc(want[next:], func(w []byte) bool { return bytes.Equal(w, r) })
			require.GreaterOrEqual(t, i, next)
			next = i + 1
		}
		if others == 0 {
			require.LessOrEqual(t, s.Damaged(), uint64(flips))
			require.GreaterOrEqual(t, s.Damaged(), uint64(len(want)-n), "what is struck out may be damaged too")
		}
	})
}
