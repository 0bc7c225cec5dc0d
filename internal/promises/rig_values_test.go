package promises_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/asynchandler/asynchandler"
)

// marshaler shows itself as JSON and as text, or fails or panics.
type marshaler struct {
	data []byte
	how  byte
}

func (m *marshaler) MarshalJSON() ([]byte, error) { return m.marshal(0) }

func (m *marshaler) MarshalText() ([]byte, error) { return m.marshal(2) }

func (m *marshaler) marshal(shift int) ([]byte, error) {
	switch m.how >> shift % 4 {
	case 0:
		return m.data, errors.New(string(m.data))
	case 1:
		panic(string(m.data))
	case 2:
		return json.Marshal(string(m.data))
	default:
		return m.data, nil
	}
}

// valuerFunc is a LogValuer.
type valuerFunc func() slog.Value

func (f valuerFunc) LogValue() slog.Value { return f() }

func valuer(v slog.Value) slog.LogValuer { return valuerFunc(func() slog.Value { return v }) }

type point struct {
	X, Y int
	Name *string `json:"name,omitempty"`
}

// codeError is an error that can change.
type codeError struct {
	Code int
	Text string
}

func (e *codeError) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Text) }

// endless keeps records from being given up.
var endless = asynchandler.WithMaxAttempts(1_000_000)
