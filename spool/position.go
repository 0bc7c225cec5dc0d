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
	seq   uint64
	turn  uint64
	dirty bool
}

const (
	positionMagic = "asyncpos"
	positionSlot  = 64 // apart, each with its head
	positionSize  = 36
)

func openPosition(path string) (p position, err error) {
	p.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return p, err
	}
	b := make([]byte, 2*positionSlot)
	n, err := p.file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return p, errors.Join(err, p.file.Close())
	}
	b = b[:n]
	for i := 0; i+positionSize <= len(b); i += positionSlot {
		if err := p.readSlot(b[i : i+positionSize]); err != nil {
			return p, errors.Join(err, p.file.Close())
		}
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

func (p *position) set(seq uint64) error {
	if seq == p.seq {
		return nil
	}
	turn := p.turn + 1
	b := make([]byte, 0, positionSize)
	b = append(b, positionMagic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, turn)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := p.file.WriteAt(b, int64(turn%2)*positionSlot); err != nil {
		return err
	}
	p.turn, p.seq, p.dirty = turn, seq, true
	return nil
}
