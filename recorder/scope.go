package recorder

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Begin returns a context with a scope of its own, for one request or one job, and a
// function that ends it: what any recorder has kept for it is forgotten. Call that
// function in a defer; it may be called again, and from any goroutine.
//
// Scopes do not contain each other: within a context of Begin, a second Begin starts a
// scope that knows nothing of the first. What is logged below Level after the end is
// forgotten at once, so a scope that is left by a goroutine cannot leak.
//
// A scope that is never ended stays until the bounds of [Options] make it go.
func Begin(ctx context.Context) (context.Context, func()) {
	t := &token{}
	return context.WithValue(ctx, tokenKey{}, t), t.end
}

type tokenKey struct{}

// token is a scope of Begin. It is not bound to a recorder: several may keep something
// for it.
type token struct {
	last atomic.Pointer[scope] // the one that was used last, of some recorder

	mu    sync.Mutex // taken within a core's, never the other way round
	ended bool
	cores []*core // that may have something kept
}

// join makes sure that c hears of the end. It reports false if that has come.
func (t *token) join(c *core) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.cores, c) {
		return !t.ended
	}
	if !t.ended {
		t.cores = append(t.cores, c)
	}
	return !t.ended
}

func (t *token) end() {
	t.mu.Lock()
	t.ended = true
	cores := t.cores
	t.cores = nil
	t.mu.Unlock()
	for _, c := range cores {
		c.forget(t)
	}
	t.last.Store(nil)
}

// key returns what identifies the scope of a record: a value of the user's, a *token, or
// nil for the scope for all.
func (c *core) key(ctx context.Context) any {
	if ctx == nil {
		return nil
	}
	if c.opts.Scope != nil {
		if key := c.userKey(ctx); key != nil {
			return key
		}
	}
	return tokenOf(ctx)
}

// userKey returns nil for a key that no map can find again.
func (c *core) userKey(ctx context.Context) (key any) {
	defer func() {
		if recover() != nil {
			key = nil
		}
	}()
	key = c.opts.Scope(ctx)
	if same := key; same != key { // NaN; of what cannot be compared this panics
		return nil
	}
	return key
}

// tokenOf returns nil if there is none, or if a method of the context's panics.
func tokenOf(ctx context.Context) (key any) {
	defer func() {
		if recover() != nil {
			key = nil
		}
	}()
	return ctx.Value(tokenKey{})
}
