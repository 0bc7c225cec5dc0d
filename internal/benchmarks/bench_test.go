package main

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

var ours = []contender{{oursName, openOurs}, {oursFastName, openOursFast}}

// BenchmarkLog measures, unlike the scenarios, calls without a pause: those that outrun the
// worker wait for it.
func BenchmarkLog(b *testing.B) {
	for _, c := range ours {
		s, _, err := c.openWarm(sink{w: io.Discard, capacity: defaultCapacity}, bench{quick: true})
		require.NoError(b, err)
		b.Run(c.name+"/serial", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.log3(1)
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s.log3(1)
				}
			})
		})
		require.NoError(b, s.close())
	}
}

// BenchmarkSpool is the scenario of that name, for the profiler.
func BenchmarkSpool(b *testing.B) {
	for _, s := range spoolFamily().cases {
		b.Run(s.name, func(b *testing.B) {
			var r result
			for b.Loop() {
				var err error
				r, err = s.isolated(ours[0], false)
				require.NoError(b, err)
			}
			b.ReportMetric(r["in"], "in/s")
			b.ReportMetric(r["out"], "out/s")
			b.ReportMetric(r["CPU in"], "CPU-ns/in")
			b.ReportMetric(r["CPU out"], "CPU-ns/out")
		})
	}
}

// BenchmarkHealthy is what a spool costs while it is not needed: bursts of 400 calls with one and
// without, in turns. Of calls, and of the time until a burst is written, it has the fifth
// percentile, where little else was in the way.
func BenchmarkHealthy(b *testing.B) {
	b.Run("plain", func(b *testing.B) { measureHealthy(b, logger.log3) })
	b.Run("derived", func(b *testing.B) {
		measureHealthy(b, func(l logger, n int) { slogLogger{l.(slogLogger).With("request", n)}.log3(n) })
	})
}

func measureHealthy(b *testing.B, log func(logger, int)) {
	b.Helper()
	disk, err := spool.Open(b.TempDir(), spool.Options{})
	require.NoError(b, err)
	const burst = 400
	kinds := []string{"without", "with"}
	var handlers [2]*asynchandler.Handler
	for i, opts := range [][]asynchandler.Option{nil, {asynchandler.WithSpool(disk)}} {
		handlers[i] = overLines(io.Discard, opts...)
	}
	var calls, written [2][]int64
	n := 0
	for b.Loop() {
		for i, h := range handlers {
			start := time.Now()
			logAll(newSlogLogger(h), log, 1, n, burst)
			calls[i] = append(calls[i], int64(time.Since(start)))
			require.NoError(b, h.Flush(context.Background()))
			written[i] = append(written[i], int64(time.Since(start)))
		}
		n += burst
	}
	for i, h := range handlers {
		b.ReportMetric(quantile(calls[i], 0.05)/burst, "ns/call-"+kinds[i])
		b.ReportMetric(quantile(written[i], 0.05)/burst, "ns/written-"+kinds[i])
		require.NoError(b, h.Close())
		require.EqualValues(b, n, h.Stats().Delivered)
	}
}
