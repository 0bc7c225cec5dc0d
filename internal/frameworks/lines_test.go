package frameworks

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// deliver hands one record to h.
func deliver(t *testing.T, h slog.Handler, value any) {
	t.Helper()
	r := slog.NewRecord(noon, slog.LevelInfo, "hello", 0)
	r.AddAttrs(slog.Int("n", 1), slog.Any("value", value))
	require.NoError(t, h.Handle(t.Context(), r))
}

func TestLinesAreThoseOfTheHandlerAlone(t *testing.T) {
	for _, handler := range handlers {
		for _, way := range []struct {
			name    string
			options []asynchandler.Option
			known   map[string]string
		}{
			{"New", nil, differences[handler.name]},
			{"option", []asynchandler.Option{handler.option}, differencesWithOption[handler.name]},
		} {
			t.Run(handler.name+"/"+way.name, func(t *testing.T) {
				seen := map[string]bool{}
				for _, value := range values {
					x := value.make() // one for both: some lines show addresses
					var alone, behind bytes.Buffer
					deliver(t, handler.make(&alone), x)
					h := asynchandler.New(handler.make(&behind), way.options...)
					deliver(t, h, x)
					require.NoError(t, h.Close())

					require.NotEmpty(t, alone.String(), value.name)
					seen[value.name] = true
					check(t, value.name, alone.String(), behind.String(), way.known[value.name])
				}
				for name := range way.known {
					assert.True(t, seen[name], "a difference of a value that there is not: %s", name)
				}
			})
		}
	}
}

// check compares two lines. A known difference must be one, and never shows a secret.
func check(t *testing.T, name, alone, behind, known string) {
	t.Helper()
	if !strings.Contains(alone, secret) {
		assert.NotContains(t, behind, secret, name)
	}
	if known == "" {
		assert.Equal(t, alone, behind, name)
		return
	}
	assert.NotEqual(t, alone, behind, "%s no longer differs: %s", name, known)
	assert.NotEmpty(t, behind, name)
}
