// Package stdlog writes what slog's built-in default handler would write,
// without going through the log package.
//
// The handler behind [slog.Default], as long as nobody has called
// [slog.SetDefault], hands each line to the standard logger of package log.
// SetDefault then turns the standard logger round: its output becomes the new
// default handler. A handler that wraps the old default and is made the new
// one would be its own destination: asynchronous, its records run in a circle
// for ever; synchronous, it deadlocks in the standard logger's mutex.
//
// [New] takes the old default handler apart before that happens:
//
//	h := slog.Default().Handler()
//	if stdlog.IsDefault(h) {
//		w, build := stdlog.New(h)
//		h = build(w) // the same lines to the same place, whatever becomes of package log
//	}
//
// Only the default handler itself and what is derived from it are recognized.
// One inside another handler, say a [slog.MultiHandler], cannot be seen.
package stdlog

import (
	"io"
	"log"
	"log/slog"
	"reflect"
)

// IsDefault reports whether h is slog's built-in default handler, or was
// derived from it by WithAttrs or WithGroup. A nil h is not.
func IsDefault(h slog.Handler) bool {
	return isSlogType(h, "defaultHandler")
}

// New returns the parts of a stand-in for h, a handler for which [IsDefault]
// holds: the writer that h writes to now, and a function that builds a handler
// which writes h's lines to any writer, each in one Write.
//
// The writer, prefix and flags of the standard logger are those at the call;
// changes made by [log.SetOutput], [log.SetPrefix] or [log.SetFlags] later on
// are not followed. A line has all that h would give it: the attributes
// and groups h was derived with, the record's level, message and attributes,
// and the header the flags ask for. It differs in two points. The time is the
// record's own, because the line may be written later than the call; only a
// record without a time gets the time of writing. And a record without
// a PC is at "???:0", where package log would name a line of its own.
// Enabled is h's, so [slog.SetLogLoggerLevel] still counts.
//
// Package log promises its output one Write per line, and some outputs (syslog, bridges to
// other loggers) take each Write as one message: lines for w should be joined only if w is
// known to be a stream of bytes. w is also used without the mutex of the standard logger: a
// writer that cannot stand concurrent Writes must not be the standard logger's output at
// the same time, as it is not after SetDefault.
//
// If SetDefault was called before New, w is the bridge to the handler it
// was given, and lines reach that handler as messages at the level of
// SetLogLoggerLevel, as they do from h. That is no loop, whatever is made the
// default afterwards: a bridge never changes its handler, and this one's is
// older than any that is built here.
func New(h slog.Handler) (w io.Writer, build func(io.Writer) slog.Handler) {
	hd := header{prefix: log.Prefix(), flags: log.Flags()}
	from := derivationOf(reflect.ValueOf(h))
	build = func(w io.Writer) slog.Handler {
		return newHandler(w, h, hd, from)
	}
	w = log.Writer()
	if isSlogType(w, "handlerWriter") {
		w = bridge{w}
	}
	return w, build
}

// Stand returns a stand-in for h if that is slog's default handler, else h: one that writes
// the same lines to the same place, whatever becomes of package log.
func Stand(h slog.Handler) slog.Handler {
	if !IsDefault(h) {
		return h
	}
	w, build := New(h)
	return build(w)
}

// isSlogType reports whether v points to the type of package slog with this
// name. The name is compared, not the type of what slog.Default holds when this
// package is initialized: that may have been replaced by then.
func isSlogType(v any, name string) bool {
	t := reflect.TypeOf(v)
	return t != nil && t.Kind() == reflect.Pointer &&
		t.Elem().PkgPath() == "log/slog" && t.Elem().Name() == name
}

// bridge makes an io.Writer in good standing of the writer that connects the
// standard logger with a handler. That one returns 0 and no error for a line
// below the handler's level, which looks like a short write, and the full
// length with the handler's error, which looks like a line taken.
type bridge struct{ w io.Writer }

func (b bridge) Write(p []byte) (int, error) {
	if _, err := b.w.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}
