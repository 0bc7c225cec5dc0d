package testsink

import "sync"

// Gate stops calls until it is released. Made by [NewGate]; [Blocker] and [BlockingWriter]
// have one.
type Gate struct {
	mu      sync.Mutex
	blocked bool
	open    chan struct{} // closed when the calls waiting on it may go on
	entered chan struct{} // closed when a call has begun to wait on open
	waiting int
}

// NewGate returns a gate that blocks.
func NewGate() *Gate {
	g := &Gate{}
	g.Block()
	return g
}

// Block makes the calls from now on wait.
func (g *Gate) Block() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.blocked {
		g.blocked = true
		g.renew()
	}
}

// Release lets the waiting calls and all later ones through, until Block.
func (g *Gate) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.blocked {
		g.blocked = false
		close(g.open)
	}
}

// Step lets through the calls that wait now; later ones still wait.
func (g *Gate) Step() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.blocked {
		close(g.open)
		g.renew()
	}
}

// renew makes the channels of the next round. g.mu is held.
func (g *Gate) renew() {
	g.open, g.entered = make(chan struct{}), make(chan struct{})
}

// Entered returns a channel that is closed once a call has waited at the gate since the
// last Block or Step.
func (g *Gate) Entered() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entered
}

// Waiting returns the number of calls that wait now.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

// Pass returns at once if the gate is released, else when it is.
func (g *Gate) Pass() {
	if open := g.enter(); open != nil {
		<-open
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting--
	}
}

// enter returns the channel to wait on, nil if there is nothing to wait for.
func (g *Gate) enter() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.blocked {
		return nil
	}
	g.waiting++
	select {
	case <-g.entered:
	default:
		close(g.entered)
	}
	return g.open
}
