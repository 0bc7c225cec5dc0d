package async_test

import (
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
)

// askedFor counts by which methods it is asked.
type askedFor struct{ json, text atomic.Int32 }

func (c *askedFor) MarshalJSON() ([]byte, error) { return c.asked(&c.json) }
func (c *askedFor) MarshalText() ([]byte, error) { return c.asked(&c.text) }

func (*askedFor) asked(n *atomic.Int32) ([]byte, error) {
	n.Add(1)
	return []byte("1"), nil
}

// A value of a derived handler is read once for next, whose own function sees the original, and
// once more only for those who get what was captured.
func TestAnOwnValueIsReadOnlyForThoseWhoShowIt(t *testing.T) { // P4
	keep := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}
	for name, tt := range map[string]struct {
		opts async.Options
		want int32
	}{
		"nobody else": {async.Options{}, 1},
		"fallback":    {async.Options{Fallback: slog.NewJSONHandler(io.Discard, nil)}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			asJSON, asText := new(askedFor), new(askedFor)
			j, txt := async.New(slog.NewJSONHandler(io.Discard, keep), tt.opts), async.New(slog.NewTextHandler(io.Discard, keep), tt.opts)
			slog.New(j).With("own", asJSON).Info("m")
			slog.New(txt).With("own", asText).Info("m")
			require.NoError(t, j.Close())
			require.NoError(t, txt.Close())
			assert.Equal(t, tt.want, asJSON.json.Load())
			assert.Zero(t, asJSON.text.Load())
			assert.Equal(t, tt.want, asText.text.Load())
			assert.Zero(t, asText.json.Load())
		})
	}
}
