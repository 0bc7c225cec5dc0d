package linesink_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/linesink"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

var errRefused = errors.New("refused")

// told is what a batch was told, and what it keeps.
type told struct {
	done []int // without repetitions
	torn bool
	kept map[int]string
	line func() []byte
}

func (b *told) Done(n int) {
	if b.all() != n || len(b.done) == 0 {
		b.done = append(b.done, n)
	}
}

// all returns how many records are done.
func (b *told) all() int {
	if len(b.done) == 0 {
		return 0
	}
	return b.done[len(b.done)-1]
}

func (b *told) Torn() { b.torn = true }

func (b *told) Keep(i int, line []byte) {
	if b.kept == nil {
		b.kept = make(map[int]string)
	}
	b.kept[i] = string(line)
}

func (b *told) Line() []byte {
	if b.line == nil {
		return nil
	}
	return b.line()
}

// batch has a line for each record. A handler refuses "refuse" and panics at "panic".
type batch struct {
	told
	w       io.Writer
	lines   []string
	handled []string
}

func (b *batch) Next() bool { return len(b.handled) < len(b.lines) }

func (b *batch) Handle() error {
	line := b.lines[len(b.handled)]
	b.handled = append(b.handled, line)
	_, err := io.WriteString(b.w, line+"\n")
	switch line {
	case "refuse":
		return errRefused
	case "panic":
		panic(line)
	}
	return err
}

// deliver has a new sink over a writer that follows the script deliver lines.
func deliver(max int, lines string, script ...testsink.Step) (out *testsink.Buffer, b *batch, done int, err error) {
	out = new(testsink.Buffer)
	s := linesink.New(testsink.NewFaultWriter(out, script...), max)
	b = &batch{w: s.Lines(), lines: strings.Fields(lines)}
	func() {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		_, err = s.Deliver(b)
	}()
	return out, b, b.all(), err
}

// writes returns what each Write had, without the last newline.
func writes(out *testsink.Buffer) (all []string) {
	for _, w := range out.Writes() {
		all = append(all, strings.TrimSuffix(string(w), "\n"))
	}
	return all
}

func TestDeliver(t *testing.T) { // P7, P12
	fault := testsink.ErrFault
	tests := []struct {
		name    string
		max     int
		lines   string
		script  []testsink.Step
		writes  []string
		handled int
		done    []int
		err     error
	}{
		{"one record in each Write", 0, "a bb c", nil, []string{"a", "bb", "c"}, 3, []int{1, 2, 3}, nil},
		{"all fit", 8, "aa bb", nil, []string{"aa\nbb"}, 2, []int{2}, nil},
		{"what does not fit is for the next", 7, "aa bb cc dd", nil, []string{"aa\nbb", "cc\ndd"}, 4, []int{2, 4}, nil},
		{"a longer line is alone", 4, "a long-line b c", nil, []string{"a", "long-line", "b\nc"}, 4, []int{1, 2, 4}, nil},
		{"refused", 64, "a b refuse c", nil, []string{"a\nb"}, 3, []int{2}, errRefused},
		{"refused first", 64, "refuse a", nil, nil, 1, nil, errRefused},
		{"refused behind a failed Write", 64, "a refuse", []testsink.Step{testsink.Short(0, fault)}, nil, 2, []int{0}, fault},
		{"failed", 64, "a b", []testsink.Step{testsink.Short(0, fault)}, nil, 2, []int{0}, fault},
		{"failed with one that did not fit", 4, "a b c", []testsink.Step{testsink.Short(0, fault)}, nil, 2, []int{0}, fault},
		{"failed later", 0, "a b c", []testsink.Step{testsink.Accept, testsink.Short(0, fault)}, []string{"a"}, 2, []int{1}, fault},
		{"trouble that is over", 64, "a b", []testsink.Step{testsink.Full(fault)}, []string{"a\nb"}, 2, []int{2}, fault},
		{"trouble that is over, one did not fit", 5, "aa bb cc", []testsink.Step{testsink.Full(fault)}, []string{"aa", "bb"}, 2, []int{1, 2}, fault},
		{"goes on after a part", 64, "aa bb", []testsink.Step{testsink.Short(2, fault)}, []string{"aa", "\nbb"}, 2, []int{2}, fault},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, b, done, err := deliver(tt.max, tt.lines, tt.script...)
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.writes, writes(out))
			assert.Len(t, b.handled, tt.handled)
			assert.Equal(t, tt.done, b.done)
			if len(tt.done) > 0 {
				assert.Equal(t, tt.done[len(tt.done)-1], done)
			}
		})
	}
}

// A handler that panics costs the records before it nothing, not even a second Handle.
func TestPanicOfAHandlerLeavesNobodyBehind(t *testing.T) { // P8
	out, b, done, err := deliver(64, "a b panic c")
	require.EqualError(t, err, "panic: panic")
	assert.Equal(t, []string{"a\nb"}, writes(out))
	assert.Equal(t, 2, done)
	assert.Len(t, b.handled, 3)
}

