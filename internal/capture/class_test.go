package capture

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClassCacheIsBounded(t *testing.T) {
	t.Cleanup(func() {
		classes.Clear()
		numClasses.Store(0)
	})
	for i := range maxClasses + 100 {
		assert.Equal(t, keep, classOf(reflect.ArrayOf(i, reflect.TypeFor[int]())))
	}
	cached := 0
	classes.Range(func(any, any) bool { cached++; return true })
	assert.Equal(t, maxClasses, cached)
}

// A nil error of theirs has no text; slog shows what fmt shows.
func TestNilErrorsOfTheStandardLibraryHaveNoText(t *testing.T) {
	for _, err := range []error{io.EOF, fmt.Errorf("read: %w", io.EOF), fmt.Errorf("%w, %w", io.EOF, io.EOF)} {
		require.True(t, HasFixedText(err))
		none := reflect.Zero(reflect.TypeOf(err)).Interface().(error)
		require.False(t, HasFixedText(none))
		r := slog.Record{}
		r.AddAttrs(slog.Any("err", none))
		Record(&r, JSON)
		for a := range r.Attrs {
			require.NotPanics(t, func() { _ = fmt.Sprint(a) })
		}
	}
}
