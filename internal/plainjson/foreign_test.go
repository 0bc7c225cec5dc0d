package plainjson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/plainjson"
)

// learned returns h after it has seen a line without attributes and one with: what follows
// are lines that slog does not write.
func learned(t *testing.T, h slog.Handler) slog.Handler {
	require.NoError(t, h.Handle(t.Context(), record(at, 0, "m")))
	require.NoError(t, h.Handle(t.Context(), record(at, 0, "m", slog.Int("a", 1))))
	return h
}

// learner is a handler all of whose lines are written after others.
type learner struct {
	slog.Handler
	out *bytes.Buffer
	t   *testing.T
}

func (l learner) Handle(ctx context.Context, r slog.Record) error {
	h := learned(l.t, l.Handler)
	l.out.Reset()
	return h.Handle(ctx, r)
}

func (l learner) WithAttrs(attrs []slog.Attr) slog.Handler {
	return learner{l.Handler.WithAttrs(attrs), l.out, l.t}
}

func (l learner) WithGroup(name string) slog.Handler {
	return learner{l.Handler.WithGroup(name), l.out, l.t}
}

func TestSlogtest(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		return learner{plainjson.New(&out, nil), &out, t}
	}, func(t *testing.T) map[string]any {
		line := map[string]any{}
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		return line
	})
}

// writes counts the Writes.
type writes struct {
	n   int
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return len(p), w.err
}

func TestEachLineIsOneWrite(t *testing.T) {
	w := &writes{}
	h := plainjson.New(w, nil).WithGroup("g")
	lines := map[string]slog.Record{
		"without attributes": record(at, 0, "m"),
		"with attributes":    record(at, 0, "m", slog.Int("a", 1)),
		"not plain":          record(at, 0, "m", slog.Any("a", nil)),
	}
	for name, r := range lines {
		for range 3 { // the first one is learned from
			w.n, w.err = 0, nil
			require.NoError(t, h.Handle(t.Context(), r), name)
			require.Equal(t, 1, w.n, name)
			w.n, w.err = 0, io.ErrClosedPipe
			require.ErrorIs(t, h.Handle(t.Context(), r), io.ErrClosedPipe, name)
			require.Equal(t, 1, w.n, name)
		}
	}
}

// impure is an error whose text is another one each time.
type impure int64

var asked atomic.Int64

func (impure) Error() string { return fmt.Sprint("call ", asked.Add(1)) }

func TestErrorIsAskedOnce(t *testing.T) {
	asked.Store(0)
	var out bytes.Buffer
	h := plainjson.New(&out, nil)
	for i := range 3 {
		require.NoError(t, h.Handle(t.Context(), record(time.Time{}, 0, "m", slog.Any("err", impure(0)), slog.Any("any", nil))))
		require.Equal(t, fmt.Sprintf(`{"level":"INFO","msg":"m","err":"call %d","any":null}`+"\n", i+1), out.String())
		out.Reset()
	}
}

// counted is a LogValuer that counts how often it is asked.
type counted struct{ n *int }

func (c counted) LogValue() slog.Value {
	*c.n++
	return slog.IntValue(*c.n)
}

// LogValue is called when slog calls it, and as often: in WithAttrs.
func TestAttributesOfAHandlerAreAskedOnce(t *testing.T) {
	n := 0
	requireLine := func(h slog.Handler, out *bytes.Buffer) {
		require.NoError(t, h.Handle(t.Context(), record(time.Time{}, 0, "m", slog.Int("b", 2))))
		require.JSONEq(t, `{"level": "INFO", "msg": "m", "a": 1, "b": 2}`, out.String())
		out.Reset()
	}
	var out bytes.Buffer
	h := plainjson.New(&out, nil).WithAttrs([]slog.Attr{slog.Any("a", counted{&n})})
	require.Equal(t, 1, n)
	requireLine(h, &out)
	requireLine(h, &out)
	require.Equal(t, 1, n)
}