// Trouble that is over is told beside what failed, but what becomes of the record does
// not depend on it.
func TestTroubleThatIsOverDoesNotJudgeTheNextRecord(t *testing.T) { // P7
	last := errors.New("as if for good")
	for name, tt := range map[string]struct {
		lines string
		next  testsink.Step
		want  error
	}{
		"a failed Write": {"aa bb", testsink.Short(0, testsink.ErrFault), testsink.ErrFault},
		"nothing more":   {"aa", testsink.Accept, last},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := deliver(5, tt.lines, testsink.Full(last), tt.next)
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, errors.Is(tt.want, last), errors.Is(err, last))
			assert.ErrorContains(t, err, last.Error())
		})
	}
}

// A count that is no error's is told once, with the type of the writer.
func TestWrongCountIsToldOnce(t *testing.T) { // P12
	for _, n := range []int{-1, 0, 1, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var out testsink.Buffer
			w := testsink.NewFaultWriter(&out)
			w.Always(func(w io.Writer, p []byte) (int, error) {
				_, err := w.Write(p)
				return n, err
			})
			s := linesink.New(w, 64)
			for i := range 3 {
				b := &batch{w: s.Lines(), lines: []string{"aa", "bb"}}
				done, err := s.Deliver(b)
				assert.Equal(t, 2, done)
				assert.False(t, b.torn)
				assert.Equal(t, i == 0, err != nil)
				if err != nil {
					assert.ErrorContains(t, err, "*testsink.FaultWriter")
				}
			}
			assert.Equal(t, strings.Repeat("aa\nbb\n", 3), out.String())
			assert.EqualValues(t, len(out.String()), s.WrittenBytes())
		})
	}
}

// What a handler does with its bytes after it has written them is no matter.
func TestHandlerMayUseItsBytesAgain(t *testing.T) { // P12
	var out testsink.Buffer
	s := linesink.New(&out, 5)
	p := make([]byte, 3)
	b := &reusing{w: s.Lines(), p: p, left: 3}
	done, err := s.Deliver(b)
	require.NoError(t, err)
	assert.Equal(t, 3, done)
	assert.Equal(t, "c3\nc2\nc1\n", out.String())
}

// reusing is a batch whose handler writes all lines from the same bytes.
type reusing struct {
	told
	w    io.Writer
	p    []byte
	left int
}

func (b *reusing) Next() bool { return b.left > 0 }

func (b *reusing) Handle() error {
	copy(b.p, fmt.Sprintf("c%d\n", b.left))
	b.left--
	_, err := b.w.Write(b.p)
	clear(b.p)
	return err
}

// The rest of a torn line comes before all else.
func TestTornLineIsContinued(t *testing.T) { // P7
	var out testsink.Buffer
	fault := testsink.ErrFault
	s := linesink.New(testsink.NewFaultWriter(&out, testsink.Short(4, fault), testsink.Short(0, fault), testsink.Short(0, fault)), 64)
	b := &batch{w: s.Lines(), lines: []string{"aa", "bb", "cc"}}
	done, err := s.Deliver(b)
	require.ErrorIs(t, err, fault)
	assert.Equal(t, 1, done)
	assert.True(t, b.torn)
	assert.Equal(t, map[int]string{2: "cc\n"}, b.kept, "the rest of the torn one is the sink's")
	for _, want := range []struct {
		done int
		err  error
	}{{0, fault}, {1, nil}} {
		b := &torn{}
		done, err := s.Deliver(b)
		require.ErrorIs(t, err, want.err)
		assert.Equal(t, want.done, done)
		assert.Equal(t, want.done == 0, b.torn)
	}
	assert.Equal(t, "aa\nbb\n", out.String())
}

// torn is the record of which a part was written: it is not handled again.
type torn struct {
	told
	begun bool
}

func (b *torn) Next() (first bool) { first, b.begun = !b.begun, true; return first }
func (*torn) Handle() error        { return errRefused }

// A handler that reported no error is not called again for another Write: it may leave out
// what it takes for a repetition.
func TestLinesOfAFailedWriteAreKept(t *testing.T) { // P7
	_, b, done, err := deliver(64, "aa bb refuse cc", testsink.Short(0, testsink.ErrFault))
	require.ErrorIs(t, err, testsink.ErrFault)
	assert.Zero(t, done)
	assert.Equal(t, map[int]string{0: "aa\n", 1: "bb\n"}, b.kept)

	var out testsink.Buffer
	s := linesink.New(&out, 64)
	again := &batch{w: s.Lines(), lines: []string{"refuse"}}
	again.line = func() []byte {
		again.handled = append(again.handled, "kept")
		return []byte("aa\n")
	}
	_, err = s.Deliver(again)
	require.NoError(t, err)
	assert.Equal(t, "aa\n", out.String())
	assert.Equal(t, []string{"kept"}, again.handled)
}
