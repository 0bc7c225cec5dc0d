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
