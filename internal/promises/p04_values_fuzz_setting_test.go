package promises_test

import (
	"io"
	"log/slog"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/breaker"
)

// fuzzedHidden is a handler that nobody knows.
type fuzzedHidden struct{ slog.Handler }

func (h fuzzedHidden) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fuzzedHidden{h.Handler.WithAttrs(attrs)}
}

func (h fuzzedHidden) WithGroup(name string) slog.Handler {
	return fuzzedHidden{h.Handler.WithGroup(name)}
}

type (
	fuzzedSlog    = func(io.Writer, *slog.HandlerOptions) slog.Handler
	fuzzedOptions = []asynchandler.Option
)

func fuzzedNewJSON(w io.Writer, ho *slog.HandlerOptions) slog.Handler {
	return slog.NewJSONHandler(w, ho)
}

func fuzzedNewText(w io.Writer, ho *slog.HandlerOptions) slog.Handler {
	return slog.NewTextHandler(w, ho)
}

// fuzzedMaker is a way to make a handler.
type fuzzedMaker struct {
	name  string
	own   bool // the attributes are given to ReplaceAttr for the fallback and OnDrop, too
	known bool // by whose rules next shows values
	make  func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler
}

// fuzzedMakers are the constructors; NewJSONHandler stands for NewTextHandler too.
var fuzzedMakers = []fuzzedMaker{
	{"NewJSONHandler, NewTextHandler", true, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		if _, json := build(w, nil).(*slog.JSONHandler); json {
			return asynchandler.NewJSONHandler(w, ho, opts...)
		}
		return asynchandler.NewTextHandler(w, ho, opts...)
	}},
	{"New", false, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		return asynchandler.New(build(w, ho), opts...)
	}},
	{"NewWriterHandler", false, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		return asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler { return build(w, ho) }, opts...)
	}},
	{"New over a breaker", false, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		return asynchandler.New(breaker.New(build(w, ho), breaker.Options{}), opts...)
	}},
	{"WithFormat", false, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		format := asynchandler.FormatText
		if _, json := build(w, nil).(*slog.JSONHandler); json {
			format = asynchandler.FormatJSON
		}
		return asynchandler.New(fuzzedHidden{build(w, ho)}, append(opts, asynchandler.WithFormat(format))...)
	}},
	{overMembers, false, true, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		m := asynchandler.NewMultiHandler(asynchandler.New(build(w, ho), opts...))
		return asynchandler.New(m, opts[0], asynchandler.WithOnShutdown(m.Shutdown))
	}},
	{"New over an unknown next", false, false, func(build fuzzedSlog, w io.Writer, ho *slog.HandlerOptions, opts fuzzedOptions) *asynchandler.Handler {
		return asynchandler.New(fuzzedHidden{build(w, ho)}, opts...)
	}},
}

const overMembers = "New over a MultiHandler"

// Who looks on.
const (
	fuzzedNobody = iota
	fuzzedFallback
	fuzzedOtherFallback // of the other format
	fuzzedOnDrop
	fuzzedWatchers
)

// fuzzedSetting says what a program is run with.
type fuzzedSetting struct {
	maker   fuzzedMaker
	json    bool
	watcher int
	replace int // 0: none, 1: of slog's handler, 2: WithReplaceAttr
	capture asynchandler.Capture
	gated   bool // nothing is written before all has changed
}

func fuzzedSettingOf(how uint16) (s fuzzedSetting) {
	n := int(how)
	next := func(most int) int {
		defer func() { n /= most }()
		return n % most
	}
	s.maker = fuzzedMakers[next(len(fuzzedMakers))]
	s.json = next(2) == 0
	s.watcher = next(fuzzedWatchers)
	if s.maker.name == overMembers {
		s.watcher = fuzzedNobody // it would look on at the queue in front, which nothing fails
	}
	s.replace = next(3)
	s.capture = []asynchandler.Capture{asynchandler.CaptureSnapshot, asynchandler.CaptureCopy, asynchandler.CaptureReference}[next(3)]
	s.gated = next(2) == 0
	if s.replace == 1 && s.maker.name == "WithFormat" || !s.maker.known && s.replace == 1 {
		s.replace = 2 // a function that cannot be seen gets what was captured
	}
	return s
}

func (s *fuzzedSetting) builds() (next, other fuzzedSlog) {
	if s.json {
		return fuzzedNewJSON, fuzzedNewText
	}
	return fuzzedNewText, fuzzedNewJSON
}

// replacedForAll reports whether the fallback and OnDrop get what the function made.
func (s *fuzzedSetting) replacedForAll() bool { return s.replace == 2 || s.replace == 1 && s.maker.own }
