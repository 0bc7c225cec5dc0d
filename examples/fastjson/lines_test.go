package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

type item struct {
	ID     int            `json:"id"`
	Secret string         `json:"-"`
	Tags   []string       `json:"tags"`
	More   map[string]any `json:"more"`
}

// The lines are those that the encoder makes without asynchandler, but for values that it
// shows by String although they have a MarshalJSON, as phuslu/log does with *big.Int.
func TestLinesAreTheEncodersOwn(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, e := range encoders {
		for _, v := range []any{
			1, "s", errors.New("e"), fmt.Errorf("w: %w", errors.New("e")),
			item{1, "x", []string{"a"}, nil},
			&item{ID: 7, More: map[string]any{"k": 1}},
			[]item{{ID: 1}},
			map[string]any{"foo": "bar", "n": 1},
			[]byte("bytes"), time.Second, at,
			[]string{"a", "b"},
		} {
			t.Run(fmt.Sprintf("%s/%T", name, v), func(t *testing.T) {
				r := slog.NewRecord(at, slog.LevelInfo, "m", 0)
				r.AddAttrs(slog.Any("v", v))
				var want, got bytes.Buffer
				require.NoError(t, e.make(&want).Handle(context.Background(), r.Clone()))
				h := asynchandler.NewWriterHandler(&got, e.make, asynchandler.WithFormat(e.format))
				require.NoError(t, h.Handle(context.Background(), r))
				require.NoError(t, h.Close())
				assert.Equal(t, want.String(), got.String())
			})
		}
	}
}
