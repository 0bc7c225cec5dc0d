package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// order is what programs log: it can change, and how it is shown depends on the format.
type order struct {
	ID    int            `json:"id"`
	Items map[string]int `json:"items,omitempty"`
	Note  string         `json:"-"`
}

// password must never be shown.
type password struct{ Text string }

// redact goes by the type of a value.
func redact(_ []string, a slog.Attr) slog.Attr {
	if _, secret := a.Value.Any().(*password); secret {
		a.Value = slog.StringValue("***")
	}
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// behind is a way to put a recorder before a handler of slog's.
type behind struct {
	name string
	make func(io.Writer, *slog.HandlerOptions) (slog.Handler, func())
}

func destinations(plain func(io.Writer, *slog.HandlerOptions) slog.Handler, queued func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler) []behind {
	closing := func(h *asynchandler.Handler) (slog.Handler, func()) { return h, func() { h.Close() } }
	return []behind{
		{"slog's own", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) { return plain(w, ho), func() {} }},
		{"asynchandler", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) { return closing(queued(w, ho)) }},
		{"asynchandler.New", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) {
			return closing(asynchandler.New(plain(w, ho)))
		}},
		{"async", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) {
			h := async.New(plain(w, ho), async.Options{})
			return h, func() { h.Close() }
		}},
		{"several", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) {
			m := asynchandler.NewMultiHandler(queued(w, ho), queued(io.Discard, ho))
			return m, func() { m.Close() }
		}},
		{"another recorder", func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func()) {
			return recorder.New(plain(w, ho), recorder.Options{Level: slog.LevelDebug}), func() {}
		}},
	}
}

func formats() map[string][]behind {
	return map[string][]behind{
		"JSON": destinations(func(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, ho) }, asynchandler.NewJSONHandler),
		"text": destinations(func(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, ho) }, asynchandler.NewTextHandler),
	}
}

// Whatever is behind the recorder, lines that are let out are those that slog would have
// written at the calls, although the arguments have changed since; and a ReplaceAttr that
// goes by types has seen the values themselves.
func TestValuesAreShownAsTheyWereAtTheCall(t *testing.T) {
	for format, list := range formats() {
		for _, d := range list {
			for name, replace := range map[string]func([]string, slog.Attr) slog.Attr{"": nil, "/redacted": redact} {
				t.Run(format+"/"+d.name+name, func(t *testing.T) {
					ho := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: replace}
					var direct, late bytes.Buffer
					original, _ := list[0].make(&direct, ho)
					next, end := d.make(&late, ho)
					l := slog.New(slog.NewMultiHandler(original, recorder.New(next, recorder.Options{})))
					logThenChange(l)
					l.Error("failed")
					end()
					assert.Equal(t, direct.String(), late.String())
					assert.NotContains(t, late.String(), "changed")
					if replace != nil {
						assert.NotContains(t, late.String(), "secret")
						assert.Equal(t, 3, strings.Count(late.String(), "***"))
					}
				})
			}
		}
	}
}

// logThenChange logs what can change, and changes it.
func logThenChange(l *slog.Logger) {
	o := &order{ID: 1, Items: map[string]int{"tea": 2}, Note: "hidden"}
	p := &password{"secret"}
	b, ints, err := []byte("bytes"), []int{1, 2}, fmt.Errorf("order %d: %w", 1, io.EOF)
	l.Debug("values", "order", o, "password", p, "bytes", b, "ints", ints, "err", err)
	d := l.WithGroup("g").With("order", o, "password", p, slog.Group("h", "ints", ints))
	d.Debug("derived", "n", 1, slog.Group("none"), slog.Group("k", "password", p, "order", o))
	*o = order{ID: 2, Items: map[string]int{"changed": 1}}
	p.Text = "changed"
	copy(b, "changed")
	ints[0] = 100
}

// For a handler that is not known values are those that asynchandler gives it.
func TestAnUnknownNextGetsFrozenValues(t *testing.T) {
	next := new(testsink.Recorder)
	l := slog.New(recorder.New(next, recorder.Options{}))
	o, e := &order{ID: 1}, &changingError{"at the call"}
	l = l.With("derived", o)
	l.Debug("kept", "order", o, "err", e)
	o.ID, e.text = 2, "changed"
	l.Error("failed")

	record := next.Records()[0]
	require.Len(t, record.Attrs, 3)
	for _, a := range record.Attrs[:2] {
		line, err := jsonOf(a)
		require.NoError(t, err)
		assert.Contains(t, line, `{"id":1}`)
	}
	err := record.Attrs[2].Value.Any().(error)
	assert.EqualError(t, err, "at the call")
	var original *changingError
	assert.True(t, errors.As(err, &original))
}

