package peek

import (
	"log/slog"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Records of other releases of slog, as they might be.
type (
	noFront  struct{ attrs []slog.Attr }
	pointers struct {
		front  [5]*slog.Attr
		nFront int
		back   []slog.Attr
	}
	aSlice struct {
		front  []slog.Attr
		nFront int
		back   []slog.Attr
	}
	small struct {
		front  [5]slog.Attr
		nFront uint8
		back   []slog.Attr
	}
	embedded struct {
		_ int
		parts
	}
	parts struct {
		front  [5]slog.Attr
		nFront int
		back   []slog.Attr
	}
	listed struct {
		front  [5]slog.Attr
		nFront int
		back   *slog.Attr
	}
)

func TestAnotherRecordIsNotRead(t *testing.T) {
	require.True(t, known, "slog.Record has other fields than this package knows")
	for _, record := range []reflect.Type{
		reflect.TypeFor[noFront](), reflect.TypeFor[pointers](), reflect.TypeFor[aSlice](), reflect.TypeFor[small](), reflect.TypeFor[listed](), reflect.TypeFor[embedded](),
	} {
		_, ok := find(record)
		assert.False(t, ok, record)
	}
	assert.True(t, fields.isRight(5))
	assert.False(t, fields.isRight(4), "more than fit")
	level, _ := reflect.TypeFor[slog.Record]().FieldByName("Level")
	wrong := fields
	wrong.nFront = level.Offset // always 0
	assert.False(t, wrong.isRight(5))
}

func TestAttrsOfAnUnknownRecord(t *testing.T) {
	known = false
	defer func() { known = true }()
	var r slog.Record
	front, back := Attrs(&r)
	assert.Empty(t, front)
	assert.Empty(t, back)
	r.AddAttrs(slog.Int("a", 1), slog.Int("b", 2), slog.Int("c", 3), slog.Int("d", 4), slog.Int("e", 5), slog.Int("f", 6))
	front, back = Attrs(&r)
	assert.Equal(t, collect(&r), front)
	assert.Len(t, front, 6)
	assert.Empty(t, back)
}
