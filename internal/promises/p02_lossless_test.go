package promises_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestOrderOfAGoroutineConcurrentSafe(t *testing.T) { // P1
	const goroutines, each = 8, 500
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var out testsink.Buffer
			h := f.make(&out, nil, asynchandler.WithOverflow(asynchandler.Block), small)
			logAll(slog.New(h).With("a", 1), goroutines, each)
			require.NoError(t, h.Close())
			require.NoError(t, testsink.Check(testsink.Messages(out.String()), goroutines, each).Err())
		})
	}
}
