package ring

import "sync/atomic"

// The slots come in segments, and the segments are found by way of blocks. Both have
// memory only where elements wait, so that the capacity is a bound and no more.
const (
	segmentLen = 64  // slots; 64 log records fill a size class of the allocator
	blockLen   = 128 // segments
	blockSpan  = blockLen * segmentLen
)

type segment[T any] struct {
	// number is pos/segmentLen+1 of the positions that it has or had last. It is
	// stored after the segment is in the directory, and as no other segment ever gets
	// the number, one that has it is the right one for as long as such a position is
	// not taken.
	number atomic.Uint64
	_      [cacheLine - 8]byte
	slots  [segmentLen]slot[T]
}

type slot[T any] struct {
	// published is the position of the element in v plus one, stored after v
	// is complete. Positions grow for ever, so the number of an earlier use of
	// the slot never looks like that of this one.
	published atomic.Uint64
	v         T
}

// has reports whether the element at pos is in v, complete.
func (s *slot[T]) has(pos uint64) bool { return s.published.Load() == pos+1 }

// has reports whether the segment is the one of pos, which must not have been taken.
func (s *segment[T]) has(pos uint64) bool      { return s.number.Load() == pos/segmentLen+1 }
func (s *segment[T]) slot(pos uint64) *slot[T] { return &s.slots[pos%segmentLen] }

type block[T any] [blockLen]atomic.Pointer[segment[T]]

func (b *block[T]) segment(pos uint64) *atomic.Pointer[segment[T]] {
	return &b[pos/segmentLen%blockLen]
}

// directory knows which segment has a position. A segment, and a block, is put in by
// the first producer that reserved a position in it, and taken out by the remover that
// passed its last position: then each position of it was published and taken, and nobody
// has to do with it any more. Until then it stays where it is.
//
// The directory spans the capacity and a block more. So no position of a block is reserved
// before the block that had its place in the directory was taken out.
type directory[T any] struct {
	blocks []atomic.Pointer[block[T]]
	mask   uint64

	spareSegments spares[segment[T]]
	spareBlocks   spares[block[T]]
}

func newDirectory[T any](capacity uint64) *directory[T] {
	n := uint64(2)
	for n*blockSpan < capacity+blockSpan {
		n <<= 1
	}
	return &directory[T]{blocks: make([]atomic.Pointer[block[T]], n), mask: n - 1}
}

func (d *directory[T]) block(pos uint64) *atomic.Pointer[block[T]] {
	return &d.blocks[pos/blockSpan&d.mask]
}

// segment returns the segment that has pos, or nil if there is none.
func (d *directory[T]) segment(pos uint64) *segment[T] {
	if b := d.block(pos).Load(); b != nil {
		return b.segment(pos).Load()
	}
	return nil
}

// install returns the segment that has pos, a position that is reserved and not published.
func (d *directory[T]) install(pos uint64) *segment[T] {
	b := d.spareBlocks.fill(d.block(pos))
	s := d.spareSegments.fill(b.segment(pos))
	s.number.Store(pos/segmentLen + 1)
	return s
}

// release takes out what has only positions before to. All before from were released.
func (d *directory[T]) release(from, to uint64) {
	for ; from/segmentLen != to/segmentLen; from += segmentLen {
		b := d.block(from)
		d.spareSegments.takeBack(b.Load().segment(from))
		if from/segmentLen%blockLen == blockLen-1 {
			d.spareBlocks.takeBack(b)
		}
	}
}
