package breaker

import (
	"log/slog"
	"reflect"

	"github.com/asynchandler/asynchandler/internal/known"
)

var handlerBytes = int64(reflect.TypeFor[Handler]().Size())

func init() {
	known.Register(func(h *Handler) known.Facts {
		facts := known.Of(h.next)
		if h.fallback != nil {
			f := known.Of(h.fallback)
			facts.IgnoresContext = facts.IgnoresContext && f.IgnoresContext
			facts.Copies = facts.Copies || f.Copies
			facts.Replaces = facts.Replaces || f.Replaces
		}
		return facts
	})
	known.RegisterReady(func(h *Handler, r *slog.Record) (through slog.Handler, size, extra int64) {
		d := *h
		if h.fallback == nil {
			d.next, size, extra = known.Ready(h.next, r)
			return &d, size, extra + handlerBytes
		}
		var s, x int64
		d.next, size, extra = known.ReadyCopy(h.next, r)
		d.fallback, s, x = known.ReadyCopy(h.fallback, r)
		*r = slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		return &d, size + s, extra + x + handlerBytes
	})
}
