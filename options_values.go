package asynchandler

import (
	"context"
	"log/slog"

	"github.com/asynchandler/asynchandler/async"
)

// Capture says what is done with values that can change after the log call.
type Capture = async.Capture

const (
	// CaptureSnapshot resolves LogValuers and copies or renders values that can
	// still change, on the caller: a later change is no data race and does not show.
	// Methods of values run there too. The default.
	CaptureSnapshot = async.CaptureSnapshot
	// CaptureReference keeps the values as they are, for those who log only values
	// that do not change. LogValuers are resolved by next, on the worker.
	CaptureReference = async.CaptureReference
	// CaptureCopy is CaptureSnapshot for programs whose strings share memory that is
	// used again, as those that fiber and fasthttp hand out: the message, the keys and
	// all strings are copied too, at the cost of an allocation each.
	CaptureCopy = async.CaptureCopy
)

// Format says by which rules a handler shows values.
type Format = async.Format

const (
	// FormatUnknown means that the format is found out of next, see [New]. The default.
	FormatUnknown = async.FormatUnknown
	// FormatJSON is for a next that shows values as [slog.JSONHandler] does, by
	// encoding/json.
	FormatJSON = async.FormatJSON
	// FormatText is for a next that shows values as [slog.TextHandler] does, by MarshalText
	// or package fmt.
	FormatText = async.FormatText
)

// WithContextFunc sets the function that makes the context for next from the context of the
// call. It runs on the caller, and must not log through the handler. Use it for contexts
// that are reused after the call, such as gin's, or that keep much alive. Default: the
// values of the call's context, without its cancellation and deadline.
func WithContextFunc(f func(context.Context) context.Context) Option {
	return func(o *options) { o.ContextFunc = requireSet("WithContextFunc", f) }
}

// WithCapture says what is done with values that can change after the log call.
// Default: [CaptureSnapshot].
func WithCapture(c Capture) Option {
	return func(o *options) {
		require("WithCapture", c, c <= CaptureCopy, "CaptureSnapshot, CaptureReference or CaptureCopy")
		o.Capture = c
	}
}

// WithReplaceAttr sets a function that is called for each attribute as the ReplaceAttr of
// [slog.HandlerOptions] is, with any next. It runs on the caller, before values are
// captured, with the groups of derived handlers. Time, level, message and source are not
// given to it. What it removes or changes is so for next, the fallback and [WithOnDrop]; a
// ReplaceAttr of next is called with the result. It must be safe for concurrent use.
// Default: none.
func WithReplaceAttr(f func(groups []string, a slog.Attr) slog.Attr) Option {
	return func(o *options) { o.ReplaceAttr = requireSet("WithReplaceAttr", f) }
}

// WithFormat says by which rules next shows values, for a next that is not slog's own.
// Values that can change are then rendered by these rules alone. It must be the format of
// next: before a handler that shows JSON, FormatText would show fields that a json tag
// hides. [NewJSONHandler] and [NewTextHandler] have theirs. Default: [FormatUnknown].
func WithFormat(f Format) Option {
	return func(o *options) {
		require("WithFormat", f, f <= FormatText, "FormatUnknown, FormatJSON or FormatText")
		o.Format = f
	}
}

// WithMaxRecordSize bounds what each record may hold, as [membudget.SizeOf] estimates it. A
// larger record gets the attribute truncated=true, and the longest of its message and
// values are cut, those in groups too. A string is never cut inside a rune. An error, a
// byte slice, a struct or any other value becomes the text that shows it, cut.
//
// If that is not enough, or would leave the message less than an eighth of the room,
// attributes are removed from the end. The least that is left is an empty message with the
// mark, 17 bytes. A ReplaceAttr inside a next of [New] or [NewWriterHandler] may go by
// types: then only strings are cut. Other attributes stay whole, the smallest first, up to
// half of the size; the rest are removed. 0 turns it off. Default: 0.
func WithMaxRecordSize(bytes int) Option {
	return func(o *options) { o.MaxRecordSize = require0("WithMaxRecordSize", bytes) }
}
