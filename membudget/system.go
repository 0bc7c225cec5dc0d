package membudget

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime/debug"
)

// assumedMemory is what SystemLimit takes for the memory of a machine that does not tell.
const assumedMemory = 1 << 30

// SystemLimit returns the fraction of the memory that the process may use, at least 1, as a
// limit for [New]. That memory is the Go runtime's soft limit (GOMEMLIMIT,
// [debug.SetMemoryLimit]) if one is set, else the memory limit of the process's cgroup (v2
// or v1, the lowest of it and its parents), else the RAM of the machine. Where none of them
// can be read, as on systems other than Linux, 1 GiB is assumed. It panics if fraction is
// not in (0, 1].
func SystemLimit(fraction float64) int64 {
	if !(fraction > 0 && fraction <= 1) { // so NaN is out too
		panic(fmt.Sprintf("membudget: SystemLimit(%v): want a fraction in (0, 1]", fraction))
	}
	return share(fraction, systemMemory(debug.SetMemoryLimit(-1), os.DirFS("/")))
}

// share returns the fraction of n, without the error that a float64 would bring into a large n.
func share(fraction float64, n int64) int64 {
	if fraction == 1 {
		return max(1, n)
	}
	return max(1, int64(fraction*float64(n)))
}

// systemMemory returns the memory that the process may use; root is the root of the file
// system.
func systemMemory(goLimit int64, root fs.FS) int64 {
	if goLimit != math.MaxInt64 {
		return goLimit
	}
	for _, read := range []func(fs.FS) (int64, bool){cgroupLimit, totalMemory} {
		if n, ok := read(root); ok {
			return n
		}
	}
	return assumedMemory
}
