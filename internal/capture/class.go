package capture

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// class says how values of a type are frozen.
type class uint8

const (
	render     class = iota // show the value now
	keep                    // it cannot change
	cloneSlice              // copy it, same type
	cloneMap
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

// isKept reports whether x cannot change, which its type tells.
func isKept(x any) bool {
	return x == nil || classOf(reflect.TypeOf(x)) == keep
}

func classify(t reflect.Type) class {
	switch {
	case isImmutable(t):
		return keep
	case t.Kind() == reflect.Slice && (t.Elem().Kind() == reflect.Uint8 || hasNoMethods(t) && isBasic(t.Elem())):
		// Byte slices with methods too: whatever the methods show is in the bytes,
		// and text shows byte slices in a way that no other type has.
		return cloneSlice
	case t.Kind() == reflect.Map && hasNoMethods(t) && isBasic(t.Key()) && isBasic(t.Elem()):
		return cloneMap
	default:
		return render
	}
}

// frozenErrors are pointers to types of the standard library whose text is made
// once and can be changed by nobody.
var frozenErrors = []reflect.Type{
	reflect.TypeOf(errors.New("")),
	reflect.TypeOf(fmt.Errorf("%w", io.EOF)),
	reflect.TypeOf(fmt.Errorf("%w %w", io.EOF, io.EOF)),
}

// HasFixedText reports whether err is one whose text nobody can change: those of
// [errors.New] and [fmt.Errorf].
func HasFixedText(err error) bool { return slices.Contains(frozenErrors, reflect.TypeOf(err)) }

var timeType = reflect.TypeFor[time.Time]()

// isImmutable reports whether a value of type t that is held in an interface can
// no longer change. Only pointers make types recursive, so this ends.
func isImmutable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return isImmutable(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return true
		}
		for f := range t.Fields() {
			if !isImmutable(f.Type) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		return slices.Contains(frozenErrors, t)
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
