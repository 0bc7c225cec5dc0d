package promises_test

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// faultsOf makes a script for a writer from the bytes of the fuzzer. It loses
// nothing that the writer says it took, and ends.
func faultsOf(data []byte) (script []testsink.Step) {
	for _, b := range data[:min(len(data), 40)] {
		n := int(b >> 3)
		switch b % 8 {
		case 0:
			script = append(script, testsink.Accept)
		case 1:
			script = append(script, returning(-n))
		case 2:
			script = append(script, testsink.Over(nil))
		case 3:
			script = append(script, testsink.Full(testsink.ErrFault))
		case 4:
			script = append(script, returning(n))
		case 5:
			script = append(script, testsink.NoSpace(n))
		case 6:
			script = append(script, testsink.Short(0, testsink.ErrFault))
		default:
			script = append(script, testsink.Short(4*n, io.ErrShortWrite))
		}
	}
	return script
}

// linesOf makes short lines, some of them empty, from the bytes of the fuzzer.
func linesOf(data []byte) (msgs []string) {
	for i, b := range data[:min(len(data), 50)] {
		msgs = append(msgs, strings.Repeat(string(rune('a'+i%26)), int(b%32)))
	}
	return msgs
}

// refusals counts for each line how often a Write with all of it took nothing.
type refusals map[string]int

// noting has each of the steps note what it refuses.
func (r refusals) noting(script []testsink.Step) []testsink.Step {
	for i, step := range script {
		script[i] = func(w io.Writer, p []byte) (int, error) {
			n, err := step(w, p)
			if n <= 0 && err != nil {
				for line := range strings.Lines(string(p)) {
					r[line]++
				}
			}
			return n, err
		}
	}
	return script
}

// inOrder leaves out of text the lines that others may have gone ahead of: those which
// were refused, if one was refused again when it was tried once more.
func (r refusals) inOrder(text string) (lines []string) {
	again := slices.Max(append(slices.Collect(maps.Values(r)), 0)) > 1
	for line := range strings.Lines(text) {
		if !again || r[line] == 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// FuzzWriterSink has a writer that fails in all ways, and heals, write each line
// once, whole and in order, but for those that failed while others were taken.
func FuzzWriterSink(f *testing.F) { // P7, P12
	f.Add([]byte{4, 0, 9, 31, 2}, []byte{12, 20, 28, 6, 6, 5, 13}, uint8(20), uint8(0))
	f.Add([]byte{1, 1, 1, 1, 1, 1, 1, 1}, []byte{3, 6, 6, 6, 6, 6, 6, 6, 6, 12}, uint8(4), uint8(1))
	f.Add([]byte{30, 30, 30, 30}, []byte{2, 1, 2, 1, 63, 255, 0, 7, 15}, uint8(0), uint8(3))
	f.Add(make([]byte, 50), []byte{12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12}, uint8(255), uint8(2))
	f.Add([]byte("0000"), []byte("&&"), uint8(4), uint8(0)) // the first line is refused twice, the others are not
	f.Fuzz(func(t *testing.T, lines, faults []byte, maxWrite, how uint8) {
		synctest.Test(t, func(t *testing.T) {
			opts := []asynchandler.Option{
				asynchandler.WithMaxAttempts(1000), // else a line that fails often is given up
				asynchandler.WithBatchSize(int(how>>1) + 1),
				asynchandler.WithMaxWrite(int(maxWrite)),
			}
			if how%2 == 1 {
				opts = append(opts, asynchandler.WithoutBreaker())
			}
			fw := newFaulty(opts...)
			defer fw.Close()
			refused := make(refusals)
			fw.writer.Then(refused.noting(faultsOf(faults))...)
			msgs := linesOf(lines)

			together(t, fw.Handler, fw.gate, msgs...)

			want, got := joined(append([]string{"first"}, msgs...)...), fw.out.String()
			if !slices.Equal(refused.inOrder(got), refused.inOrder(want)) {
				t.Errorf("got  %q\nwant %q\nbut for %v", got, want, refused)
			}
			if !slices.Equal(slices.Sorted(strings.Lines(got)), slices.Sorted(strings.Lines(want))) {
				t.Errorf("got  %q\nwant %q in some order", got, want)
			}
			s := fw.Stats()
			if s.Delivered != uint64(len(msgs)+1) || s.WrittenBytes != uint64(len(fw.out.String())) {
				t.Errorf("%d lines of %d bytes in all: %+v", len(msgs)+1, len(fw.out.String()), s)
			}
			for _, w := range fw.out.Writes() {
				if len(w) > int(maxWrite) && slices.Contains(w[:len(w)-1], '\n') {
					t.Errorf("%d bytes of several lines in one Write: %q", len(w), w)
				}
			}
		})
	})
}
