package archive

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"math"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// decoder reads from the front of b. After an error all that it reads is zero.
type decoder struct {
	b     []byte
	text  string // all that there was to read: strings are parts of it; empty if they are to be copies
	err   error
	depth int
}

// maxDepth is how deep groups may be nested: damage must not overflow the stack.
const maxDepth = 20_000

func newDecoder(b []byte) decoder { return decoder{b: b, text: string(b)} }

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail(errShort)
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 { return number(d, binary.Uvarint) }

func (d *decoder) varint() int64 { return number(d, binary.Varint) }

// number reads what read returns, with the bytes it takes.
func number[T int64 | uint64](d *decoder, read func([]byte) (T, int)) T {
	v, n := read(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads how many there are of something that has a byte at least.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) string() string {
	p := d.bytes()
	if d.text == "" {
		return string(p)
	}
	end := len(d.text) - len(d.b)
	return d.text[end-len(p) : end]
}

func (d *decoder) source() slog.Source {
	return slog.Source{Function: d.string(), File: d.string(), Line: int(d.varint())}
}

func (d *decoder) time() time.Time {
	kind := d.byte()
	if kind == 0 {
		return time.Time{}
	}
	t := time.Unix(d.varint(), int64(d.uvarint()))
	if kind == 2 {
		return t.UTC()
	}
	offset, name := int(d.varint()), d.string()
	if n, o := t.Zone(); kind == 3 && n == name && o == offset {
		return t
	}
	return t.In(time.FixedZone(name, offset))
}

// addAttrs adds the attributes of a record.
func (d *decoder) addAttrs(r *slog.Record) {
	var few [8]slog.Attr
	attrs, n := few[:0], d.count()
	if n > len(few) {
		attrs = make([]slog.Attr, 0, n)
	}
	for range n {
		attrs = append(attrs, d.attr())
	}
	r.AddAttrs(attrs...)
}

func (d *decoder) attrs() []slog.Attr {
	n := d.count()
	attrs := make([]slog.Attr, 0, n)
	for range n {
		attrs = append(attrs, d.attr())
	}
	return attrs
}

func (d *decoder) attr() slog.Attr { return slog.Attr{Key: d.string(), Value: d.value()} }

func (d *decoder) value() slog.Value {
	switch kind := d.byte(); kind {
	case kindString:
		return slog.StringValue(d.string())
	case kindInt64:
		return slog.Int64Value(d.varint())
	case kindUint64:
		return slog.Uint64Value(d.uvarint())
	case kindFloat64:
		return slog.Float64Value(d.float())
	case kindBool:
		return slog.BoolValue(d.byte() != 0)
	case kindDuration:
		return slog.DurationValue(time.Duration(d.varint()))
	case kindTime:
		return slog.TimeValue(d.time())
	case kindGroup:
		return d.group()
	case kindEmptyGroup:
		return capture.EmptyGroup()
	default:
		return d.any(kind)
	}
}

func (d *decoder) float() float64 {
	if len(d.b) < 8 {
		d.fail(errShort)
		return 0
	}
	v := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return math.Float64frombits(v)
}

func (d *decoder) group() slog.Value {
	if d.depth++; d.depth > maxDepth {
		d.fail(errKind)
	}
	defer func() { d.depth-- }()
	return slog.GroupValue(d.attrs()...)
}

func (d *decoder) any(kind byte) slog.Value {
	switch kind {
	case kindNil:
		return slog.AnyValue(nil)
	case kindBytes:
		return slog.AnyValue(bytes.Clone(d.bytes()))
	case kindStrings:
		return slog.AnyValue(d.strings())
	case kindInts:
		list := make([]int, d.count())
		for i := range list {
			list[i] = int(d.varint())
		}
		return slog.AnyValue(list)
	case kindStringMap:
		m := map[string]string{}
		for range d.count() {
			k := d.string()
			m[k] = d.string()
		}
		return slog.AnyValue(m)
	case kindIntMap:
		m := map[string]int{}
		for range d.count() {
			k := d.string()
			m[k] = int(d.varint())
		}
		return slog.AnyValue(m)
	case kindSource:
		s := d.source()
		return slog.AnyValue(&s)
	case kindRawJSON:
		return slog.AnyValue(json.RawMessage(bytes.Clone(d.bytes())))
	case kindStored:
		return d.stored()
	case kindNilBytes:
		return slog.AnyValue([]byte(nil))
	case kindNilRawJSON:
		return slog.AnyValue(json.RawMessage(nil))
	case kindNilSource:
		return slog.AnyValue((*slog.Source)(nil))
	case kindShownBytes:
		return slog.AnyValue(d.shown())
	}
	d.fail(errKind)
	return slog.Value{}
}

func (d *decoder) strings() []string {
	list := make([]string, d.count())
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) stored() slog.Value {
	s := capture.Stored{Methods: d.byte(), JSON: bytes.Clone(d.bytes())}
	for _, text := range []*string{&s.Text, &s.String, &s.Err, &s.Plain, &s.Plus, &s.ErrorType} {
		*text = d.string()
	}
	return s.Value()
}
