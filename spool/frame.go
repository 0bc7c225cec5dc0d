package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A frame is a record in a file: magic, length of the record, its index in the file, the
// checksum of these two and of the record, and the record. The checksum begins with the
// salt of the file, so that no record can hold what looks like a frame. A record that is
// struck out has another magic.
const frameHead = 16

const magicStart = 0xFA // never in UTF-8

var (
	magic      = []byte{magicStart, 'r', 'e', 0xF5}
	struck     = []byte{magicStart, 'o', 'u', 't'} // more than one byte apart
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func frameSize(record []byte) int64 { return frameHead + int64(len(record)) }

func appendFrame(b []byte, salt, index uint32, record []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(record)))
	b = binary.LittleEndian.AppendUint32(b, index)
	b = binary.LittleEndian.AppendUint32(b, checksum(salt, b[start+4:start+12], record))
	return append(b, record...)
}

func checksum(salt uint32, head, record []byte) uint32 {
	return crc32.Update(crc32.Update(salt, castagnoli, head), castagnoli, record)
}

// found is what parse makes of the bytes at one place.
type found uint8

const (
	whole found = iota
	short       // there may be more of it
	bad
)

// frame is a whole one.
type frame struct {
	record []byte
	index  uint32
	size   int
	struck bool
}

func hasMagic(b []byte) bool { return bytes.HasPrefix(b, magic) || bytes.HasPrefix(b, struck) }

// parse reads the frame at the start of b, behind which rest further bytes follow in the
// file. Of a short one it says in size how many bytes it takes.
func parse(b []byte, rest int64, salt uint32) (frame, found) {
	if len(b) < frameHead {
		return shortOf(frameHead, b, rest)
	}
	if !hasMagic(b) {
		return frame{}, bad
	}
	size := frameHead + int64(binary.LittleEndian.Uint32(b[4:]))
	if size > int64(len(b)) {
		return shortOf(size, b, rest)
	}
	record := b[frameHead:size:size]
	if checksum(salt, b[4:12], record) != binary.LittleEndian.Uint32(b[12:]) {
		return frame{}, bad
	}
	return frame{record, binary.LittleEndian.Uint32(b[8:]), int(size), bytes.HasPrefix(b, struck)}, whole
}

func shortOf(size int64, b []byte, rest int64) (frame, found) {
	if size > int64(len(b))+rest {
		return frame{}, bad // it would end behind the file
	}
	return frame{size: int(size)}, short
}
