// Package goid tells goroutines apart.
//
// Some questions cannot be asked of a context: whether a log call comes, through
// code that passes no context on, from within the delivery of another one. Then
// only the goroutine knows.
package goid

import (
	"runtime"
	"sync"
)

// buffers hold the start of a trace, of which "goroutine 18446744073709551615 "
// is needed. They are pooled, for what is given to runtime.Stack is on the heap.
var buffers = sync.Pool{New: func() any { return new([64]byte) }}

// ID returns the number of the calling goroutine, the one that a stack trace
// shows. It is unique in the process: numbers are not used again. It does not allocate.
//
// It walks the whole stack to learn it: about 5 µs at the top of a goroutine, 12 to 40 µs
// in the depth of usual programs, hundreds for a thousand frames. So it is for
// slow paths only. It returns 0, which no goroutine has, should a trace
// ever start in another way.
func ID() uint64 {
	buf := buffers.Get().(*[64]byte)
	defer buffers.Put(buf)
	return parse(buf[:runtime.Stack(buf[:], false)])
}

// parse returns the number in the first line of a stack trace:
// "goroutine 1 [running]:".
func parse(trace []byte) uint64 {
	const start = "goroutine "
	if len(trace) < len(start) || string(trace[:len(start)]) != start {
		return 0
	}
	var id uint64
	for _, c := range trace[len(start):] {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + uint64(c-'0')
	}
	return id
}
