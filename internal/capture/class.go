package capture

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/asynchandler/asynchandler/internal/lists"
)

// class says how values of a type are frozen.
type class uint8

const (
	render      class = iota // show the value now
	keep                     // it cannot change
	marshalText              // show the value now; JSON asks it for a text
	keepText                 // it cannot change, and its text is all that slog's handlers show
	cloneSlice               // copy it, same type
	cloneMap
	cloneLists
)

// maxClasses bounds the cache: reflect can make types without end.
const maxClasses = 4096

var (
	classes    sync.Map // reflect.Type to class
	numClasses atomic.Int64
)

func classOf(t reflect.Type) class {
	if c, ok := classes.Load(t); ok {
		return c.(class)
	}
	c := classify(t)
	if numClasses.Load() < maxClasses {
		if _, loaded := classes.LoadOrStore(t, c); !loaded {
			numClasses.Add(1)
		}
	}
	return c
}

// isKept reports whether x cannot change, which its type tells, and is kept for f.
func isKept(x any, f Format) bool {
	if x == nil {
		return true
	}
	switch classOf(reflect.TypeOf(x)) {
	case keep:
		return true
	case keepText:
		return f.rules() == Any || f.rules() == Resolved
	default:
		return false
	}
}

func classify(t reflect.Type) class {
	switch {
	case t == wrapError, t == wrapErrors:
		return keepText
	case isImmutable(t):
		return keep
	case t.Kind() == reflect.Slice && (isPureBytes(t) || hasNoMethods(t) && isBasic(t.Elem())):
		return cloneSlice
	case t.Kind() == reflect.Map && hasNoMethods(t) && isBasic(t.Key()) && isBasic(t.Elem()):
		return cloneMap
	case lists.Is(t):
		return cloneLists
	case asksForText(t):
		return marshalText
	default:
		return render
	}
}

var (
	plainError = reflect.TypeOf(errors.New(""))
	// Errors that wrap have a text that is made once, too, and may keep anything alive.
	wrapError  = reflect.TypeOf(fmt.Errorf("%w", io.EOF))
	wrapErrors = reflect.TypeOf(fmt.Errorf("%w %w", io.EOF, io.EOF))
)

// HasFixedText reports whether err is one whose text nobody can change: those of
// [errors.New] and [fmt.Errorf].
func HasFixedText(err error) bool {
	t := reflect.TypeOf(err)
	return (t == wrapError || t == plainError || t == wrapErrors) && !reflect.ValueOf(err).IsNil()
}

// isImmutable reports whether a value of type t that is held in an interface can
// no longer change, and shows itself by no method of the user's. Only pointers make
// types recursive, so this ends.
func isImmutable(t reflect.Type) bool {
	switch {
	case isPure(t), t == plainError:
		return true
	case showsItself(t):
		return false
	}
	switch t.Kind() {
	case reflect.Array:
		return isImmutable(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !isImmutable(f.Type) {
				return false
			}
		}
		return true
	default:
		return isScalar(t.Kind())
	}
}

// isBasic reports whether copying elements of type t is all it takes to freeze
// them. Structs and types with methods are not: a method may read with a lock or
// an atomic what the copy reads without, and JSON may skip fields.
func isBasic(t reflect.Type) bool {
	if !hasNoMethods(t) || !hasNoMethods(reflect.PointerTo(t)) {
		return false
	}
	return isScalar(t.Kind()) || t.Kind() == reflect.Array && isBasic(t.Elem())
}

func isScalar(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 || k == reflect.String
}

func hasNoMethods(t reflect.Type) bool { return t.NumMethod() == 0 }
