//go:build !windows && (!unix || solaris || illumos || aix)

package spool

import "os"

// openLocked locks nothing: there are no file locks that end with the process.
func openLocked(path string) (f *os.File, taken bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return f, false, err
}
