package capture

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

// texts is asked for a text by a function.
type texts struct {
	marshal func() ([]byte, error)
}

func (t texts) MarshalText() ([]byte, error) { return t.marshal() }

// textMap is a map that is asked, also a nil one.
type textMap map[string]int

func (m textMap) MarshalText() ([]byte, error) { return []byte{'n', byte('0' + len(m))}, nil }

// textHolder panics if it holds nothing.
type textHolder struct{ *texts }

// badText is an error whose Error panics.
type badText struct{}

func (badText) Error() string { panic("no text") }

func TestTextsAreShownAsBySlog(t *testing.T) {
	t.Log("encoding/json is left out:", knowsTextErrors()) // since Go 1.27 it says something else of a MarshalText that failed
	says := func(text string) texts { return texts{func() ([]byte, error) { return []byte(text), nil }} }
	fails := func(err error) texts { return texts{func() ([]byte, error) { return []byte("x"), err }} }
	values := []any{
		says(""), says("0123-4567"), says(`a "quote"`), says("a\\b"), says("é"), says("\u2028"), says("\xff"), says("\b\f\n\x00"), says("<&>"), says("\x7f"),
		texts{func() ([]byte, error) { return nil, nil }},
		texts{func() ([]byte, error) { panic("no text") }},
		texts{},
		fails(io.EOF), fails(errors.New(`"`)), fails(badText{}),
		textMap{"a": 1},
		textMap(nil),
		textHolder{},
		(*textHolder)(nil), (*texts)(nil),
		textHolder{&texts{says("held").marshal}},
	}
	for _, x := range values {
		var want, got bytes.Buffer
		var r slog.Record
		r.AddAttrs(slog.Any("v", x))
		require.NoError(t, slog.NewJSONHandler(&want, nil).Handle(t.Context(), r))
		Record(&r, JSON)
		require.NoError(t, slog.NewJSONHandler(&got, nil).Handle(t.Context(), r))
		require.Equal(t, want.String(), got.String())
	}
}

func TestTextIsAskedForOnce(t *testing.T) {
	for _, text := range []string{"plain", `"`, "\b", "é"} {
		n := 0
		var r slog.Record
		r.AddAttrs(slog.Any("v", texts{func() ([]byte, error) { n++; return []byte(text), nil }}))
		Record(&r, JSON)
		require.Equal(t, 1, n)
	}
}
