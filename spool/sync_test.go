package spool_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

// Syncs go on beside everything else, and files are removed under them.
func TestConcurrentSafe(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{MaxBytes: 1 << 20, SyncInterval: time.Millisecond})
	want := records(0, 3000, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; i < len(want); i += 100 {
			if err := s.Append(want[i : i+100]); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range 20 {
			if err := s.Flush(); err != nil {
				t.Error(err)
			}
			_, _, _ = s.Len(), s.Bytes(), s.Damaged()
		}
	})
	var got [][]byte
	for len(got) < len(want) && !t.Failed() {
		some, err := s.Next(64)
		require.NoError(t, err)
		got = append(got, some...)
		require.NoError(t, s.Remove(len(some)))
	}
	wg.Wait()
	require.Equal(t, want, got)
	require.NoError(t, s.Close())
}
