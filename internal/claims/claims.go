// Package claims says what somebody has for himself.
package claims

import (
	"reflect"
	"sync"
)

var taken sync.Map

// Take takes x for the caller, and reports false if another has it. What cannot be compared,
// and nil, anybody has.
func Take(x any) bool {
	if !known(x) {
		return true
	}
	_, other := taken.LoadOrStore(x, struct{}{})
	return !other
}

// Taken reports whether somebody has x.
func Taken(x any) bool {
	if !known(x) {
		return false
	}
	_, yes := taken.Load(x)
	return yes
}

// Release gives x back. It must be the caller's.
func Release(x any) {
	if known(x) {
		taken.Delete(x)
	}
}

func known(x any) bool { return x != nil && reflect.ValueOf(x).Comparable() }
