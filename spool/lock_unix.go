//go:build unix && !solaris && !illumos && !aix

package spool

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens the file and locks it for this process, and reports whether another one
// has it.
func openLocked(path string) (f *os.File, taken bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, false, nil
		case errors.Is(err, syscall.EINTR):
		default:
			return nil, errors.Is(err, syscall.EWOULDBLOCK), errors.Join(err, f.Close())
		}
	}
}