type changingError struct{ text string }

func (e *changingError) Error() string { return e.text }

func jsonOf(a slog.Attr) (string, error) {
	var out strings.Builder
	r := slog.Record{}
	r.AddAttrs(a)
	err := slog.NewJSONHandler(&out, nil).Handle(context.Background(), r)
	return out.String(), err
}

// lazy is resolved at the call, and once.
type lazy struct{ calls *int }

func (l lazy) LogValue() slog.Value {
	*l.calls++
	return slog.IntValue(*l.calls)
}

func TestLogValueIsCalledAtTheCallOnly(t *testing.T) {
	next := new(testsink.Recorder)
	l := slog.New(recorder.New(next, recorder.Options{}))
	calls := 0
	l.Debug("kept", "n", lazy{&calls})
	assert.Equal(t, 1, calls)
	l.Error("failed")
	assert.Equal(t, []string{"DEBUG kept n=1", "ERROR failed"}, next.Lines())
	assert.Equal(t, 1, calls)
}

type failing struct{}

func (failing) LogValue() slog.Value { panic("no value") }

func TestAValueThatPanicsHurtsNobody(t *testing.T) {
	var out bytes.Buffer
	h := recorder.New(slog.NewTextHandler(&out, all), recorder.Options{})
	l := slog.New(h)
	l.Debug("kept", "v", failing{})
	l.Error("failed")
	assert.Contains(t, out.String(), "msg=kept v=")
	assert.Contains(t, out.String(), "LogValue panicked")
	assert.Contains(t, out.String(), "msg=failed")
	law(t, h)
}

// A value may log itself: no lock is held when its methods run.
func TestAValueThatLogsThroughTheSameLogger(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{})
	l := slog.New(h)
	l.Debug("kept", "v", talkative{l})
	l.Error("failed")
	assert.Equal(t, []string{"DEBUG asked", "ERROR asked", "DEBUG kept v=1", "ERROR failed"}, next.Lines())
	law(t, h)
}

type talkative struct{ l *slog.Logger }

func (v talkative) LogValue() slog.Value {
	v.l.Debug("asked")
	v.l.Error("asked")
	return slog.IntValue(1)
}

// slog's own handlers do not look at contexts, so none is kept alive; any other next gets
// that of the call, but not its cancellation.
func TestNextGetsTheContextOfTheCallWithoutItsCancellation(t *testing.T) {
	next := new(testsink.Recorder)
	l := slog.New(recorder.New(next, recorder.Options{}))
	ctx, cancel := context.WithCancel(withTrace(t.Context(), "a"))
	l.DebugContext(ctx, "kept")
	cancel()
	l.ErrorContext(t.Context(), "failed")
	got := next.Records()[0].Ctx
	assert.Equal(t, "a", got.Value(traceKey{}))
	assert.NoError(t, got.Err())
}

func TestSizeOfWhatIsKeptIsCounted(t *testing.T) {
	big := &order{Items: map[string]int{strings.Repeat("x", 100_000): 1}}
	redacted := &slog.HandlerOptions{ReplaceAttr: redact}
	queue, redacting := asynchandler.NewJSONHandler(io.Discard, all), asynchandler.NewTextHandler(io.Discard, redacted)
	referring := asynchandler.NewJSONHandler(io.Discard, all, asynchandler.WithCapture(asynchandler.CaptureReference))
	several := asynchandler.NewMultiHandler(queue, redacting, referring)
	defer several.Close()
	for name, next := range map[string]slog.Handler{
		"JSON":               slog.NewJSONHandler(io.Discard, all),
		"text":               slog.NewTextHandler(io.Discard, all),
		"redacted JSON":      slog.NewJSONHandler(io.Discard, redacted),
		"not known":          nop,
		"queue":              queue,
		"redacting queue":    redacting,
		"referring queue":    referring,
		"several queues":     several,
		"another recorder":   recorder.New(redacting, recorder.Options{Level: slog.LevelDebug}),
		"breaker":            breaker.New(slog.NewJSONHandler(io.Discard, redacted), breaker.Options{}),
		"breaker, fallback":  breaker.New(redacting, breaker.Options{Fallback: slog.NewJSONHandler(io.Discard, redacted)}),
		"middleware unknown": struct{ slog.Handler }{queue},
	} {
		t.Run(name, func(t *testing.T) {
			h := recorder.New(next, recorder.Options{MaxBytes: 1 << 20})
			for range 20 {
				slog.New(h).Debug("kept", "order", big)
			}
			s := law(t, h)
			assert.LessOrEqual(t, s.Held, 10)
			assert.Greater(t, s.Bytes, int64(s.Held)*100_000)
		})
	}
}
