package recorder

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"
)

// node is a kept record, in the list of its scope, oldest first.
type node struct {
	next *node

	rec     slog.Record
	ctx     context.Context
	handler slog.Handler // next, with the attributes and groups of the logger
	through slog.Handler // what the record goes to: handler, or what that has made ready for it
	bytes   int64
	kept    time.Time // only if there is a MaxAge
	gap     uint64    // records evicted right before this one
}

// nodeBytes is what a node itself takes.
var nodeBytes = int64(reflect.TypeFor[node]().Size())

// nodes come and go with the records.
var nodes = sync.Pool{New: func() any { return new(node) }}

// release gives a list of nodes back, so that what they refer to can be freed.
func release(list *node) {
	for n := list; n != nil; {
		next := n.next
		*n = node{}
		nodes.Put(n)
		n = next
	}
}

// scope has the records kept for one key. A scope of a token that has nothing kept is
// used again, with the gap it has; of other keys a scope goes with its last record.
type scope struct {
	core *core
	key  any

	// Guarded by core.mu.
	first, last *node
	records     int
	bytes       int64
	gap         uint64 // records evicted after the last one
	letting     *letting
	older       *scope // in core.quiet, as long as there are records
	younger     *scope
}

// push appends a record.
func (s *scope) push(n *node) {
	n.gap, s.gap = s.gap, 0
	if s.last == nil {
		s.first = n
	} else {
		s.last.next = n
	}
	s.last = n
	s.records++
	s.bytes += n.bytes
}

// shift takes the oldest record out, and notes the gap it leaves if it is evicted.
func (s *scope) shift() *node {
	n := s.first
	s.first = n.next
	n.next = nil
	s.records--
	s.bytes -= n.bytes
	if s.first == nil {
		s.last = nil
		s.gap += n.gap + 1
	} else {
		s.first.gap += n.gap + 1
	}
	return n
}

// take takes all records out, and the gap behind the last one.
func (s *scope) take() (list *node, gap uint64) {
	list, gap = s.first, s.gap
	s.first, s.last, s.records, s.bytes, s.gap = nil, nil, 0, 0, 0
	return list, gap
}

// quiet is a list of the scopes that have records, the one that was quiet longest first.
type quiet struct {
	oldest, youngest *scope
	len              int
}

func (q *quiet) add(s *scope) {
	s.older = q.youngest
	if q.youngest == nil {
		q.oldest = s
	} else {
		q.youngest.younger = s
	}
	q.youngest = s
	q.len++
}

func (q *quiet) remove(s *scope) {
	if s.older == nil {
		q.oldest = s.younger
	} else {
		s.older.younger = s.younger
	}
	if s.younger == nil {
		q.youngest = s.older
	} else {
		s.younger.older = s.older
	}
	s.older, s.younger = nil, nil
	q.len--
}

// touch makes s, which has records, the youngest.
func (q *quiet) touch(s *scope) {
	if q.youngest != s {
		q.remove(s)
		q.add(s)
	}
}
