package main

import (
	"context"
	"encoding/binary"
	"flag"
	"log"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/asynchandler/asynchandler"
)

var outage = flag.Duration("outage", 3*time.Second, "how long TestRestartLosesNothing has no Collector")

// traced returns a context with a trace whose id is n+1. It is cancelled, as that of a
// request is by the time its records are delivered.
func traced(n int) context.Context {
	ids := trace.SpanContextConfig{SpanID: trace.SpanID{1}}
	binary.BigEndian.PutUint64(ids.TraceID[8:], uint64(n+1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(ids))
}

// pipeline is the handler of the program, and what it printed.
type pipeline struct {
	*asynchandler.Handler
	console console
	logged  int
}

// console is what OpenTelemetry prints to, at any time.
type console struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func newPipeline(t *testing.T, c config) *pipeline {
	p := &pipeline{}
	h, err := newHandler(t.Context(), c, log.New(&p.console, "", 0))
	require.NoError(t, err)
	t.Cleanup(func() { h.Close() })
	p.Handler = h
	return p
}

// log logs n records, each numbered and with a trace of its own.
func (p *pipeline) log(n int) {
	for range n {
		slog.New(p).InfoContext(traced(p.logged), "tick", "n", p.logged)
		p.logged++
	}
}

// kept returns how often the Collector received each of the numbered records, after it
// has looked whether they have their traces.
func (p *pipeline) kept(t *testing.T, c *collector) map[int]int {
	times := map[int]int{}
	for _, r := range c.records(t) {
		n := int(r.Attributes["n"].(float64))
		require.Equal(t, trace.SpanContextFromContext(traced(n)).TraceID().String(), r.Trace)
		times[n]++
	}
	return times
}

// lost returns how many records OpenTelemetry says its queue had no room for.
func (p *pipeline) lost(t *testing.T) (sum int) {
	for _, match := range regexp.MustCompile(`"dropped"=(\d+)`).FindAllStringSubmatch(p.console.String(), -1) {
		n, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		sum += n
	}
	return sum
}

// requireAllDelivered looks whether to asynchandler nothing has happened at all.
func (p *pipeline) requireAllDelivered(t *testing.T) {
	t.Helper()
	st := p.Stats()
	assert.EqualValues(t, p.logged, st.Received)
	assert.EqualValues(t, p.logged, st.Delivered)
	assert.Zero(t, st.Dropped+st.Failed+st.DeliveryErrors+st.Breaker.Opened)
}

func TestRestartLosesNothing(t *testing.T) {
	c := newCollector(t)
	c.start(t)
	p := newPipeline(t, config{endpoint: c.endpoint, queue: 16384, grace: patient})
	p.log(100)
	poll(t, func() bool { return len(c.records(t)) >= 100 })

	c.stop()
	for began := time.Now(); time.Since(began) < *outage; time.Sleep(10 * time.Millisecond) {
		p.log(2)
	}
	whileAway := p.logged - 100
	c.start(t)
	p.log(100)
	require.NoError(t, p.Close())

	kept := p.kept(t, c)
	t.Logf("%v without a Collector, %d records logged meanwhile; of %d in all it received %d (%d more than once)",
		*outage, whileAway, p.logged, len(kept), len(c.records(t))-len(kept))
	assert.Equal(t, p.logged, len(kept), "of those logged it received")
	assert.Zero(t, p.lost(t), p.console.String())
	p.requireAllDelivered(t)
}

func TestFullQueueLosesWhatStatsDoNotShow(t *testing.T) {
	c := newCollector(t)
	p := newPipeline(t, config{endpoint: c.endpoint, queue: 100, grace: patient})
	p.log(1000)
	require.NoError(t, p.Flush(t.Context())) // all are in OpenTelemetry's hands, and most are lost by now
	c.start(t)
	require.NoError(t, p.Close())

	kept := p.kept(t, c)
	t.Logf("%d records logged without a Collector, and a queue for 100: it received %d; OpenTelemetry says it dropped %d",
		p.logged, len(kept), p.lost(t))
	assert.LessOrEqual(t, len(kept), 200, "the queue, and the batch on its way")
	assert.Contains(t, kept, p.logged-1, "the last ones are in the queue")
	assert.Equal(t, p.logged, len(kept)+p.lost(t), p.console.String())
	p.requireAllDelivered(t)
}

func TestCloseSaysThatTheCollectorStaysAway(t *testing.T) {
	p := newPipeline(t, config{endpoint: freeAddress(t), queue: 1000, grace: 100 * time.Millisecond})
	p.log(10)
	err := p.Close()
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "OpenTelemetry has not delivered all")
	p.requireAllDelivered(t) // lost all the same
}
