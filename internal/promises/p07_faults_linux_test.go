package promises_test

import (
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Linux has a device that is always full.
func init() {
	full := func(t *testing.T) *os.File {
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	breakables = append(breakables, breakable{"full device", 0, func(t *testing.T) (io.Writer, func(), func() string) {
		return full(t), func() {}, func() string { return "" }
	}, syscall.ENOSPC})
	brokenFiles = append(brokenFiles, brokenFile{"full device", full, syscall.ENOSPC})
}
