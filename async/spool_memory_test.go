package async_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// gaugedSpool measures the most that it has returned in one call.
type gaugedSpool struct {
	*spool.Spool
	records, bytes int
}

func (s *gaugedSpool) Next(limit int) ([][]byte, error) {
	records, err := s.Spool.Next(limit)
	n := 0
	for _, r := range records {
		n += len(r)
	}
	s.records, s.bytes = max(s.records, len(records)), max(s.bytes, n)
	return records, err
}

// What is taken from the disk into memory is bounded, however much is there and however long next
// refuses it: it is a part of what the spool returns in one call (P5).
func TestWhatIsLoadedIsBounded(t *testing.T) {
	tests := []struct {
		name     string
		n, size  int
		refuses  func(slog.Record) bool
		records  int
		maxBytes int
	}{
		{"AnOutage", 3000, 10, testsink.Always, 1024 + 256, 4 << 20},
		{"LargeRecords", 200, 100_000, testsink.Always, 41, 4 << 20},
		{"LargeBehindARefusedOne", 200, 100_000, testsink.HasMessage("1"), 41, 4 << 20},
		{"LargerThanThat", 4, 5 << 20, testsink.Always, 1, 6 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				h, _, _ := newSpooled(t, dir, async.Options{})
				logSlowly(h.WithAttrs([]slog.Attr{slog.String("pad", strings.Repeat("x", tt.size))}), numbered(1, tt.n)...)
				require.NoError(t, h.Close())

				s := &gaugedSpool{Spool: openSpool(t, dir)}
				h = begin(t, testsink.NewFailer(nil, errDown, tt.refuses), async.Options{Gate: newBreaker(), MaxWait: -1, MaxAttempts: 1_000_000, Spool: s})
				time.Sleep(20 * time.Minute)
				require.NoError(t, h.Close())
				require.Positive(t, s.records)
				require.LessOrEqual(t, s.records, tt.records)
				require.LessOrEqual(t, s.bytes, tt.maxBytes)
			})
		})
	}
}
