package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
)

type holder struct {
	Name string
	note string
}

// shared shows itself by methods that hand out the same memory each time.
type shared struct{ text func() string }

func (s shared) MarshalText() ([]byte, error) { return []byte(s.text()), nil }
func (s shared) String() string               { return s.text() }
func (s shared) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, s.text()) }

// Some frameworks hand out strings over a buffer that they use again.
func TestCopyCopiesEveryString(t *testing.T) { // P4
	for _, p := range pairings {
		t.Run(p.name, func(t *testing.T) {
			buf := []byte("GET")
			s := unsafe.String(&buf[0], len(buf))
			var out bytes.Buffer
			h := p.next(&out, nil)
			make := func() slog.Record {
				r := slog.NewRecord(when, slog.LevelInfo, s, 0)
				r.AddAttrs(slog.String(s, s), slog.Group(s, s, s), slog.Any("named", text(s)), slog.Any("strings", []string{s}),
					slog.Any("none", []string(nil)), slog.Any("map", map[string]string{s: s}), slog.Any("struct", holder{s, s}), slog.Any("array", [1]string{s}),
					slog.Any("new", errors.New(s)), slog.Any("wrapped", fmt.Errorf("%w", errors.New(s))), slog.Any("err", failure{func() string { return s }}),
					slog.Any("valuer", valuer{func() slog.Value { return slog.StringValue(s) }}), slog.Any("texts", []text{text(s)}), slog.Any("n", []int{1}),
					slog.Any("source", &slog.Source{Function: s, File: s, Line: 1}), slog.Any("none", (*slog.Source)(nil)))
				return r
			}
			want := shown(t, h, &out, make())
			r := make()
			capture.Record(&r, p.format|capture.Copy)
			copy(buf, "PUT")
			assert.Equal(t, want, shown(t, h, &out, r))
		})
	}
}

// What fmt shows a handler that is not known is copied, too.
func TestCopyCopiesWhatStringReturns(t *testing.T) { // P4
	buf := []byte("GET")
	r := recordOf(slog.Any("shared", shared{func() string { return unsafe.String(&buf[0], len(buf)) }}))
	capture.Record(&r, capture.Any|capture.Copy)
	copy(buf, "PUT")
	for a := range r.Attrs {
		assert.Equal(t, "GET", fmt.Sprint(a.Value.Any()))
	}
}
