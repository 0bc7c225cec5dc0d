package archive

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"reflect"
	"runtime"
)

// maxPlaces is how many places in the code are remembered. Of a program that logs at more of
// them, or a folder that has more, they are looked up anew now and then.
const maxPlaces = 1024

// place is one in the code that logged.
type place struct {
	pc     uintptr // 0 if it means something else in this process
	source slog.Source
}

// base is where the code of a function begins. Program counters are kept relative to it: a
// position independent program is somewhere else in memory each time it runs.
var base = reflect.ValueOf(errors.New).Pointer()

// placeOf returns the place of r as bytes: the program counter and what it stands for.
func (c *Codec) placeOf(r *slog.Record) []byte {
	if b, ok := c.written[r.PC]; ok {
		return b
	}
	var src slog.Source
	if s := r.Source(); s != nil {
		src = *s
	}
	b := appendSource(binary.AppendVarint(nil, int64(r.PC-base)), &src)
	if c.written == nil || len(c.written) >= maxPlaces {
		c.written = map[uintptr][]byte{}
	}
	c.written[r.PC] = b
	return b
}

// place reads past a place, and returns it as bytes.
func (d *decoder) place() []byte {
	b := d.b
	d.varint()
	d.bytes()
	d.bytes()
	d.varint()
	if d.err != nil {
		return nil
	}
	return b[:len(b)-len(d.b)]
}

// placeAt returns the place that b is, of which it keeps nothing. Without any it is empty.
func (c *Codec) placeAt(b []byte) place {
	if p, ok := c.read[string(b)]; ok || len(b) == 0 {
		return p
	}
	d := newDecoder(b)
	p := place{pc: base + uintptr(d.varint()), source: d.source()}
	if !isAt(p.pc, &p.source) {
		p.pc = 0
	}
	if c.read == nil || len(c.read) >= maxPlaces {
		c.read = map[string]place{}
	}
	c.read[string(b)] = p
	return p
}

// isAt reports whether the program counter means in this process what it meant in that
// which logged: the same program, most likely.
func isAt(pc uintptr, s *slog.Source) bool {
	if pc == 0 || s.File == "" {
		return false
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return f.File == s.File && f.Line == s.Line && f.Function == s.Function
}
