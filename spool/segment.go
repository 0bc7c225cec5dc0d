package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// version is that of the format.
const version = 1

// ErrVersion is wrapped by the error of [Open] for a folder that a later version of this
// package has written.
var ErrVersion = errors.New("the format is of a later version")

const (
	suffix      = ".spool"
	fileMagic   = "asyncspl"
	segmentHead = 40
)

// segment is a file of records. Its name says the number of its first record and its salt,
// so that a damaged head costs nothing.
type segment struct {
	path   string
	base   uint64 // number of the first record
	count  uint64 // how many records it has, damaged ones included
	known  uint64 // how many of those that were not removed are known to be damaged
	struck uint64 // and how many to be struck out
	salt   uint32
	size   int64
	behind uint64 // base of the segment before it, as its head says
	headed bool   // the head is whole
	marked bool   // and says that records are struck out
	file   *os.File
	dirty  bool

	strikes []int64 // where the records are that are still to be struck out
}

func (g *segment) end() uint64 { return g.base + g.count }

func segmentName(base uint64, salt uint32) string {
	return fmt.Sprintf("%020d-%08x%s", base, salt, suffix)
}

// parseName is the inverse of segmentName.
func parseName(name string) (base uint64, salt uint32, ok bool) {
	stem, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, 0, false
	}
	if _, err := fmt.Sscanf(stem, "%d-%x", &base, &salt); err != nil {
		return 0, 0, false
	}
	return base, salt, segmentName(base, salt) == name
}

// head is: magic, version, its complement, salt, base, base of the segment before, whether
// records are struck out, checksum.
func (g *segment) head() []byte {
	b := make([]byte, 0, segmentHead)
	b = append(b, fileMagic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, ^uint16(version))
	b = binary.LittleEndian.AppendUint32(b, g.salt)
	b = binary.LittleEndian.AppendUint64(b, g.base)
	b = binary.LittleEndian.AppendUint64(b, g.behind)
	b = append(b, 0, 0, 0, 0)
	if g.marked {
		b[len(b)-4] = 1
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// checkVersion returns an error if b is the start of a file of a later version.
func checkVersion(name string, b []byte) error {
	if len(b) < 12 || !bytes.HasPrefix(b, []byte(fileMagic)) {
		return nil
	}
	v := binary.LittleEndian.Uint16(b[8:])
	if v != ^binary.LittleEndian.Uint16(b[10:]) || v <= version {
		return nil
	}
	return versionError(name, v)
}

func versionError(name string, v uint16) error {
	return fmt.Errorf("%s: %w: %d, want at most %d", name, ErrVersion, v, version)
}

// readHead opens the file and reads its head.
func (g *segment) readHead() error {
	if err := g.open(); err != nil {
		return err
	}
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	g.size = info.Size()
	b := make([]byte, segmentHead)
	n, err := g.file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := checkVersion(filepath.Base(g.path), b[:n]); err != nil {
		return err
	}
	want := *g
	want.behind = binary.LittleEndian.Uint64(b[24:])
	want.marked = b[32] == 1
	if g.headed = bytes.Equal(b, want.head()); g.headed {
		g.behind, g.marked = want.behind, want.marked
	}
	return nil
}

func (g *segment) open() (err error) {
	if g.file == nil {
		g.file, err = os.OpenFile(g.path, os.O_RDWR, 0)
	}
	return err
}

func (g *segment) close() error {
	f := g.file
	g.file = nil
	if f == nil {
		return nil
	}
	return f.Close()
}

func (g *segment) remove() error {
	return errors.Join(g.close(), os.Remove(g.path))
}

// reader reads the frames of a segment in order.
type reader struct {
	off   int64
	buf   []byte // used again, if it is not nil
	whole int64  // end of the last whole record
}

// window is how much is read at a time.
const window = 256 << 10

// item is a record that was read.
type item struct {
	record []byte
	seq    uint64
	off    int64 // in the file
	struck bool
}

// read appends the records of the next window, those behind damage too. At the end of the
// segment it appends nothing.
func (r *reader) read(g *segment, items []item) ([]item, error) {
	if r.off < segmentHead {
		r.off = segmentHead
	}
	n, size := len(items), int64(window)
	for r.off < g.size && len(items) == n {
		b, err := r.load(g, min(size, g.size-r.off))
		if err != nil {
			return items, err
		}
		size = window
		used, need := 0, 0
		items, used, need = r.frames(g, b, items)
		r.off += int64(used)
		if used == 0 {
			size = max(int64(need), window)
		}
	}
	return items, nil
}

// frames takes the frames from b, and says how many bytes that used and, if none, how many
// are needed.
func (r *reader) frames(g *segment, b []byte, items []item) (_ []item, used, need int) {
	rest := g.size - r.off - int64(len(b))
	for used < len(b) {
		f, what := parse(b[used:], rest, g.salt)
		switch {
		case what == whole:
			if uint64(f.index) < g.count {
				r.whole = r.off + int64(used+f.size)
				items = append(items, item{f.record, g.base + uint64(f.index), r.off + int64(used), f.struck})
			}
			used += f.size
		case what == short:
			return items, used, f.size
		default:
			used = resync(b, used+1)
		}
	}
	return items, used, 0
}

// resync returns where behind from in b a frame may begin.
func resync(b []byte, from int) int {
	if i := bytes.IndexByte(b[from:], magicStart); i >= 0 {
		return from + i
	}
	return len(b)
}

func (r *reader) load(g *segment, n int64) ([]byte, error) {
	if err := g.open(); err != nil {
		return nil, err
	}
	b := r.buf
	if b == nil || int64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	got, err := g.file.ReadAt(b, r.off)
	if errors.Is(err, io.EOF) { // the file was cut behind our back
		g.size = r.off + int64(got)
		err = nil
	}
	return b[:got], err
}
