package frameworks

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net/netip"
	"time"
)

// secret is in fields that JSON leaves out.
const secret = "hunter2"

type (
	item  struct{ ID int }
	order struct {
		ID    int
		Items []string
	}
	login struct {
		User     string `json:"user"`
		Password string `json:"-"`
	}
	stringer struct{ p *int }
	jsoner   struct{ p *int }
	texter   struct{ p *int }
	valuer   struct{ p *int }
	failure  struct{ Op *string }
)

func (s *stringer) String() string             { return fmt.Sprintf("stringer %d", *s.p) }
func (j *jsoner) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"json":%d}`, *j.p), nil }
func (t *texter) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "text %d", *t.p), nil }
func (v *valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("a", *v.p), slog.Any("login", &login{"u", secret}))
}
func (f *failure) Error() string { return "cannot " + *f.Op }

// values are made anew for each comparison.
var values = []struct {
	name string
	make func() any
}{
	{"string", func() any { return "a b" }},
	{"int", func() any { return 7 }},
	{"float", func() any { return 1.5 }},
	{"bool", func() any { return true }},
	{"nil", func() any { return nil }},
	{"time", func() any { return noon }},
	{"duration", func() any { return 1500 * time.Millisecond }},
	{"struct", func() any { return item{7} }},
	{"struct with a slice", func() any { return order{7, []string{"a", "b"}} }},
	{"pointer", func() any { return &order{7, []string{"a"}} }},
	{"nil pointer", func() any { return (*order)(nil) }},
	{"pointer to int", func() any { return new(int) }},
	{"slice of ints", func() any { return []int{1, 2} }},
	{"slice of strings", func() any { return []string{"a", "b c"} }},
	{"slice of pointers", func() any { return []*item{{1}, {2}} }},
	{"map of strings", func() any { return map[string]string{"k": "v"} }},
	// Of one key: funcr goes over maps in no order.
	{"map of any", func() any { return map[string]any{"foo": []any{1, "x", nil}} }},
	{"bytes", func() any { return []byte("abc") }},
	{"error", func() any { return errors.New("broken") }},
	{"wrapping error", func() any { return fmt.Errorf("open: %w", fs.ErrNotExist) }},
	{"path error", func() any { return &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist} }},
	{"own error", func() any { op := "read"; return &failure{&op} }},
	{"secret", func() any { return login{"u", secret} }},
	{"pointer to secret", func() any { return &login{"u", secret} }},
	{"slice of secrets", func() any { return []*login{{"u", secret}} }},
	{"map of secrets", func() any { return map[string]any{"l": &login{"u", secret}} }},
	{"Stringer", func() any { n := 7; return &stringer{&n} }},
	{"json.Marshaler", func() any { n := 7; return &jsoner{&n} }},
	{"TextMarshaler", func() any { n := 7; return &texter{&n} }},
	{"LogValuer", func() any { n := 7; return &valuer{&n} }},
	{"nil Stringer", func() any { return (*stringer)(nil) }},
	{"big.Int", func() any { return big.NewInt(1 << 40) }},
	{"netip.Addr", func() any { return netip.MustParseAddr("10.0.0.1") }},
	{"group", func() any { return slog.GroupValue(slog.Int("a", 1), slog.Any("order", &order{1, nil})) }},
}
