package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
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
