package async_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// While a gate hangs nothing is delivered: callers wait for room once, and not for ever.
func TestGateThatHangsCostsCallersTheirCreditOnly(t *testing.T) { // P2, P8
	for _, in := range []string{"Allow", "Done"} {
		t.Run(in, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hang, rec := testsink.NewGate(), &testsink.Recorder{}
				gate := &fakeGate{}
				if in == "Allow" {
					gate.inAllow = hang.Pass
				} else {
					gate.inDone = hang.Pass
				}
				h := begin(t, rec, async.Options{Gate: gate, Capacity: 4, DropReports: -1})
				sayEach(h, "first")
				<-hang.Entered()
				began := time.Now()
				sayEach(h, counted("m", 1000)...)
				assert.Equal(t, 100*time.Millisecond, time.Since(began))
				hang.Release()
				require.NoError(t, h.Close())
				s := h.Stats()
				assert.Equal(t, s.Received, s.Delivered+s.Dropped)
				gate.assertSettled(t)
			})
		})
	}
}

// probeGate allows probes only.
type probeGate struct{ fakeGate }

func (g *probeGate) Allow() async.Permit {
	p := g.fakeGate.Allow()
	p.Probe = p.OK
	return p
}

// releaseBudget does something when bytes are released.
type releaseBudget struct {
	*membudget.Budget
	inRelease func()
}

func (b *releaseBudget) Release(n int64) {
	b.inRelease()
	b.Budget.Release(n)
}

// A drain that ends between two tries of a probe ends the probe as well.
func TestEndOfTheDrainEndsTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, hold := &probeGate{}, testsink.NewGate()
		t.Cleanup(hold.Release)
		b := &releaseBudget{limited(t, 10*unit), hold.Pass}
		h := begin(t, testsink.NewFailer(nil, async.ErrPermanent, nil), async.Options{Gate: gate, Budget: b, BatchSize: 1})
		info(h, "1")
		<-hold.Entered()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		go func() { _ = h.Shutdown(ctx) }()
		time.Sleep(time.Second)
		hold.Release()
		untilNapsAreOver()
		gate.assertSettled(t)
	})
}
