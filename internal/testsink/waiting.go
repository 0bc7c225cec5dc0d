package testsink

import (
	"io"
	"time"
)

// Eventually waits for what comes true sooner or later, such as what another process or the
// system does. A minute means never.
func Eventually(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, what string, cond func() bool,
) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

// ReadAll reads from r to its end, however that comes, on a goroutine of its own. wait returns
// what came.
func ReadAll(r io.Reader) (wait func() string) {
	done := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r) // a pipe or a connection may end in any way
		done <- string(b)
	}()
	return func() string { return <-done }
}

// Span returns the numbers from first to before end. It is never nil.
func Span(first, end int) []int {
	numbers := []int{}
	for n := first; n < end; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}
