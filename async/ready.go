package async

import (
	"context"
	"log/slog"
	"reflect"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

func init() {
	known.RegisterReady(func(h *Handler, r *slog.Record) (slog.Handler, int64, int64) {
		through, size := h.ready(r)
		extra := readyBytes
		if through != h {
			extra += handlerBytes
		}
		return &ready{through, size}, size, extra
	})
}

// What is made for one record takes so much.
var (
	readyBytes   = int64(reflect.TypeFor[ready]().Size())
	handlerBytes = int64(reflect.TypeFor[Handler]().Size())
)

// ready is a handler for one record that is ready to wait, of that size, but whose turn has
// not come yet.
type ready struct {
	*Handler

	size int64
}

// Handle puts the record into the queue as it is.
func (h *ready) Handle(ctx context.Context, r slog.Record) (err error) {
	in := intake{g: h.engine}
	defer in.end(&err)
	err = in.g.enqueue(ctx, h.Handler, &r, h.size, &in)
	in.returned = true
	return err
}

// ready is fit for a record that somebody else keeps for a while. Values that are not
// captured could change in that time, so next is given them at once. So it is if a function
// of its has to see the values: what is kept is what that leaves.
func (h *Handler) ready(r *slog.Record) (*Handler, int64) {
	if v := &h.values; !v.captures || v.preformat {
		d := *h
		d.values.captures, d.values.preformat, d.values.ahead = true, true, true
		h = &d
	}
	return h.fit(r)
}

// readyNext is preformatted for a next that can make r ready by itself.
func (h *Handler) readyNext(r *slog.Record) (*Handler, int64) {
	d := *h
	own, size := *r, int64(0) // r itself would escape, also where this is not called
	if h.values.others {
		d.next, size, _ = known.ReadyCopy(h.next, &own)
		capture.Record(r, h.values.format)
		return &d, size + recordsize.Of(r)
	}
	d.next, size, _ = known.Ready(h.next, &own)
	*r = own
	return &d, size
}

// readySize returns how much an attribute holds that readyNext is given.
func (h *Handler) readySize(a slog.Attr) int64 {
	r := slog.Record{}
	r.AddAttrs(a)
	_, size := h.readyNext(&r)
	return size
}
