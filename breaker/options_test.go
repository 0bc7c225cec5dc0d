package breaker_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
)

func TestNewBreakerHasNoUseForAFallback(t *testing.T) {
	require.PanicsWithValue(t, "breaker: NewBreaker: Options.Fallback(slog.discardHandler): want nil", func() {
		breaker.NewBreaker(breaker.Options{Fallback: slog.DiscardHandler})
	})
}
