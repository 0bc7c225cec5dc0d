package promises_test

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// once is a handler that handles each message once.
type once struct {
	slog.Handler
	seen map[string]bool
}

func (o once) Handle(ctx context.Context, r slog.Record) error {
	if o.seen[r.Message] {
		return nil
	}
	o.seen[r.Message] = true
	return o.Handler.Handle(ctx, r)
}

// linesInAnOutage logs n records to a writer that refuses those that it is given.
func linesInAnOutage(t *testing.T, w *outage, dir string, n int) *asynchandler.Handler {
	t.Helper()
	h := asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler {
		return once{slog.NewJSONHandler(w, nil), map[string]bool{}}
	}, overLines(t, dir)...)
	for i := range n {
		slog.New(h).Info(strconv.Itoa(i))
		time.Sleep(time.Millisecond)
	}
	return h
}

func overLines(t *testing.T, dir string) []asynchandler.Option {
	t.Helper()
	return []asynchandler.Option{
		asynchandler.WithSpool(openSpool(t, dir)), asynchandler.WithCapacity(64), asynchandler.WithMaxWrite(64 << 10),
		asynchandler.WithErrorHandler(func(error) {}),
	}
}

// A record whose line the writer has refused goes to the disk with that line: its handler is not
// called again.
func TestTheSpoolKeepsLines(t *testing.T) { // P12
	synctest.Test(t, func(t *testing.T) {
		w := &outage{down: true}
		h := linesInAnOutage(t, w, t.TempDir(), 500)
		w.set(false)
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		require.EqualValues(t, 500, h.Stats().Delivered)
		i := 0
		for line := range strings.Lines(w.String()) {
			require.Contains(t, line, `"msg":"`+strconv.Itoa(i)+`"`)
			i++
		}
		require.Equal(t, 500, i)
	})
}

// So it is in the next process. One that writes no lines gets the record.
func TestTheSpoolKeepsLinesForTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, dirs := &outage{down: true}, [2]string{t.TempDir(), t.TempDir()}
		var want []string
		for i := range 100 {
			want = append(want, strconv.Itoa(i))
		}
		for _, dir := range dirs {
			require.NoError(t, linesInAnOutage(t, w, dir, 100).Close())
		}
		w.set(false)
		h := asynchandler.NewTextHandler(w, nil, overLines(t, dirs[0])...)
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		kept := 0
		var got []string
		for line := range strings.Lines(w.String()) {
			if strings.HasPrefix(line, "{") {
				kept++
			}
			got = append(got, regexp.MustCompile(`msg"?[=:]"?(\d+)`).FindStringSubmatch(line)[1])
		}
		require.Equal(t, want, got)
		require.Positive(t, kept)

		rec := &testsink.Recorder{}
		h = asynchandler.New(rec, overLines(t, dirs[1])...)
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		require.Equal(t, want, rec.Messages())
	})
}
