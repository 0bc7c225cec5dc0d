package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// position is the file that says which record is the oldest. Two places in it are written
// in turn, so that a write that was torn leaves the one before.
type position struct {
	file  *os.File
	seq   uint64 // what the file says,
	want  uint64 // and what it should
	turn  uint64
	dirty bool
	write writeAt
}

// writeAt is [os.File.WriteAt], but for tests.
type writeAt func(f *os.File, b []byte, off int64) (int, error)

const (
	positionMagic = "asyncpos"
	positionSlot  = 64 // apart, each with its head
	positionSize  = 36
)

func openPosition(path string, write writeAt) (p position, err error) {
	p.write = write
	p.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return p, err
	}
	b := make([]byte, 2*positionSlot)
	n, err := p.file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return p, errors.Join(err, p.file.Close())
	}
	for i := 0; i+positionSize <= n; i += positionSlot {
		if err := p.readSlot(b[i : i+positionSize]); err != nil {
			return p, errors.Join(err, p.file.Close())
		}
	}
	p.want = p.seq
	if n < len(b) { // both places, now: later the disk may be full, as it may be already
		_ = errors.Join(p.put(), p.put())
	}
	return p, nil
}

// readSlot takes what a slot says, if that is whole and later.
func (p *position) readSlot(b []byte) error {
	const sum = positionSize - 4
	if !bytes.HasPrefix(b, []byte(positionMagic)) {
		return nil
	}
	if crc32.Checksum(b[:sum], castagnoli) != binary.LittleEndian.Uint32(b[sum:]) {
		return nil
	}
	if v := binary.LittleEndian.Uint16(b[8:]); v > version {
		return versionError("position", v)
	}
	if turn := binary.LittleEndian.Uint64(b[16:]); turn >= p.turn {
		p.turn, p.seq = turn, binary.LittleEndian.Uint64(b[24:])
	}
	return nil
}

// set is told which record is the oldest. If that cannot be written, save tries it again.
func (p *position) set(seq uint64) {
	p.want = seq
	_ = p.save()
}

// save writes what is not written yet.
func (p *position) save() error {
	if p.want == p.seq {
		return nil
	}
	return p.put()
}

func (p *position) put() error {
	turn := p.turn + 1
	b := make([]byte, 0, positionSlot)
	b = append(b, positionMagic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, turn)
	b = binary.LittleEndian.AppendUint64(b, p.want)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := p.write(p.file, b[:positionSlot], int64(turn%2)*positionSlot); err != nil {
		return err
	}
	p.turn, p.seq, p.dirty = turn, p.want, true
	return nil
}
