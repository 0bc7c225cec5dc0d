package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// trial is a JSON handler over something real that breaks. Its lines are numbered.
type trial struct {
	*asynchandler.Handler

	mu   sync.Mutex
	errs []error
}

// hasty are options with which tests of things that know no fake time are short.
var hasty = []asynchandler.Option{
	asynchandler.WithBreaker(gobreaker.Settings{Timeout: 5 * time.Millisecond}),
	asynchandler.WithStallTimeout(40 * time.Millisecond),
	asynchandler.WithCloseTimeout(time.Minute),
	endless,
}

// patient is for trials with a fallback: it must not seem to hang only because the
// machine has no time for it.
var patient = asynchandler.WithStallTimeout(time.Second)

func newTrial(w io.Writer, opts ...asynchandler.Option) *trial {
	tr := &trial{}
	opts = append(opts, asynchandler.WithErrorHandler(func(err error) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.errs = append(tr.errs, err)
	}))
	tr.Handler = asynchandler.NewJSONHandler(w, nil, opts...)
	return tr
}

// log logs the lines from first to before end, each of about that many bytes.
func (tr *trial) log(first, end, size int) {
	l := slog.New(tr.Handler).With("pad", strings.Repeat("x", size))
	for n := first; n < end; n++ {
		l.Info("m", "n", n)
	}
}

// heard reports whether the error handler was told of such an error.
func (tr *trial) heard(target error) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return errors.Is(errors.Join(tr.errs...), target)
}

// account checks that each record has one outcome (P3), and logs the row of the
// fault table.
func (tr *trial) account(t *testing.T) asynchandler.Stats {
	t.Helper()
	s := tr.Stats()
	t.Logf("received=%d delivered=%d fallback=%d failed=%d dropped=%d depth=%d opened=%d stalls=%d errors=%d last=%q",
		s.Received, s.Delivered, s.Fallback, s.Failed, s.Dropped, s.Depth, s.Breaker.Opened, s.Stalls, s.DeliveryErrors, s.LastError)
	assert.Equal(t, s.Received, s.Delivered+s.Fallback+s.Failed+s.Dropped+uint64(s.Depth))
	return s
}

// hung waits until a delivery hangs for so long that it cannot be for want of CPU time,
// and the breaker is open because of it.
func (tr *trial) hung(t *testing.T) {
	t.Helper()
	testsink.Eventually(t, "hung", func() bool {
		s := tr.Stats()
		return s.Stalls > 0 && s.InFlight > 300*time.Millisecond && s.Breaker.State != "closed"
	})
}

// flushed waits until all lines have their outcome.
func (tr *trial) flushed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, tr.Flush(ctx))
}

// numbersIn returns the numbers of lines, each of which must be whole.
func numbersIn(t *testing.T, out string) []int {
	t.Helper()
	numbers := []int{}
	for line := range strings.Lines(out) {
		var rec struct{ N *int }
		require.NoError(t, json.Unmarshal([]byte(line), &rec), "no whole line: %q", line)
		require.Equal(t, byte('\n'), line[len(line)-1])
		numbers = append(numbers, *rec.N)
	}
	return numbers
}

// jsonFallback is a fallback that writes lines which numbersIn understands.
func jsonFallback() (asynchandler.Option, *testsink.Buffer) {
	out := new(testsink.Buffer)
	return asynchandler.WithFallback(slog.NewJSONHandler(out, nil)), out
}

// readSome reads that many lines, and perhaps more.
func readSome(t *testing.T, r io.Reader, lines int) string {
	t.Helper()
	var out []byte
	b := make([]byte, 4096)
	for bytes.Count(out, []byte("\n")) < lines {
		n, err := r.Read(b)
		if !assert.NoError(t, err) { // it may be on another goroutine
			break
		}
		out = append(out, b[:n]...)
	}
	return string(out)
}

// breakable is something to write to that works for a while.
type breakable struct {
	name   string
	writes int // lines before it breaks
	open   func(t *testing.T) (w io.Writer, fail func(), read func() string)
	want   error
}

var breakables = []breakable{
	{"file closed under the handler", 50, func(t *testing.T) (io.Writer, func(), func() string) {
		f, err := os.Create(filepath.Join(t.TempDir(), "log"))
		require.NoError(t, err)
		return f, func() { require.NoError(t, f.Close()) }, func() string {
			b, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			return string(b)
		}
	}, os.ErrClosed},
	{"pipe whose reader goes away", 50, func(t *testing.T) (io.Writer, func(), func() string) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { w.Close() })
		var out string
		return w, func() {
			out = readSome(t, r, 50)
			require.NoError(t, r.Close())
		}, func() string { return out }
	}, syscall.EPIPE},
}

