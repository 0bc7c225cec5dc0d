package recorder

import (
	"sync"
	"time"
)

// core is what a handler and those derived from it share. No code of the user's runs with
// mu held.
type core struct {
	opts Options

	mu     sync.Mutex
	stats  Stats
	common *scope
	scopes map[any]*scope // of keys, with records kept or being let out
	quiet  quiet
	away   int64 // bytes of records that are being let out, part of stats.Bytes
}

func newCore(opts Options) *core {
	c := &core{opts: opts, scopes: make(map[any]*scope)}
	c.common = &scope{core: c}
	return c
}

// findLocked returns the scope of a key, nil if there is none.
func (c *core) findLocked(key any) *scope {
	if key == nil {
		return c.common
	}
	if t, ok := key.(*token); ok {
		if s := t.last.Load(); s != nil && s.core == c {
			return s
		}
	}
	return c.scopes[key]
}

// openLocked is findLocked for a record to be kept: it makes the scope if need be. It
// returns nil if the scope has ended.
func (c *core) openLocked(key any) *scope {
	s := c.findLocked(key)
	if s != nil && s.records > 0 || key == nil {
		return s
	}
	t, ok := key.(*token)
	if ok && !t.join(c) {
		return nil
	}
	if s == nil {
		s = &scope{core: c, key: key}
	}
	if c.scopes[key] = s; ok {
		t.last.Store(s)
	}
	return s
}

// add keeps a record. It returns the nodes that are done with, for release.
func (c *core) add(key any, n *node) (gone *node) {
	if c.opts.MaxAge > 0 {
		n.kept = time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Kept++
	s := c.openLocked(key)
	if s == nil {
		c.stats.Forgotten++
		return n
	}
	if c.opts.MaxAge > 0 {
		gone = c.expireLocked(s, n.kept)
	}
	for s.records >= c.opts.MaxRecords {
		gone = c.evictLocked(s, &c.stats.EvictedBy.Records, gone)
	}
	if s.records == 0 && c.quiet.len >= c.opts.MaxScopes {
		for oldest := c.quiet.oldest; oldest.records > 0; {
			gone = c.evictLocked(oldest, &c.stats.EvictedBy.Scopes, gone)
		}
	}
	return c.placeLocked(s, n, gone)
}

// placeLocked makes room for the bytes of n, if there can be any, and puts it into s.
func (c *core) placeLocked(s *scope, n *node, gone *node) *node {
	if c.away+n.bytes > c.opts.MaxBytes {
		c.stats.EvictedBy.Bytes++
		s.gap++
		c.closeLocked(s)
		n.next = gone
		return n
	}
	for c.stats.Bytes+n.bytes > c.opts.MaxBytes {
		victim := c.quiet.oldest
		if s.records > 0 && s.bytes > c.stats.Bytes/int64(c.quiet.len) {
			victim = s
		}
		gone = c.evictLocked(victim, &c.stats.EvictedBy.Bytes, gone)
	}
	if s.push(n); s.records == 1 {
		c.quiet.add(s)
		if s.key != nil { // it may have lost its place to make room for itself
			c.scopes[s.key] = s
		}
	} else {
		c.quiet.touch(s)
	}
	c.stats.Held++
	c.stats.Bytes += n.bytes
	return gone
}

// evictLocked evicts the oldest record of s, counts it, and puts it before gone.
func (c *core) evictLocked(s *scope, counter *uint64, gone *node) *node {
	n := s.shift()
	*counter++
	c.dropLocked(n)
	if s.records == 0 {
		c.quiet.remove(s)
		c.closeLocked(s)
	}
	n.next = gone
	return n
}

// dropLocked takes a record out of what is held.
func (c *core) dropLocked(n *node) {
	c.stats.Held--
	c.stats.Bytes -= n.bytes
}

// closeLocked lets a scope go that has nothing any more. Its key may be that of another one
// by now.
func (c *core) closeLocked(s *scope) {
	if s.key != nil && s.records == 0 && s.letting == nil && c.scopes[s.key] == s {
		delete(c.scopes, s.key)
	}
}

// expireLocked evicts what is too old in s, and the scopes of which all is. These are in the
// order of their last records, so it looks at one more than it evicts.
func (c *core) expireLocked(s *scope, now time.Time) (gone *node) {
	for s.records > 0 && c.isOld(s.first, now) {
		gone = c.evictLocked(s, &c.stats.EvictedBy.Age, gone)
	}
	for oldest := c.quiet.oldest; oldest != nil && c.isOld(oldest.last, now); oldest = c.quiet.oldest {
		for oldest.records > 0 {
			gone = c.evictLocked(oldest, &c.stats.EvictedBy.Age, gone)
		}
	}
	return gone
}

func (c *core) isOld(n *node, now time.Time) bool { return now.Sub(n.kept) > c.opts.MaxAge }

// forget forgets what is kept for a key, and returns how many records that was.
func (c *core) forget(key any) int {
	c.mu.Lock()
	s := c.findLocked(key)
	if s == nil {
		c.mu.Unlock()
		return 0
	}
	forgotten := s.records
	list, _ := c.takeLocked(s)
	for n := list; n != nil; n = n.next {
		c.dropLocked(n)
	}
	c.stats.Forgotten += uint64(forgotten)
	c.closeLocked(s)
	c.mu.Unlock()
	release(list)
	return forgotten
}

// takeLocked takes out all that s has. It stays held.
func (c *core) takeLocked(s *scope) (list *node, gap uint64) {
	if s.records > 0 {
		c.quiet.remove(s)
	}
	return s.take()
}
