package asynchandler

import (
	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/linesink"
)

// writerSink is a [linesink.Sink] for the queue.
type writerSink struct{ *linesink.Sink }

var (
	_ async.Sink        = writerSink{}
	_ async.Flusher     = writerSink{}
	_ async.ByteCounter = writerSink{}
)

// Deliver encodes and writes the records.
func (s writerSink) Deliver(b *async.Batch) (done int, err error) { return s.Sink.Deliver(b) }
