package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/archive"
	"github.com/asynchandler/asynchandler/internal/capture"
)

type point struct{ X, Y int }

type secret string

func (secret) LogValue() slog.Value { return slog.StringValue("redacted") }

func sample() slog.Record {
	r := slog.NewRecord(time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.FixedZone("CEST", 7200)), slog.LevelWarn+1, "m\xffsg", 0)
	r.AddAttrs(
		slog.String("s", "a\"b"), slog.Int64("i", math.MinInt64), slog.Uint64("u", math.MaxUint64),
		slog.Float64("f", math.Inf(-1)), slog.Bool("b", true), slog.Bool("c", false),
		slog.Duration("d", -time.Minute), slog.Time("t", time.Unix(1, 2).UTC()), slog.Time("z", time.Time{}),
		slog.Group("g", "a", 1, slog.Group("h", "b", "x")), slog.Group("", "inline", 1),
		slog.Any("nil", nil), slog.Any("bytes", []byte{0, 255}), slog.Any("nobytes", []byte(nil)),
		slog.Any("strings", []string{"a", ""}), slog.Any("nostrings", []string(nil)), slog.Any("ints", []int{1, -2}),
		slog.Any("map", map[string]string{"k": "v"}), slog.Any("imap", map[string]int{"k": 3}),
		slog.Any("source", &slog.Source{Function: "f", File: "x.go", Line: 3}),
		slog.Any("noraw", json.RawMessage(nil)), slog.Any("raw", json.RawMessage(`{"a":1}`)), slog.Any("err", errors.New("bad")),
		slog.Any("wrapped", fmt.Errorf("no: %w", io.EOF)), slog.Any("struct", point{1, 2}), slog.Any("pointer", &point{3, 4}),
		slog.Any("ip", netip.MustParseAddr("::1")), slog.Any("level", slog.LevelError), slog.Any("floats", []float64{1.5}),
		slog.Any("secret", secret("x")), slog.Any("month", time.May),
	)
	return r
}

// shown is what slog's handlers make of a record.
func shown(t testing.TB, r slog.Record) (lines [2]string) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, slog.NewJSONHandler(&b, nil).Handle(context.Background(), r))
	lines[0] = b.String()
	b.Reset()
	require.NoError(t, slog.NewTextHandler(&b, nil).Handle(context.Background(), r))
	lines[1] = b.String()
	return lines
}

func TestRecordsShowTheSame(t *testing.T) {
	for _, f := range []capture.Format{capture.Any, capture.JSON, capture.Text} {
		r := sample()
		want := shown(t, r)
		capture.Record(&r, f)
		got, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, nil, &r))
		require.NoError(t, err)
		lines := shown(t, got.Record)
		if f != capture.Text {
			require.Equal(t, want[0], lines[0])
		}
		if f != capture.JSON {
			require.Equal(t, want[1], lines[1])
		}
		require.Equal(t, r.Level, got.Level)
		require.True(t, r.Time.Equal(got.Time))
		again, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, nil, &got.Record))
		require.NoError(t, err)
		require.Equal(t, lines, shown(t, again.Record), "of what was read once")
	}
}

func TestKindsAreKept(t *testing.T) {
	r := sample()
	got, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, []byte("chain"), &r))
	require.NoError(t, err)
	require.Equal(t, []byte("chain"), got.Chain)
	var want, have []string
	for a := range r.Attrs {
		want = append(want, a.Key+" "+a.Value.Resolve().Kind().String())
	}
	for a := range got.Attrs {
		have = append(have, a.Key+" "+a.Value.Resolve().Kind().String())
	}
	require.Equal(t, want, have)
	for a := range got.Attrs {
		if e, ok := a.Value.Any().(error); a.Key == "wrapped" {
			require.True(t, ok)
			require.Equal(t, "no: EOF", e.Error())
		}
	}
}

func TestSourceIsKept(t *testing.T) {
	var r slog.Record
	slog.New(keeper{&r}).Info("here")
	got, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, nil, &r))
	require.NoError(t, err)
	require.Equal(t, r.PC, got.PC, "the same program")
	require.Equal(t, *r.Source(), got.Source)
}

// What a Codec remembers of places is that of the right one, however many there are.
func TestPlacesAreNotMixedUp(t *testing.T) {
	var here slog.Record
	slog.New(keeper{&here}).Info("here")
	var c archive.Codec
	for range 2 {
		for i := range uintptr(3000) {
			r := here
			r.PC -= i
			got, err := c.Read(c.Append(nil, nil, &r))
			require.NoError(t, err)
			require.Equal(t, *r.Source(), got.Source)
			require.Equal(t, r.PC, got.PC)
		}
	}
	var r slog.Record
	got, err := c.Read(c.Append(nil, nil, &r))
	require.NoError(t, err)
	require.Zero(t, got.PC)
	require.Zero(t, got.Source)
}

type keeper struct{ r *slog.Record }

func (keeper) Enabled(context.Context, slog.Level) bool        { return true }
func (k keeper) Handle(_ context.Context, r slog.Record) error { *k.r = r; return nil }
func (k keeper) WithAttrs([]slog.Attr) slog.Handler            { return k }
func (k keeper) WithGroup(string) slog.Handler                 { return k }

func TestChain(t *testing.T) {
	steps := []archive.Step{{Attrs: []slog.Attr{slog.Int("a", 1)}}, {Group: "g"}, {Attrs: []slog.Attr{slog.String("b", "x"), slog.Bool("c", true)}}}
	var b []byte
	for _, s := range steps {
		b = archive.AppendStep(b, s)
	}
	got, err := archive.ReadChain(b)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for i := range steps {
		require.Equal(t, steps[i].Group, got[i].Group)
		require.Equal(t, fmt.Sprint(steps[i].Attrs), fmt.Sprint(got[i].Attrs))
	}
}

func TestLine(t *testing.T) {
	r := sample()
	for _, line := range []string{"the line\n", ""} {
		b := new(archive.Codec).AppendLine(nil, []byte("chain"), &r, []byte(line))
		require.Equal(t, r.Level, archive.Level(b))
		got, err := new(archive.Codec).Read(b)
		require.NoError(t, err)
		require.NotNil(t, got.Line)
		require.Equal(t, line, string(got.Line))
		require.Equal(t, "chain", string(got.Chain))
		require.Equal(t, shown(t, r)[1], shown(t, got.Record)[1])
	}
	got, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, nil, &r))
	require.NoError(t, err)
	require.Nil(t, got.Line)
}

func TestLaterVersion(t *testing.T) {
	r := sample()
	b := new(archive.Codec).Append(nil, nil, &r)
	b[0] = 9
	_, err := new(archive.Codec).Read(b)
	require.ErrorIs(t, err, archive.ErrVersion)
	require.ErrorContains(t, err, "9, want at most 1")
}

func FuzzRead(f *testing.F) {
	r := sample()
	f.Add(new(archive.Codec).Append(nil, nil, &r))
	f.Add(new(archive.Codec).AppendLine(nil, nil, &r, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := new(archive.Codec).Read(b)
		if err == nil {
			shown(t, got.Record)
		}
		_, _ = archive.ReadChain(b)
		archive.Level(b)
	})
}
