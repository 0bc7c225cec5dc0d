package main

import (
	"bufio"
	"context"
	"log/slog"
	"sync/atomic"
)

// channelHandler is the asynchronous handler that people write by hand: a buffered channel and
// one goroutine.
type channelHandler struct {
	*channelQueue
	next slog.Handler
}

type channelQueue struct {
	jobs    chan job
	drop    bool // what does not fit
	dropped atomic.Uint64
	handled atomic.Int64
	done    chan struct{}
}

type job struct {
	next slog.Handler
	r    slog.Record
}

func newChannelHandler(next slog.Handler, capacity int, drop bool, whenEmpty func()) *channelHandler {
	q := &channelQueue{jobs: make(chan job, capacity), drop: drop, done: make(chan struct{})}
	go q.work(whenEmpty)
	return &channelHandler{q, next}
}

func (q *channelQueue) work(whenEmpty func()) {
	defer close(q.done)
	for j := range q.jobs {
		_ = j.next.Handle(context.Background(), j.r)
		if len(q.jobs) == 0 {
			whenEmpty()
		}
		q.handled.Add(1)
	}
}

func (h *channelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.next.Enabled(ctx, l)
}

func (h *channelHandler) Handle(_ context.Context, r slog.Record) error {
	j := job{h.next, r.Clone()}
	if !h.drop {
		h.jobs <- j
		return nil
	}
	select {
	case h.jobs <- j:
	default:
		h.channelQueue.dropped.Add(1)
	}
	return nil
}

func (h *channelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &channelHandler{h.channelQueue, h.next.WithAttrs(attrs)}
}

func (h *channelHandler) WithGroup(name string) slog.Handler {
	return &channelHandler{h.channelQueue, h.next.WithGroup(name)}
}

func (q *channelQueue) close() error {
	close(q.jobs)
	<-q.done
	return nil
}

func (q *channelQueue) flush(sent int) error {
	return waitUntil(func() bool { return q.handled.Load() >= int64(sent) })
}

func openChannel(s sink) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	h := newChannelHandler(slog.NewJSONHandler(w, nil), s.capacity, s.drop, func() {})
	return &subject{
		logger:  newSlogLogger(h),
		flush:   h.flush,
		close:   inOrder(h.close, closeFile),
		dropped: h.dropped.Load,
	}, nil
}

// openBufferedChannel writes whenever the buffer is full or the channel empty.
func openBufferedChannel(s sink) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriterSize(w, bufferSize)
	h := newChannelHandler(slog.NewJSONHandler(buffer, nil), s.capacity, s.drop, func() { _ = buffer.Flush() })
	return &subject{
		logger:  newSlogLogger(h),
		flush:   h.flush,
		close:   inOrder(h.close, buffer.Flush, closeFile),
		dropped: h.dropped.Load,
	}, nil
}
