// Package archive writes log records as bytes that another process can read: time, level,
// message, source, attributes by kind, and the attributes and groups of the handler that
// they were logged through.
//
// A value that is not of a kind of slog's, nor one of few types that are kept, becomes what
// shows the same: its text, its JSON and so on, see [capture.Stored]. The first byte is the
// version of the format.
package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
)

const version = 1

var (
	// ErrVersion is wrapped by errors for records that a later version has written.
	ErrVersion = errors.New("a record of a later version of the format")
	errShort   = errors.New("a record that ends too early")
	errKind    = errors.New("a record with a value of unknown kind")
)

// kinds of values.
const (
	kindNil byte = iota
	kindString
	kindInt64
	kindUint64
	kindFloat64
	kindBool
	kindDuration
	kindTime
	kindGroup
	kindEmptyGroup
	kindBytes
	kindStrings
	kindInts
	kindStringMap
	kindIntMap
	kindSource
	kindRawJSON
	kindStored
	kindNilBytes
	kindNilRawJSON
	kindNilSource
	kindShownBytes
)

// Record is what was written of a record.
type Record struct {
	slog.Record
	Chain  []byte      // of the handler, see [Step]
	Source slog.Source // of the log call
	Line   []byte      // what its handler has made of it, nil if that is not known
}

// Codec writes records and reads them. It remembers the places in the code that logged. The
// zero value is ready. Its methods are called by one goroutine at a time.
type Codec struct {
	written map[uintptr][]byte // places by program counter
	read    map[string]place   // and the other way round
}

// Append appends r, logged through a handler with that chain.
func (c *Codec) Append(b, chain []byte, r *slog.Record) []byte {
	return c.appendRecord(appendHead(b, r, false), chain, r)
}

// AppendLine appends r like Append, and the line that its handler has made of it.
func (c *Codec) AppendLine(b, chain []byte, r *slog.Record, line []byte) []byte {
	return append(c.appendRecord(appendHead(b, r, true), chain, r), line...)
}

func (c *Codec) appendRecord(b, chain []byte, r *slog.Record) []byte {
	b = appendBytes(b, chain)
	b = appendString(b, r.Message)
	b = append(b, c.placeOf(r)...)
	b = binary.AppendUvarint(b, uint64(r.NumAttrs()))
	for a := range r.Attrs {
		b = appendAttr(b, a)
	}
	return b
}

func appendHead(b []byte, r *slog.Record, line bool) []byte {
	b = append(b, version, 0)
	if line {
		b[len(b)-1] = 1
	}
	b = binary.AppendVarint(b, int64(r.Level))
	return appendTime(b, r.Time)
}

// Level returns the level of a record, INFO if it cannot be read.
func Level(b []byte) slog.Level {
	if len(b) > 2 && b[0] == version {
		if v, n := binary.Varint(b[2:]); n > 0 {
			return slog.Level(v)
		}
	}
	return slog.LevelInfo
}

// Read reads what Append or AppendLine has written. It keeps no part of b but the chain.
func (c *Codec) Read(b []byte) (r Record, err error) {
	d := newDecoder(b)
	if v := d.byte(); v > version {
		return r, fmt.Errorf("%w: %d, want at most %d", ErrVersion, v, version)
	}
	line := d.byte() == 1
	if line {
		d.text = "" // a message would keep the line
	}
	r.Level = slog.Level(d.varint())
	r.Time = d.time()
	r.Chain = d.bytes()
	r.Message = d.string()
	at := c.placeAt(d.place())
	r.Source = at.source
	d.addAttrs(&r.Record)
	if d.err != nil {
		return r, d.err
	}
	r.PC = at.pc
	if line {
		r.Line = append([]byte{}, d.b...) // not nil if it is empty
	}
	return r, nil
}

func appendBytes(b, p []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(p))), p...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendSource(b []byte, s *slog.Source) []byte {
	b = appendString(b, s.Function)
	b = appendString(b, s.File)
	return binary.AppendVarint(b, int64(s.Line))
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	name, offset := t.Zone()
	kind := byte(1)
	switch t.Location() {
	case time.UTC:
		kind = 2
	case time.Local:
		kind = 3
	}
	b = append(b, kind)
	b = binary.AppendVarint(b, t.Unix())
	b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
	if kind != 2 {
		b = binary.AppendVarint(b, int64(offset))
		b = appendString(b, name)
	}
	return b
}

func appendAttrs(b []byte, attrs []slog.Attr) []byte {
	b = binary.AppendUvarint(b, uint64(len(attrs)))
	for _, a := range attrs {
		b = appendAttr(b, a)
	}
	return b
}

func appendAttr(b []byte, a slog.Attr) []byte {
	return appendValue(appendString(b, a.Key), a.Value)
}

func appendValue(b []byte, v slog.Value) []byte {
	if v.Kind() == slog.KindLogValuer {
		v = v.Resolve()
		if v.Kind() == slog.KindGroup && len(v.Group()) == 0 {
			return append(b, kindEmptyGroup)
		}
	}
	switch v.Kind() {
	case slog.KindString:
		return appendString(append(b, kindString), v.String())
	case slog.KindInt64:
		return binary.AppendVarint(append(b, kindInt64), v.Int64())
	case slog.KindUint64:
		return binary.AppendUvarint(append(b, kindUint64), v.Uint64())
	case slog.KindFloat64:
		return binary.LittleEndian.AppendUint64(append(b, kindFloat64), math.Float64bits(v.Float64()))
	case slog.KindBool:
		if v.Bool() {
			return append(b, kindBool, 1)
		}
		return append(b, kindBool, 0)
	case slog.KindDuration:
		return binary.AppendVarint(append(b, kindDuration), int64(v.Duration()))
	case slog.KindTime:
		return appendTime(append(b, kindTime), v.Time())
	case slog.KindGroup:
		return appendAttrs(append(b, kindGroup), v.Group())
	}
	return appendAny(b, v.Any())
}

// Step is one WithAttrs or, with a group, one WithGroup of a handler.
type Step struct {
	Group string
	Attrs []slog.Attr
}

// AppendStep appends a step to a chain.
func AppendStep(b []byte, s Step) []byte {
	return appendAttrs(appendString(b, s.Group), s.Attrs)
}

// ReadChain reads the steps of a chain.
func ReadChain(b []byte) (steps []Step, err error) {
	d := newDecoder(b)
	for len(d.b) > 0 && d.err == nil {
		steps = append(steps, Step{d.string(), d.attrs()})
	}
	return steps, d.err
}

func appendStored(b []byte, x any) []byte {
	s := capture.Store(x)
	b = append(b, kindStored, s.Methods)
	b = appendBytes(b, s.JSON)
	for _, text := range []string{s.Text, s.String, s.Err, s.Plain, s.Plus, s.ErrorType} {
		b = appendString(b, text)
	}
	return b
}
