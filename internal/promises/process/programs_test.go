//go:build unix

package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// programVariable names, in the environment, the program that the test binary is to be.
const programVariable = "ASYNCHANDLER_PROGRAM"

// padding makes a numbered line longer than 1000 bytes.
var padding = strings.Repeat("x", 1000)

// logNumbers logs numbered lines through slog's default.
func logNumbers(n int) {
	for i := range n {
		slog.Info("numbered", "n", i, "pad", padding)
	}
}

// progress is what a program tells.
type progress struct {
	Stage string
	Stats asynchandler.Stats
}

// progressPipe is what a program tells its parent things through.
var progressPipe = sync.OnceValue(func() *os.File { return os.NewFile(3, "progress") })

// tell tells the parent how far the program is.
func tell(stage string, h *asynchandler.Handler) {
	must(json.NewEncoder(progressPipe()).Encode(progress{stage, h.Stats()}))
}

// must ends a program that cannot go on.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// service is the run of a program that ends as the documentation says; see "Use it" in
// the README.
func service(serve func(ctx context.Context, h *asynchandler.Handler) error, opts ...asynchandler.Option) (code int) {
	h := asynchandler.NewJSONHandler(os.Stdout, nil, opts...)
	defer func() {
		if err := h.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		tell("closed", h)
	}()
	slog.SetDefault(slog.New(h))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, h); err != nil {
		slog.Error("service failed", "err", err)
		return 1
	}
	return 0
}

// child is a program in a process of its own.
type child struct {
	cmd            *exec.Cmd
	stdout         *os.File // where its standard output can be read
	progress       *os.File
	decoder        *json.Decoder // of progress
	stderr         bytes.Buffer
	output, report *os.File // the child's ends of stdout and progress
}

// newChild returns a program that has not begun. It is killed if it takes a minute.
func newChild(t *testing.T, program string, environment ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := &child{}
	c.cmd = exec.CommandContext(ctx, os.Args[0])
	// GORACE: the race detector would have each process wait for a second at its end.
	c.cmd.Env = append(os.Environ(), programVariable+"="+program, "GORACE=atexit_sleep_ms=0")
	c.cmd.Env = append(c.cmd.Env, environment...)
	var err error
	c.stdout, c.output, err = os.Pipe()
	require.NoError(t, err)
	c.progress, c.report, err = os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, f := range []*os.File{c.stdout, c.output, c.progress, c.report} {
			f.Close() // those that are closed already do no harm
		}
	})
	c.decoder = json.NewDecoder(c.progress)
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.ExtraFiles = c.output, &c.stderr, []*os.File{c.report}
	return c
}

// begin starts the program.
func (c *child) begin(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Start())
	require.NoError(t, errors.Join(c.output.Close(), c.report.Close()))
}

// startChild returns a program that has begun.
func startChild(t *testing.T, program string, environment ...string) *child {
	t.Helper()
	c := newChild(t, program, environment...)
	c.begin(t)
	return c
}

// told returns the statistics that the program had when it told of that stage, the next
// that it tells of.
func (c *child) told(t *testing.T, stage string) asynchandler.Stats {
	t.Helper()
	var p progress
	if err := c.decoder.Decode(&p); err != nil {
		t.Fatalf("%v: the program has ended before %q: %s, standard error %q", err, stage, c.ended(), c.stderr.String())
	}
	require.Equal(t, stage, p.Stage)
	s := p.Stats
	assert.Equal(t, s.Received+s.Recovered, s.Delivered+s.Fallback+s.Failed+s.Dropped+uint64(s.Depth+s.Spooled)) // P3
	return s
}

// read returns what the program writes to its standard output, up to the end.
func (c *child) read(t *testing.T) string {
	t.Helper()
	out, err := io.ReadAll(c.stdout)
	require.NoError(t, err)
	return string(out)
}

// ended waits for the end of the program and says how it was: "exit status 1", "signal:
// killed".
func (c *child) ended() string {
	_ = c.cmd.Wait() // says the same
	return c.cmd.ProcessState.String()
}

// readLog returns the numbers of the numbered lines in a log, each of which must be
// whole, and the messages of its other lines.
func readLog(t *testing.T, out string) (numbers []int, others []string) {
	t.Helper()
	numbers = []int{}
	for line := range strings.Lines(out) {
		var rec struct {
			Msg, Pad string
			N        *int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &rec), "no whole line: %q", line)
		require.True(t, strings.HasSuffix(line, "\n"), "no whole line: %q", line)
		if rec.N == nil {
			others = append(others, rec.Msg)
			continue
		}
		require.Empty(t, others, "a line out of order: %q", line)
		require.Equal(t, padding, rec.Pad)
		numbers = append(numbers, *rec.N)
	}
	return numbers, others
}
