package promises_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// The DEBUG records of the request that fails enter the queue before its error, as they
// were at their calls; those of another one never do.
func TestDebugRecordsOfTheRequestThatFails(t *testing.T) { // P15
	var out testsink.Buffer
	queue := asynchandler.NewTextHandler(&out, &slog.HandlerOptions{
		Level:       slog.LevelDebug,
		ReplaceAttr: without("time"),
	})
	l := slog.New(recorder.New(queue, recorder.Options{}))
	good, forgetGood := recorder.Begin(t.Context())
	bad, forgetBad := recorder.Begin(t.Context())
	defer forgetBad()

	tries := []int{1}
	l.DebugContext(good, "fine")
	l.DebugContext(bad, "try", "n", tries)
	tries[0] = 2
	l.InfoContext(bad, "seen")
	forgetGood()
	l.ErrorContext(bad, "failed")
	require.NoError(t, queue.Close())
	assert.Equal(t, []string{
		"level=INFO msg=seen",
		"level=DEBUG msg=try n=[1]",
		"level=ERROR msg=failed",
	}, out.Lines())
}
