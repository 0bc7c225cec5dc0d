package testsink_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestArguments(t *testing.T) {
	t.Run("the same bytes make the same, and then zeros", func(t *testing.T) {
		data := []byte{3, 1, 'k', 0, 2, 1, 'x', 1, 'y', 1, 'l', 6, 2, 'z', 'z', 1, 'm', 10, 1}
		a, b := testsink.Arguments{Data: data}, testsink.Arguments{Data: data}
		attrs := a.Attrs(2)
		assert.Equal(t, attrs, b.Attrs(2))
		assert.Equal(t, `[k=[x y] l=zz m=[=[]]]`, fmt.Sprint(attrs))
		assert.Empty(t, a.Data)
		assert.Zero(t, a.Byte())
		assert.Empty(t, a.String())
	})
	t.Run("every kind", func(t *testing.T) {
		kinds := map[string]bool{}
		for kind := range byte(16) {
			a := testsink.Arguments{Data: []byte{kind}, Other: func(*testsink.Arguments) any { return t }}
			kinds[fmt.Sprintf("%T", a.Any(1))] = true
		}
		for _, kind := range []string{
			"[]uint8", fmt.Sprintf("%T", json.RawMessage(nil)), "[]string", "map[string]int", "map[string]interface {}", "[]interface {}",
			"*slog.Source", "*float64", "*fmt.wrapError", "<nil>", "int", "*testing.T",
		} {
			assert.True(t, kinds[kind], kind)
		}
	})
	t.Run("changes", func(t *testing.T) {
		a := testsink.Arguments{Data: []byte{2, 2, 0, 'x', 'y', 1, 1, 'm', 1, 7, 2, 3}}
		args := a.Args()
		require.Len(t, args, 2)
		a.Keep()
		a.Change()
		assert.NotContains(t, args, nil)

		b := a.Bytes()
		e := testsink.Arguments{Data: []byte{7, 0, 3}}
		failure := e.Failure()
		assert.EqualError(t, failure, "code 7: ")
		e.Change()
		assert.EqualError(t, failure, "code 8: ")
		a.Change()
		assert.NotContains(t, b, byte(3))
	})
	t.Run("a LogValuer that panics", func(t *testing.T) {
		a := testsink.Arguments{Data: []byte{12, 1, 'p'}}
		v := a.Value(1)
		assert.Equal(t, slog.KindLogValuer, v.Kind())
		assert.PanicsWithValue(t, "p", func() { v.LogValuer().LogValue() })
	})
}
