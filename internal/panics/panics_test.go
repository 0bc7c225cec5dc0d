package panics_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/panics"
)

func TestError(t *testing.T) {
	cause := errors.New("index out of range")
	for _, tt := range []struct {
		value any
		text  string
		cause error
	}{
		{"boom", `asynchandler: handler "a": panic: boom`, nil},
		{cause, `asynchandler: handler "a": panic: index out of range`, cause},
		{nil, `asynchandler: handler "a": panic: runtime.Goexit was called`, nil},
	} {
		err := panics.New("a", tt.value)
		assert.EqualError(t, err, tt.text)
		assert.Contains(t, string(err.Stack), "TestError")
		if tt.cause != nil {
			assert.ErrorIs(t, err, tt.cause)
		}
	}
}
