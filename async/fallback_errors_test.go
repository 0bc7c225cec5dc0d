package async_test

import (
	"io/fs"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// Where both fail, the errors say which one is the fallback's, and are what they were.
func TestErrorsOfTheFallbackSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs []error
		full := &fs.PathError{Op: "write", Path: "fallback.log", Err: fs.ErrPermission}
		h := begin(t, testsink.NewFailer(nil, errDown, testsink.Always), async.Options{
			Fallback:     testsink.NewFailer(nil, full, testsink.Always),
			ErrorHandler: func(err error) { errs = append(errs, err) },
		})
		info(h, "1")
		assertOutcomes(t, h, outcomes{failed: 1})
		require.Len(t, errs, 2)
		require.EqualError(t, errs[0], `asynchandler: handler "default": delivery failed (attempt 1): next is down`)
		require.EqualError(t, errs[1], `asynchandler: handler "default": delivery failed (attempt 2): fallback: write fallback.log: permission denied`)
		require.ErrorIs(t, errs[1], full)
		var path *fs.PathError
		require.ErrorAs(t, errs[1], &path)
		assert.Equal(t, "fallback: write fallback.log: permission denied", h.Stats().LastError)
	})
}
