package frameworks

import (
	"io"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/lmittmann/tint"
	plog "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2/textlogger"

	"github.com/asynchandler/asynchandler"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

var (
	asJSON   = asynchandler.WithFormat(asynchandler.FormatJSON)
	asText   = asynchandler.WithFormat(asynchandler.FormatText)
	asLogged = asynchandler.WithCapture(asynchandler.CaptureReference)
)

// handlers are those of other projects. The option is the one that fits them. For funcr
// it is not a format: it shows values by reflection, as neither of slog's handlers does.
var handlers = []struct {
	name   string
	option asynchandler.Option
	make   func(io.Writer) slog.Handler
}{
	{"zapslog", asJSON, newZap},
	{"phuslu", asJSON, func(w io.Writer) slog.Handler { return plog.SlogNewJSONHandler(w, nil) }},
	{"zerolog", asJSON, func(w io.Writer) slog.Handler { return zerolog.NewSlogHandler(zerolog.New(w)) }},
	{"textlogger", asJSON, newTextlogger},
	{"funcr", asLogged, newFuncr},
	{"tint", asText, func(w io.Writer) slog.Handler { return tint.NewTextHandler(w, nil) }},
}

func newZap(w io.Writer) slog.Handler {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(w), zapcore.DebugLevel)
	return zapslog.NewHandler(core, zapslog.AddStacktraceAt(slog.Level(100)))
}

func newTextlogger(w io.Writer) slog.Handler {
	return logr.ToSlogHandler(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(w), textlogger.FixedTime(noon))))
}

func newFuncr(w io.Writer) slog.Handler {
	return logr.ToSlogHandler(funcr.New(func(prefix, args string) {
		_, _ = io.WriteString(w, prefix+args+"\n")
	}, funcr.Options{}))
}
