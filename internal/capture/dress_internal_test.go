package capture

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An error keeps the methods for showing itself that it had, whichever these are, and shows by
// each what it showed.
func TestAFrozenErrorHasTheMethodsOfTheOriginal(t *testing.T) {
	f := forms{[]byte(`"j"`), "t", "s", "e", "p", "p+"}
	original := errors.New("original")
	for has := range hasError { // all there are without it
		err := dressError(f, has|hasError, original)
		text, isText := err.(encoding.TextMarshaler)
		str, isString := err.(fmt.Stringer)
		_, isFormatter := err.(fmt.Formatter)
		j, isJSON := err.(json.Marshaler)
		assert.Equal(t, has&hasText != 0, isText, "%b", has)
		assert.Equal(t, has&hasString != 0, isString, "%b", has)
		assert.Equal(t, has&hasFormat != 0, isFormatter, "%b", has)
		assert.Equal(t, has&hasJSON != 0, isJSON, "%b", has)
		assert.Equal(t, "e", err.Error())
		require.ErrorIs(t, err, original)
		if isText {
			b, err := text.MarshalText()
			require.NoError(t, err)
			assert.Equal(t, "t", string(b))
		}
		if isString {
			assert.Equal(t, "s", str.String())
		}
		if isFormatter {
			assert.Equal(t, "p p+", fmt.Sprintf("%v %+v", err, err))
		}
		if isJSON {
			b, err := j.MarshalJSON()
			require.NoError(t, err)
			assert.JSONEq(t, `"j"`, string(b))
		}
	}
}
