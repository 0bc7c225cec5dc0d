package async

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

type quietSpool struct {
	Spool
	_ int
}

func (*quietSpool) Len() int { return 0 }

// What a refused record costs beside a spool while a call is under way, by how many of the
// disk's records are held.
func BenchmarkRefusedBesideStored(b *testing.B) {
	for _, held := range []int{1, 1024} {
		b.Run(fmt.Sprint(held), func(b *testing.B) {
			gate := testsink.NewBlocker(nil)
			h := New(gate, Options{Capacity: 4, MaxWait: -1, StallTimeout: -1, DropReports: -1, Overflow: DropNewest, Spool: &quietSpool{}})
			g := h.engine
			log := func() { _ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "", 0)) }
			log()
			<-gate.Entered()
			g.locked(func() {
				for range held {
					g.course.Hold(course.Held[entry]{Value: entry{h: h}, Stored: true, Seq: g.disk.loaded})
					g.disk.there = append(g.disk.there, g.disk.loaded)
					g.disk.loaded++
				}
				g.disk.size, g.disk.waiting = held, held
				g.disk.retry = time.Now().Add(time.Hour)
			})
			for range 4 {
				log()
			}
			for b.Loop() {
				g.admission.relieve()
			}
		})
	}
}
