package promises_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestShortWriteIsContinuedAtTheNextByte(t *testing.T) { // P7, P12
	msgs := []string{"a", "bb", "", "dddd"}
	all := joined(msgs...)
	noSpace := &os.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}
	for n := range len(all) + 1 {
		for _, err := range []error{io.ErrShortWrite, noSpace} {
			for _, stuck := range []int{0, 1, 4} { // Writes that take nothing after the short one
				t.Run(fmt.Sprintf("%d bytes, then %v, %d times nothing", n, err, stuck), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFaulty()
						defer f.Close()
						f.writer.Then(testsink.Short(n, err))
						start := time.Now()
						for range stuck {
							f.writer.Then(testsink.Short(0, noSpace))
						}

						together(t, f.Handler, f.gate, msgs...)

						whole := n == 0 || all[n-1] == '\n'
						if whole && stuck > 0 { // a line that failed again lets the next one go ahead
							assert.ElementsMatch(t, append(msgs, "first"), f.out.Lines())
						} else {
							assert.Equal(t, "first\n"+all, f.out.String())
						}
						s := f.Stats()
						assert.Equal(t, uint64(5), s.Delivered)
						assert.Equal(t, uint64(len("first\n"+all)), s.WrittenBytes)
						if n > 0 && stuck == 0 {
							assert.Equal(t, gathers, time.Since(start), "a writer that gets on is not paused for")
						}
						synctest.Wait()
						require.NotEmpty(t, f.errs)
						require.ErrorIs(t, <-f.errs, err)
					})
				})
			}
		}
	}
}

// returning is a step that writes all and returns n without an error, as writers do that
// count what they made of it.
func returning(n int) testsink.Step {
	return func(w io.Writer, p []byte) (int, error) {
		_, err := w.Write(p)
		return n, err
	}
}

func TestWriterThatBreaksItsContract(t *testing.T) { // P12
	tests := []struct {
		name   string
		step   testsink.Step
		errors uint64
	}{
		{"n below 0 and error", testsink.Negative(testsink.ErrFault), 1},
		{"n too large", testsink.Over(nil), 1},
		{"n too large and error", testsink.Over(testsink.ErrFault), 1},
		{"everything and error", testsink.Full(testsink.ErrFault), 1},
		{"n below 0 without error", returning(-1), 1},
		{"0 without error", returning(0), 1},
		{"less without error", returning(5), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty()
				defer f.Close()
				f.writer.Then(tt.step)

				together(t, f.Handler, f.gate, "a", "bb", "ccc")

				assert.Equal(t, "first\na\nbb\nccc\n", f.out.String())
				s := f.Stats()
				assert.Equal(t, uint64(4), s.Delivered)
				assert.Equal(t, tt.errors, s.DeliveryErrors)
				assert.Equal(t, uint64(len(f.out.String())), s.WrittenBytes)
				synctest.Wait()
				assert.Len(t, f.errs, int(tt.errors))
			})
		})
	}
}

// What a writer took before it panicked, nobody knows.
func TestWriterThatPanicsHalfWay(t *testing.T) { // P8
	tests := []struct {
		name string
		step testsink.Step
		want string
	}{
		{"panic at once", testsink.PanicAfter(0, "broken"), "first\na\nbb\nccc\n"},
		{"panic half-way", testsink.PanicAfter(3, "broken"), "first\na\nba\nbb\nccc\n"},
		{"exit", testsink.Goexit, "first\na\nbb\nccc\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty()
				defer f.Close()
				f.writer.Then(tt.step)

				together(t, f.Handler, f.gate, "a", "bb", "ccc")

				assert.Equal(t, tt.want, f.out.String())
				s := f.Stats()
				assert.Equal(t, uint64(4), s.Delivered)
				assert.Equal(t, uint64(1), s.Panics)
				var p *asynchandler.PanicError
				require.ErrorAs(t, <-f.errs, &p)
			})
		})
	}
}

