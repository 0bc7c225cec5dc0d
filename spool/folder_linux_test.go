package spool_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

// asNobody runs f as a user who may write where everybody may, also if the tests run as root.
func asNobody(t *testing.T, f func()) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // which ends with the goroutine
		err := error(nil)
		if os.Getuid() == 0 {
			err = syscall.Setfsuid(65534)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	require.NoError(t, <-done)
}

func TestUnwritableFolder(t *testing.T) {
	dir, _ := filled(t, 10, spool.Options{})
	for name, mode := range map[string]os.FileMode{"ToRead": 0o555, "NotEven": 0} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.Chmod(dir, mode))
			defer func() { require.NoError(t, os.Chmod(dir, 0o700)) }()
			var err error
			asNobody(t, func() { _, err = spool.Open(dir, spool.Options{}) })
			require.ErrorIs(t, err, os.ErrPermission)
			require.ErrorContains(t, err, dir)
		})
	}
	var err error
	require.NoError(t, os.Chmod(dir, 0o555))
	asNobody(t, func() { _, err = spool.Open(dir+"/below", spool.Options{}) })
	require.NoError(t, os.Chmod(dir, 0o700))
	require.ErrorIs(t, err, os.ErrPermission)
	require.Equal(t, 10, open(t, dir, spool.Options{}).Len())
}
