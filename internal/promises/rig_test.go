package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

var when = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

// clocked gives all records that have a time the same one.
type clocked struct{ slog.Handler }

func (h clocked) Handle(ctx context.Context, r slog.Record) error {
	if !r.Time.IsZero() {
		r.Time = when
	}
	return h.Handler.Handle(ctx, r)
}

func (h clocked) WithAttrs(attrs []slog.Attr) slog.Handler {
	return clocked{h.Handler.WithAttrs(attrs)}
}

func (h clocked) WithGroup(name string) slog.Handler { return clocked{h.Handler.WithGroup(name)} }

func withoutAddresses(out string) string {
	return address.ReplaceAllString(stack.ReplaceAllString(out, "LogValue panicked"), "0xADDRESS")
}

func without(keys ...string) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		if slices.Contains(keys, a.Key) {
			return slog.Attr{}
		}
		return a
	}
}

// flavor is a way to make a handler, and the handler of slog that it must be like.
type flavor struct {
	name     string
	json     bool
	original func(io.Writer, *slog.HandlerOptions) slog.Handler
	make     func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler
}

func newJSON(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, ho) }

func newText(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, ho) }

// over returns what makes a handler with New over the original.
func over(original func(io.Writer, *slog.HandlerOptions) slog.Handler) func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler {
	return func(w io.Writer, ho *slog.HandlerOptions, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.New(original(w, ho), opts...)
	}
}

// building returns what makes a handler with NewWriterHandler of the original.
func building(original func(io.Writer, *slog.HandlerOptions) slog.Handler) func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler {
	return func(w io.Writer, ho *slog.HandlerOptions, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler { return original(w, ho) }, opts...)
	}
}

var flavors = []flavor{
	{"NewJSONHandler", true, newJSON, asynchandler.NewJSONHandler},
	{"NewTextHandler", false, newText, asynchandler.NewTextHandler},
	{"New over JSON", true, newJSON, over(newJSON)},
	{"New over text", false, newText, over(newText)},
	{"NewWriterHandler of JSON", true, newJSON, building(newJSON)},
	{"NewWriterHandler of text", false, newText, building(newText)},
}

// small is room enough for most tests; the default takes megabytes.
var small = asynchandler.WithCapacity(64)

// alone is the stack of a handler by itself.
func alone(ho *slog.HandlerOptions) func(flavor, io.Writer) (slog.Handler, queue) {
	return func(f flavor, w io.Writer) (slog.Handler, queue) {
		h := f.make(w, ho, small)
		return h, h
	}
}

// both logs through the original and through a handler that is made with opts, and returns
// what each writes.
func (f flavor) both(t *testing.T, ho *slog.HandlerOptions, log func(slog.Handler), opts ...asynchandler.Option) (want, got string) {
	t.Helper()
	var theirs bytes.Buffer
	log(f.original(&theirs, ho))
	require.NotEmpty(t, theirs.String())

	var ours testsink.Buffer
	h := f.make(&ours, ho, append([]asynchandler.Option{small}, opts...)...)
	log(h)
	require.NoError(t, h.Close())
	return withoutAddresses(theirs.String()), withoutAddresses(ours.String())
}

// parse returns what one line of the flavor says.
func (f flavor) parse(t *testing.T, line string) map[string]any {
	t.Helper()
	if !f.json {
		m, err := parseText(line)
		require.NoError(t, err)
		return m
	}
	m := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(line), &m))
	return m
}

// queue is what the handlers with a queue have in common.
type queue interface {
	slog.Handler
	Flush(context.Context) error
	Close() error
}

// logAll logs the messages that a ledger checks.
func logAll(l *slog.Logger, goroutines, each int) {
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for seq := range each {
				l.Info(testsink.Message(g, seq))
			}
		})
	}
	wg.Wait()
}

// observer makes somebody else see the records, so that values must suit all.
type observer struct {
	name string
	opt  asynchandler.Option
}

var observers = []observer{
	{"nobody else", asynchandler.WithName("app")},
	{"OnDrop", asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {})},
	{"fallback", asynchandler.WithFallback(slog.NewTextHandler(io.Discard, nil))},
}

// shown is what a pointer to p is rendered as for the handler.
func (f flavor) shown(p point) any {
	if f.json {
		return json.RawMessage(fmt.Sprintf(`{"X":%d,"Y":%d}`, p.X, p.Y))
	}
	return fmt.Sprintf("&%+v", p)
}

// middleware hides what is behind it.
type middleware struct{ slog.Handler }

// logEach logs each of these messages.
func logEach(h slog.Handler, msgs ...string) {
	for _, msg := range msgs {
		slog.New(h).Info(msg)
	}
}

// redirect sets up the standard logger, and has everything that a test may change
// put back in the end.
func redirect(t *testing.T, w io.Writer, prefix string, flags int) {
	t.Helper()
	oldDefault := slog.Default()
	oldWriter, oldPrefix, oldFlags := log.Writer(), log.Prefix(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(oldDefault)
		log.SetOutput(oldWriter)
		log.SetPrefix(oldPrefix)
		log.SetFlags(oldFlags)
	})
	log.SetOutput(w)
	log.SetPrefix(prefix)
	log.SetFlags(flags)
}

// messages builds a handler that writes each message as a line.
func messages(w io.Writer) slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		_, err := io.WriteString(w, r.Message+"\n")
		return err
	})
}

// quiet keeps expected errors from standard error.
var quiet = asynchandler.WithErrorHandler(func(error) {})

// gathers is more than the time for which the first record gathers others.
const gathers = 5 * time.Millisecond

// together has the records delivered as one batch, if one may be so large: the
// worker is inside a Write, of the line "first", while they are logged.
func together(t *testing.T, h *asynchandler.Handler, gate *testsink.BlockingWriter, msgs ...string) {
	t.Helper()
	l := slog.New(h)
	l.Info("first")
	time.Sleep(gathers)
	synctest.Wait()
	for _, m := range msgs {
		l.Info(m)
	}
	gate.Release()
	require.NoError(t, h.Flush(t.Context()))
}

// numbered returns n lines of that size, without the newlines that are part of it.
func numbered(n, size int) []string {
	msgs := make([]string, n)
	for i := range msgs {
		msgs[i] = fmt.Sprintf("%0*d", size-1, i)
	}
	return msgs
}

// joined returns the lines that messages makes of msgs.
func joined(msgs ...string) string { return strings.Join(msgs, "\n") + "\n" }

// gathered is for a writer of a test that takes bytes as they come.
var gathered = asynchandler.WithMaxWrite(64 << 10)
