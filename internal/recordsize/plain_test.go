package recordsize_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// plainAttr returns an attribute of one of the kinds that hold nothing but strings.
func plainAttr(i int, text string) slog.Attr {
	key := fmt.Sprint("key", i)
	switch i % 7 {
	case 0:
		return slog.String(key, text)
	case 1:
		return slog.Int(key, i)
	case 2:
		return slog.Uint64(key, math.MaxUint64)
	case 3:
		return slog.Float64(key, math.NaN())
	case 4:
		return slog.Bool(key, true)
	case 5:
		return slog.Duration(key, time.Hour)
	}
	return slog.Time(key, time.Unix(1, 1))
}

// richAttr returns an attribute of one of the other kinds.
func richAttr(i int, text string) slog.Attr {
	switch i % 5 {
	case 0:
		return slog.Any("any", []string{text})
	case 1:
		return slog.Any("error", errors.New(text))
	case 2:
		return slog.Group("group", slog.String("a", text))
	case 3:
		return slog.Any("valuer", lazy(text))
	}
	return slog.Any("nil", nil)
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

func TestOfPlainIsOf(t *testing.T) {
	for _, n := range []int{0, 1, 4, 5, 6, 7, 20, 100} {
		t.Run(fmt.Sprint(n, " attributes"), func(t *testing.T) {
			r := record("some message")
			for i := range n {
				r.AddAttrs(plainAttr(i, strings.Repeat("x", i)))
			}
			size, plain := recordsize.OfPlain(&r)
			assert.True(t, plain)
			assert.Equal(t, recordsize.Of(&r), size)
			for i := range 5 {
				rich := r.Clone()
				rich.AddAttrs(richAttr(i, "x"))
				_, plain = recordsize.OfPlain(&rich)
				assert.False(t, plain, richAttr(i, "x").Key)
			}
		})
	}
}

// A record is plain whatever its strings are, and not if any attribute is not, wherever
// that one is.
func FuzzOfPlain(f *testing.F) {
	f.Add("hello", "text", uint64(0), uint8(0))
	f.Add("", "", uint64(0b10000), uint8(5))
	f.Add("hello", "\xff\x00", uint64(1), uint8(6))
	f.Add("hello", "text", uint64(1<<19), uint8(20))
	f.Add(strings.Repeat("long", 1000), "世界", uint64(0), uint8(64))
	f.Fuzz(func(t *testing.T, msg, text string, rich uint64, n uint8) {
		r, isPlain := record(msg), true
		for i := range int(n) {
			if rich>>(i%64)&1 == 1 {
				r.AddAttrs(richAttr(i, text))
				isPlain = false
			} else {
				r.AddAttrs(plainAttr(i, text))
			}
		}
		size, plain := recordsize.OfPlain(&r)
		if plain != isPlain {
			t.Fatalf("plain is %t", plain)
		}
		if want := recordsize.Of(&r); plain && size != want {
			t.Fatalf("%d bytes, Of says %d", size, want)
		}
	})
}

// A log call freezes and sizes a record in one pass.
func TestSizedIsRecordAndOf(t *testing.T) {
	for _, f := range []capture.Format{capture.Any, capture.JSON, capture.Text, capture.Resolved, capture.JSON | capture.Copy} {
		for _, v := range values {
			for _, plain := range []int{0, 2, 7} { // the value is in the record itself, but for the last
				x, r := v.make(), record("some message")
				for i := range plain {
					r.AddAttrs(plainAttr(i, "x"))
				}
				r.AddAttrs(slog.Any("key", x), slog.String("last", "text"), slog.Any("valuer", lazy("text")))
				want, got := r.Clone(), r.Clone()
				capture.Record(&want, f)
				name := fmt.Sprint(f, " ", v.name, " after ", plain)
				assert.Equal(t, recordsize.Of(&want), capture.Sized(&got, f), name)
				assert.Equal(t, slices.Collect(want.Attrs), slices.Collect(got.Attrs), name)
			}
		}
	}
}

// What the log call pays for the size, beside what it pays for the capture alone.
func BenchmarkOfPlain(b *testing.B) {
	five := record("request done", slog.String("method", "GET"), slog.Int("status", 200), slog.String("path", "/users"),
		slog.Bool("cached", false), slog.Duration("took", 1234))
	rich := record("request failed", slog.String("method", "GET"), slog.Any("err", errors.New("refused")))
	passes := []struct {
		name string
		pass func(r *slog.Record)
	}{
		{"Plain", func(r *slog.Record) { recordsize.OfPlain(r) }},
		{"Of", func(r *slog.Record) { recordsize.Of(r) }},
		{"CaptureAlone", func(r *slog.Record) { capture.Record(r, capture.JSON) }},
		{"Both", func(r *slog.Record) { capture.Sized(r, capture.JSON) }},
	}
	for _, record := range []struct {
		name string
		slog.Record
	}{{"FiveAttributes", five}, {"AnError", rich}} {
		for _, p := range passes {
			b.Run(record.name+"/"+p.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.pass(&record.Record)
				}
			})
		}
	}
}
