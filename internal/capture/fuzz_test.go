package capture_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// tableValue returns makers of values of the table, or of some with content of the
// fuzzer's own.
func tableValue(table []value) func(*testsink.Arguments) any {
	return func(a *testsink.Arguments) any {
		switch kind := a.Byte() % 16; kind {
		case 0:
			return secret(a.Bytes())
		case 1:
			return byteErr(a.Bytes())
		case 2:
			n := &node{Name: a.String()}
			a.OnChange(func() { n.Name += "X" })
			return n
		case 3:
			return jsoner{marshal(a.Bytes(), a.Byte()%2 == 0)}
		case 4:
			return texter{marshal(a.Bytes(), a.Byte()%2 == 0)}
		case 5:
			e := a.Failure()
			return &jsonFailure{failure{e.Error}, jsoner{marshal(a.Bytes(), a.Byte()%2 == 0)}}
		default:
			v, change := table[int(a.Byte())%len(table)].make()
			if change != nil {
				a.OnChange(change)
			}
			return v
		}
	}
}

func marshal(b []byte, fail bool) func() ([]byte, error) {
	return func() ([]byte, error) {
		if fail {
			return nil, errors.New(string(b))
		}
		return b, nil
	}
}

// FuzzDifferential holds a handler that gets a record at once against one that
// gets it frozen, after all its arguments have changed.
func FuzzDifferential(f *testing.F) { // P1, P4
	for i := range 24 {
		f.Add([]byte{3, 1, 'k', 0, byte(i), byte(i), 4, 'a', 'b', 'c', 'd', 1, 'x', 10, 2, 0, 1, byte(i), 200})
	}
	other := tableValue(values())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range pairings {
			a := &testsink.Arguments{Data: data, Other: other}
			own, own2 := a.Attrs(3), a.Attrs(2)
			var buf bytes.Buffer
			h := p.next(&buf, nil)
			if a.Byte()%2 == 0 {
				h = h.WithGroup("g")
			}
			want := shown(t, h.WithAttrs(own).WithGroup("h"), &buf, recordOf(own2...))

			frozen := capture.Attrs(own, p.format)
			r := recordOf(own2...)
			capture.Record(&r, p.format)
			if p.format == capture.Any { // which makes forms that slog does not show
				want = shown(t, h.WithAttrs(frozen).WithGroup("h"), &buf, r)
			}
			a.Change()

			if got := shown(t, h.WithAttrs(frozen).WithGroup("h"), &buf, r); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", p.name, got, want)
			}
		}
	})
}