// A record that is not in the Write that fails must not pay for it.
func TestFailedWriteIsNoFaultOfTheLineThatDidNotFit(t *testing.T) { // P7, P12
	synctest.Test(t, func(t *testing.T) {
		var fallback testsink.Recorder
		f := newFaulty(asynchandler.WithMaxWrite(4), asynchandler.WithFallback(&fallback))
		defer f.Close()
		f.writer.Then(testsink.Full(asynchandler.ErrPermanent), testsink.Full(testsink.ErrFault))

		together(t, f.Handler, f.gate, "aa", "bb", "cc", "dd")

		assert.Equal(t, "first\naa\nbb\ncc\ndd\n", f.out.String())
		assert.Empty(t, fallback.Messages())
		assert.Zero(t, f.Stats().Failed)
	})
}

func TestLinesGoAloneAfterAFailedBatch(t *testing.T) { // P12
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(asynchandler.WithoutBreaker())
		defer f.Close()
		tried := make(chan int, 100)
		fail := func(_ io.Writer, p []byte) (int, error) {
			tried <- strings.Count(string(p), "\n")
			return 0, testsink.ErrFault
		}
		f.writer.Then(fail, fail, fail)
		msgs := numbered(50, 10)

		together(t, f.Handler, f.gate, msgs...)

		assert.ElementsMatch(t, append(msgs, "first"), f.out.Lines())
		assert.Equal(t, []int{50, 1, 1}, []int{<-tried, <-tried, <-tried})
		counts := linesPerWrite(f.out)
		assert.Equal(t, 1, counts[0])
		assert.Less(t, len(counts), 10, "batches again after a success: %v", counts)
	})
}

// picky is a writer that takes nothing in which there is poison.
type picky struct {
	testsink.Buffer
	err error
}

func (p *picky) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "poison") {
		return 0, p.err
	}
	return p.Buffer.Write(b)
}

func TestBadLineDoesNotSpoilTheOthers(t *testing.T) { // P7, P12
	tests := []struct {
		name     string
		err      error
		opts     []asynchandler.Option
		fallback bool
	}{
		{name: "permanent", err: fmt.Errorf("line refused: %w", asynchandler.ErrPermanent)},
		{name: "as if it could be tried again", err: testsink.ErrFault},
		{name: "without breaker", err: testsink.ErrFault, opts: []asynchandler.Option{asynchandler.WithoutBreaker()}},
		{name: "with fallback", err: testsink.ErrFault, fallback: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fallback testsink.Recorder
				opts := append(tt.opts, quiet)
				if tt.fallback {
					opts = append(opts, asynchandler.WithFallback(&fallback))
				}
				out := &picky{err: tt.err}
				gate := testsink.NewBlockingWriter(out)
				h := asynchandler.NewWriterHandler(gate, messages, opts...)
				defer h.Close()

				together(t, h, gate, "a", "b", "poison", "c", "d")

				assert.ElementsMatch(t, []string{"first", "a", "b", "c", "d"}, out.Lines())
				s := h.Stats()
				assert.Equal(t, uint64(5), s.Delivered)
				assert.Equal(t, uint64(1), s.Failed+s.Fallback)
				assert.Equal(t, fallback.Len(), int(s.Fallback))
				assert.Equal(t, tt.fallback, fallback.Len() == 1)
			})
		})
	}
}

func TestTornLineNeverGoesToTheFallback(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		var fallback testsink.Recorder
		f := newFaulty(asynchandler.WithFallback(&fallback))
		defer f.Close()
		f.writer.Then(testsink.NoSpace(5))
		f.writer.Always(testsink.NoSpace(0))

		l := slog.New(f.Handler)
		l.Info("first")
		synctest.Wait()
		l.Info("aaa")
		l.Info("torn line")
		l.Info("ccc")
		f.gate.Release()
		time.Sleep(time.Minute)
		assert.Equal(t, "first\naaa\nt", f.out.String())
		assert.Equal(t, []string{"ccc"}, fallback.Messages())
		assert.Equal(t, 1, f.Stats().Depth)

		f.writer.Heal()
		require.NoError(t, f.Flush(t.Context()))
		assert.Equal(t, "first\naaa\ntorn line\n", f.out.String())
		assert.Equal(t, []string{"ccc"}, fallback.Messages())
	})
}