func TestFault(t *testing.T) { // P3, P7, P9
	for _, tt := range breakables {
		t.Run(tt.name+"/held", func(t *testing.T) {
			w, fail, read := tt.open(t)
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial(w, asynchandler.WithCloseTimeout(15*time.Millisecond)) // no try is due then
				tr.log(0, tt.writes, 100)
				require.NoError(t, tr.Flush(t.Context()))
				fail()
				tr.log(tt.writes, 150, 100)
				time.Sleep(time.Minute)
				s := tr.account(t)
				assert.Equal(t, 150-tt.writes, s.Depth)
				assert.NotZero(t, s.Breaker.Opened)
				assert.NotEqual(t, "closed", s.Breaker.State)
				assert.True(t, tr.heard(tt.want))
				assert.Contains(t, s.LastError, tt.want.Error())

				began := time.Now()
				err := tr.Close()
				assert.LessOrEqual(t, time.Since(began), 25*time.Millisecond) // of fake time
				undelivered, ok := errors.AsType[*asynchandler.ShutdownError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, 150-tt.writes, undelivered.Undelivered)
				synctest.Wait()
				s = tr.account(t)
				assert.EqualValues(t, tt.writes, s.Delivered)
				assert.EqualValues(t, 150-tt.writes, s.Dropped)
				assert.Zero(t, s.Depth+int(s.Failed))
				assert.Equal(t, testsink.Span(0, tt.writes), numbersIn(t, read()))
			})
		})
		t.Run(tt.name+"/fallback", func(t *testing.T) {
			w, fail, read := tt.open(t)
			synctest.Test(t, func(t *testing.T) {
				fallback, other := jsonFallback()
				tr := newTrial(w, fallback)
				tr.log(0, tt.writes, 100)
				require.NoError(t, tr.Flush(t.Context()))
				fail()
				tr.log(tt.writes, 150, 100)
				require.NoError(t, tr.Flush(t.Context()))
				time.Sleep(time.Minute)
				tr.log(150, 160, 100) // the probe goes to the fallback too
				require.NoError(t, tr.Flush(t.Context()))
				require.NoError(t, tr.Close())
				assert.True(t, tr.heard(tt.want))
				assert.Equal(t, testsink.Span(0, tt.writes), numbersIn(t, read()))
				assert.Equal(t, testsink.Span(tt.writes, 160), numbersIn(t, other.String()))
				s := tr.account(t)
				assert.EqualValues(t, tt.writes, s.Delivered)
				assert.EqualValues(t, 160-tt.writes, s.Fallback)
				assert.Equal(t, uint64(2), s.Breaker.Opened, "by the first failures and by the probe")
			})
		})
	}
}

func TestPipeWhoseReaderStopsForAWhile(t *testing.T) { // P3, P7, P13
	for _, tt := range []struct {
		name     string
		size     int // of a line
		fallback bool
		opts     []asynchandler.Option
	}{
		{name: "held", size: 100},
		{name: "long lines", size: 10_000},
		{name: "large writes", size: 100, opts: []asynchandler.Option{asynchandler.WithMaxWrite(256 << 10)}},
		{name: "without breaker", size: 100, opts: []asynchandler.Option{asynchandler.WithoutBreaker()}},
		{name: "fallback", size: 100, fallback: true},
		{name: "fallback, long lines", size: 10_000, fallback: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			defer r.Close()
			fallback, other := jsonFallback()
			opts := append(hasty[:len(hasty):len(hasty)], tt.opts...)
			if tt.fallback {
				opts = append(opts, fallback, patient)
			}
			tr := newTrial(w, opts...)
			end := 200_000/tt.size + 100 // more than the pipe has room for
			tr.log(0, end, tt.size)
			tr.hung(t)
			if tt.fallback {
				tr.log(end, end+10, tt.size)
				testsink.Eventually(t, "passed by", func() bool { return strings.Contains(other.String(), `"n":`+strconv.Itoa(end+9)) })
				end += 10
			}

			wait := testsink.ReadAll(r)
			tr.flushed(t)
			tr.log(end, end+10, tt.size)
			end += 10
			require.NoError(t, tr.Close())
			require.NoError(t, w.Close())
			s := tr.account(t)
			there, elsewhere := numbersIn(t, wait()), numbersIn(t, other.String())
			assert.Len(t, there, int(s.Delivered))
			assert.Len(t, elsewhere, int(s.Fallback))
			assert.Equal(t, testsink.Span(0, end), mergedNumbers(t, there, elsewhere))
			assert.Equal(t, tt.fallback, len(elsewhere) > 0)
			assert.Zero(t, s.Failed+s.Dropped)
			_, ok := errors.AsType[*asynchandler.StallError](errors.Join(tr.errs...))
			assert.True(t, ok)
		})
	}
}

// mergedNumbers returns the numbers of both lists, each of which must be in order.
func mergedNumbers(t *testing.T, a, b []int) []int {
	t.Helper()
	assert.IsIncreasing(t, append([]int{-1}, a...))
	assert.IsIncreasing(t, append([]int{-1}, b...))
	return slices.Sorted(slices.Values(slices.Concat(a, b)))
}
