package testsink_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestBuffer(t *testing.T) {
	var b testsink.Buffer
	p := []byte("one\ntwo\n")
	_, err := b.Write(p)
	require.NoError(t, err)
	copy(p, "xxxx") // the buffer has its own copy
	_, err = io.WriteString(&b, "\nthr")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("one\ntwo\n"), []byte("\nthr")}, b.Writes())
	assert.Equal(t, "one\ntwo\n\nthr", b.String())
	assert.Equal(t, []string{"one", "two", "", "thr"}, b.Lines())
	b.Reset()
	assert.Empty(t, b.String())
	assert.Empty(t, b.Lines())
}

func TestBufferWaitLinesConcurrentSafe(t *testing.T) {
	var b testsink.Buffer
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_, _ = io.WriteString(&b, "a\nb\n")
			}
		})
	}
	b.WaitLines(800)
	assert.Len(t, b.Lines(), 800)
	wg.Wait()
}

func TestFlushBuffer(t *testing.T) {
	b := testsink.FlushBuffer{Err: testsink.ErrFault}
	_, _ = io.WriteString(&b, "a")
	assert.Empty(t, b.Flushed())
	assert.ErrorIs(t, b.Flush(), testsink.ErrFault)
	_, _ = io.WriteString(&b, "b")
	assert.Equal(t, "a", b.Flushed())
	assert.Equal(t, "ab", b.String())
	assert.Equal(t, 1, b.Flushes())
}

func TestBlockingWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b testsink.Buffer
		w := testsink.NewBlockingWriter(&b)
		go func() { _, _ = io.WriteString(w, "a\n") }()
		<-w.Entered()
		synctest.Wait()
		assert.Empty(t, b.Writes())
		w.Release()
		b.WaitLines(1)
	})
}

func TestFaultWriterSteps(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name    string
		step    testsink.Step
		n       int
		err     error
		written string
	}{
		{"accept", testsink.Accept, 5, nil, "hello"},
		{"short", testsink.Short(2, boom), 2, boom, "he"},
		{"short beyond the end", testsink.Short(9, boom), 5, boom, "hello"},
		{"short without error", testsink.Short(2, nil), 2, nil, "he"},
		{"nothing", testsink.Short(0, boom), 0, boom, ""},
		{"full", testsink.Full(boom), 5, boom, "hello"},
		{"no space", testsink.NoSpace(1), 1, syscall.ENOSPC, "h"},
		{"negative", testsink.Negative(boom), -1, boom, ""},
		{"over", testsink.Over(boom), 6, boom, "hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b testsink.Buffer
			w := testsink.NewFaultWriter(&b, tt.step)
			n, err := io.WriteString(w, "hello")
			assert.Equal(t, tt.n, n)
			assert.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.written, b.String())
			assert.Len(t, b.Writes(), min(len(tt.written), 1))
		})
	}
}

func TestFaultWriterPassesTheErrorWithin(t *testing.T) {
	inner := testsink.NewFaultWriter(nil)
	inner.Always(testsink.Short(1, testsink.ErrFault))
	for _, step := range []testsink.Step{testsink.Accept, testsink.Short(3, nil), testsink.Over(nil)} {
		n, err := io.WriteString(testsink.NewFaultWriter(inner, step), "hello")
		assert.Equal(t, 1, n)
		assert.ErrorIs(t, err, testsink.ErrFault)
	}
}

func TestFaultWriterPanicsAndExits(t *testing.T) {
	var b testsink.Buffer
	w := testsink.NewFaultWriter(&b, testsink.PanicAfter(2, "boom"), testsink.Goexit)
	assert.PanicsWithValue(t, "boom", func() { _, _ = io.WriteString(w, "hello") })
	returned := false
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.WriteString(w, "hello")
		returned = true
	})
	wg.Wait()
	assert.False(t, returned)
	assert.Equal(t, "he", b.String())
}

func TestFaultWriterScript(t *testing.T) {
	var b testsink.Buffer
	w := testsink.NewFaultWriter(&b, testsink.Accept, testsink.NoSpace(0))
	w.Then(testsink.Short(1, testsink.ErrFault))
	w.Always(testsink.Negative(testsink.ErrFault))
	var got []int
	for s := range strings.SplitSeq("aa bb cc dd ee", " ") {
		n, _ := io.WriteString(w, s)
		got = append(got, n)
	}
	w.Then(testsink.Negative(testsink.ErrFault))
	w.Heal()
	n, err := io.WriteString(w, "ff")
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0, 1, -1, -1, 2}, append(got, n))
	assert.Equal(t, "aacff", b.String())
	assert.Equal(t, 6, w.Calls())
}
