package linesink

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSettle(t *testing.T) {
	const lines = "aa\nb\n\ncccc\n"
	ends := []int{3, 5, 6, 6, 11} // the fourth record wrote nothing
	tests := []struct {
		off  int
		done int
		rest string
	}{
		{0, 0, ""},
		{1, 0, "a\n"},
		{2, 0, "\n"},
		{3, 1, ""},
		{4, 1, "\n"},
		{5, 2, ""},
		{6, 4, ""},
		{7, 4, "ccc\n"},
		{10, 4, "\n"},
		{11, 5, ""},
	}
	for _, tt := range tests {
		t.Run(lines[:tt.off], func(t *testing.T) {
			var s Sink
			assert.Equal(t, tt.done, s.settle([]byte(lines), tt.off, ends))
			assert.Equal(t, tt.rest, string(s.rest))
			assert.Equal(t, tt.rest != "", s.torn)
		})
	}
}

// What is left of a torn line is still that when the writer takes none of it.
func TestSettleOfARest(t *testing.T) {
	var s Sink
	s.settle([]byte("abc\n"), 1, []int{4})
	require.Equal(t, "bc\n", string(s.rest))
	assert.Zero(t, s.settle(s.rest, 0, []int{3}))
	assert.Equal(t, "bc\n", string(s.rest))
	assert.True(t, s.torn)
	assert.Zero(t, s.settle(s.rest, 1, []int{3}))
	assert.Equal(t, "c\n", string(s.rest))
	assert.Equal(t, 1, s.settle(s.rest, 2, []int{2}))
	assert.False(t, s.torn)
}

func TestRestIsACopy(t *testing.T) {
	var s Sink
	lines := []byte("abc\n")
	s.settle(lines, 1, []int{4})
	clear(lines) // the next batch is encoded there
	assert.Equal(t, "bc\n", string(s.rest))
}

func TestBufferTakesNothingWhileClosed(t *testing.T) {
	var l buffer
	write := func(s string) error {
		n, err := l.Write([]byte(s))
		assert.Equal(t, err == nil, n == len(s))
		return err
	}
	require.ErrorIs(t, write("early"), errNotHandling)
	l.open()
	require.NoError(t, write("a"))
	require.NoError(t, write("b"))
	assert.Equal(t, 2, l.len())
	l.close()
	require.ErrorIs(t, write("late"), errNotHandling)
	assert.Equal(t, "ab", string(l.b))
	l.reset()
	assert.Empty(t, l.b)
}

func TestBufferDoesNotKeepTheMemoryOfALongLine(t *testing.T) {
	var l buffer
	for _, tt := range []struct{ size, kept int }{{maxKept, maxKept}, {2 * maxKept, 0}} {
		l.open()
		_, err := l.Write(make([]byte, tt.size))
		require.NoError(t, err)
		l.reset()
		assert.Equal(t, tt.kept, cap(l.b))
	}
}
