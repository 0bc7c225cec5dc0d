package promises_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// hangingRest is a writer that takes a part of the first line, fails, and hangs when it
// is given the rest.
type hangingRest struct {
	testsink.Buffer
	calls int
	gate  *testsink.Gate
}

func (w *hangingRest) Write(p []byte) (int, error) {
	switch w.calls++; w.calls {
	case 1:
		_, _ = w.Buffer.Write(p[:5])
		return 5, io.ErrShortWrite
	case 2:
		return 0, testsink.ErrFault
	case 3:
		w.gate.Pass()
	}
	return w.Buffer.Write(p)
}

// While the rest of a torn line hangs, the worker does not run in circles, and what is
// behind it goes to the fallback.
func TestRestOfATornLineHangs(t *testing.T) { // P7, P10, P13
	for _, withFallback := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) { // in which a busy worker would stop the clock
			w := &hangingRest{gate: testsink.NewGate()}
			opts := []asynchandler.Option{asynchandler.WithErrorHandler(func(error) {})}
			if withFallback {
				opts = append(opts, asynchandler.WithFallback(&testsink.Recorder{}))
			}
			h := asynchandler.NewJSONHandler(w, nil, opts...)
			logEach(h, "torn")
			<-w.gate.Entered()
			time.Sleep(time.Minute)
			require.EqualValues(t, 1, h.Stats().Stalls)
			logEach(h, "a", "b", "c", "d", "e")
			time.Sleep(time.Minute)
			assert.Equal(t, withFallback, h.Stats().Fallback == 5)
			w.gate.Release()
			require.NoError(t, h.Close())
			s := h.Stats()
			assert.EqualValues(t, 6, s.Delivered+s.Fallback)
			assert.Equal(t, int(s.Delivered), strings.Count(w.String(), "\n"))
		})
	}
}

// A torn line is finished at the pace of retries, whatever WithLinger says.
func TestTornLineAndLinger(t *testing.T) { // P7, P9
	synctest.Test(t, func(t *testing.T) {
		w := &hangingRest{gate: testsink.NewGate()}
		w.gate.Release()
		h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithLinger(time.Minute),
			asynchandler.WithFallback(&testsink.Recorder{}), asynchandler.WithErrorHandler(func(error) {}))
		logEach(h, "torn")
		time.Sleep(100 * time.Millisecond)
		assert.EqualValues(t, 1, h.Stats().Delivered)
		require.NoError(t, h.Close())
	})
}
